//! Where the cluster is, and how to log in to it.

use anyhow::{Context, bail};
use kit::Env;
use rdkafka::ClientConfig;

use crate::{Login, settings::Settings};

/// The largest record that goes through: 8 MB. Lambda's payload of 6 MB in base64 holds 4.5 MB, so this bounds nothing
/// that a function could receive.
const MAX_MESSAGE_BYTES: &str = "8388608";

/// Event Hubs closes the connection on a request of more than 1,046,528 bytes.
const EVENT_HUBS_MAX_BYTES: &str = "1000000";

/// One cluster.
#[derive(Debug, Clone)]
pub struct Config {
    /// Comma-separated `host:port`.
    pub bootstrap_servers: String,
    /// How to log in; `None` for an open broker.
    pub(crate) login: Option<Login>,
    /// Whether the connection is encrypted.
    pub(crate) tls: bool,
    /// Who signed the broker's certificate, in PEM; `None` trusts what this machine trusts.
    pub(crate) root_certificate: Option<String>,
    /// Whether it is Azure Event Hubs, which takes less than Kafka does.
    pub(crate) event_hubs: bool,
}

impl Config {
    /// Reads the variables of [`kit::connections`] and the login ([`Config::from_variables`]), or asks MSK for the brokers of
    /// `MSK_CLUSTER_ARN`, which are reached by TLS when it offers it.
    ///
    /// # Errors
    /// When no cluster is named, a variable is wrong, or MSK does not answer.
    pub async fn load() -> anyhow::Result<Self> {
        let mut env = Env::from_process();
        let arn = env.optional("MSK_CLUSTER_ARN");
        let settings = Settings::read(&mut env);
        env.finish()?;
        match (settings.servers(), arn) {
            (Some(bootstrap_servers), _) => Ok(settings.at(bootstrap_servers)),
            (None, Some(arn)) => msk_brokers(&arn, settings).await,
            (None, None) => {
                bail!("configuration: none of KAFKA_BOOTSTRAP_SERVERS, BOOTSTRAP_SERVERS and MSK_CLUSTER_ARN is set")
            }
        }
    }

    /// What the variables say of a cluster; `None` when they name no server. `KAFKA_BOOTSTRAP_SERVERS` or
    /// `BOOTSTRAP_SERVERS` is where it is. `KAFKA_SASL_MECHANISM` (`SCRAM-SHA-512`, `SCRAM-SHA-256`, `PLAIN`) with
    /// `KAFKA_SASL_USERNAME` and `KAFKA_SASL_PASSWORD` logs in, or else `EVENTHUB_CONNECTIONSTRING`, which implies TLS.
    /// `KAFKA_SECURITY_PROTOCOL` (`PLAINTEXT`, `SSL`) encrypts; `KAFKA_ROOT_CERTIFICATE_FILE` names the PEM file of who
    /// signed the broker's certificate.
    ///
    /// # Errors
    /// Every fault in them.
    pub fn from_variables<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> anyhow::Result<Option<Self>> {
        let mut env = Env::from_pairs(variables);
        let settings = Settings::read(&mut env);
        env.finish()?;
        Ok(settings.servers().map(|servers| settings.at(servers)))
    }

    /// The same login at other servers of the cluster.
    #[must_use]
    pub fn at(&self, bootstrap_servers: impl Into<String>) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), ..self.clone() }
    }

    /// Whether clients log in.
    #[must_use]
    pub fn logs_in(&self) -> bool {
        self.login.is_some()
    }

    /// An open cluster at a known address.
    #[must_use]
    pub fn plaintext(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            login: None,
            tls: false,
            root_certificate: None,
            event_hubs: false,
        }
    }

    /// An encrypted cluster at a known address. Without a root certificate the broker's must be signed by an authority
    /// that this machine trusts.
    #[must_use]
    pub fn encrypted(
        bootstrap_servers: impl Into<String>,
        login: Option<Login>,
        root_certificate: Option<String>,
    ) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), login, tls: true, root_certificate, event_hubs: false }
    }

    /// librdkafka's configuration with the address and the login, to which a caller adds its own properties.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        let sasl = matches!(self.login, Some(Login::Password { .. }));
        let protocol = match (sasl, self.tls) {
            (false, false) => "PLAINTEXT",
            (false, true) => "SSL",
            (true, false) => "SASL_PLAINTEXT",
            (true, true) => "SASL_SSL",
        };
        client
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("security.protocol", protocol)
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            // A laptop's broker on 127.0.0.1 must not be looked up as ::1 first.
            .set("broker.address.family", "v4")
            // Up to 10 s by default, in which a broker that is back may be gone again.
            .set("reconnect.backoff.max.ms", "1000")
            .set("client.id", "millrace");
        if let Some(login) = &self.login {
            login.apply(&mut client);
        }
        if let Some(root) = &self.root_certificate {
            client.set("ssl.ca.pem", root);
        }
        if self.event_hubs {
            client
                .set("message.max.bytes", EVENT_HUBS_MAX_BYTES)
                // It drops connections that were idle for four minutes, without a word.
                .set("connections.max.idle.ms", "180000")
                .set("topic.metadata.refresh.interval.ms", "180000");
        }
        client
    }

    /// How a producer compresses. Event Hubs knows gzip alone, which costs more time than it saves.
    pub(crate) fn compression(&self) -> &'static str {
        if self.event_hubs { "none" } else { "lz4" }
    }
}

async fn msk_brokers(arn: &str, settings: Settings) -> anyhow::Result<Config> {
    let aws = aws_config::load_from_env().await;
    let brokers = aws_sdk_kafka::Client::new(&aws)
        .get_bootstrap_brokers()
        .cluster_arn(arn)
        .send()
        .await
        .with_context(|| format!("ask for the brokers of {arn}"))?;
    let (encrypted, open) = if settings.login.is_some() {
        (brokers.bootstrap_broker_string_sasl_scram, None)
    } else {
        (brokers.bootstrap_broker_string_tls, brokers.bootstrap_broker_string)
    };
    match (encrypted, open) {
        (Some(servers), _) => Ok(Config { tls: true, ..settings.at(servers) }),
        (None, Some(servers)) => Ok(Config { tls: false, ..settings.at(servers) }),
        (None, None) => bail!("cluster {arn} has no brokers for this kind of login"),
    }
}
