//! Where the cluster is, and how to log in to it.

use anyhow::{Context, bail};
use kit::{Env, Secret};
use rdkafka::ClientConfig;

use crate::{Login, Mechanism};

/// The largest record that goes through: 8 MB. Lambda's payload of 6 MB in base64 holds 4.5 MB, so this bounds nothing
/// that a function could receive.
const MAX_MESSAGE_BYTES: &str = "8388608";

/// One cluster.
#[derive(Debug, Clone)]
pub struct Config {
    /// Comma-separated `host:port`.
    pub bootstrap_servers: String,
    /// How to log in; `None` for an open broker.
    login: Option<Login>,
    /// Whether the connection is encrypted.
    tls: bool,
    /// Who signed the broker's certificate, in PEM; `None` trusts what this machine trusts.
    root_certificate: Option<String>,
}

impl Config {
    /// Reads `KAFKA_BOOTSTRAP_SERVERS`, or asks MSK for the brokers of `MSK_CLUSTER_ARN`. `KAFKA_SASL_MECHANISM`
    /// (`SCRAM-SHA-512`, `SCRAM-SHA-256`, `PLAIN`) with `KAFKA_SASL_USERNAME` and `KAFKA_SASL_PASSWORD` logs in;
    /// `KAFKA_SECURITY_PROTOCOL` (`PLAINTEXT`, `SSL`) encrypts. MSK's brokers are always reached by TLS when it offers it.
    ///
    /// # Errors
    /// When no cluster is named, the login is incomplete, or MSK does not answer.
    pub async fn load() -> anyhow::Result<Self> {
        let mut env = Env::from_process();
        let login = match env.optional("KAFKA_SASL_MECHANISM").as_deref() {
            None => None,
            Some("PLAIN") => Some(Mechanism::Plain),
            Some("SCRAM-SHA-256") => Some(Mechanism::ScramSha256),
            Some("SCRAM-SHA-512") => Some(Mechanism::ScramSha512),
            Some(other) => {
                env.fault(format!("KAFKA_SASL_MECHANISM is {other:?}, expected SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN"));
                None
            }
        };
        let login = login.map(|mechanism| Login::Password {
            mechanism,
            username: env.required("KAFKA_SASL_USERNAME"),
            password: Secret::new(env.required("KAFKA_SASL_PASSWORD")),
        });
        let tls = match env.optional("KAFKA_SECURITY_PROTOCOL").as_deref() {
            None | Some("PLAINTEXT" | "SASL_PLAINTEXT") => false,
            Some("SSL" | "SASL_SSL") => true,
            Some(other) => {
                env.fault(format!(
                    "KAFKA_SECURITY_PROTOCOL is {other:?}, expected PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
                ));
                false
            }
        };
        let servers = env.optional("KAFKA_BOOTSTRAP_SERVERS");
        let arn = env.optional("MSK_CLUSTER_ARN");
        env.finish()?;
        match (servers, arn) {
            (Some(bootstrap_servers), _) => Ok(Self { bootstrap_servers, login, tls, root_certificate: None }),
            (None, Some(arn)) => msk_brokers(&arn, login).await,
            (None, None) => bail!("configuration: neither KAFKA_BOOTSTRAP_SERVERS nor MSK_CLUSTER_ARN is set"),
        }
    }

    /// An open cluster at a known address.
    #[must_use]
    pub fn plaintext(bootstrap_servers: impl Into<String>) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), login: None, tls: false, root_certificate: None }
    }

    /// An encrypted cluster at a known address. Without a root certificate the broker's must be signed by an authority
    /// that this machine trusts.
    #[must_use]
    pub fn encrypted(
        bootstrap_servers: impl Into<String>,
        login: Option<Login>,
        root_certificate: Option<String>,
    ) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), login, tls: true, root_certificate }
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
        client
    }
}

async fn msk_brokers(arn: &str, login: Option<Login>) -> anyhow::Result<Config> {
    let aws = aws_config::load_from_env().await;
    let brokers = aws_sdk_kafka::Client::new(&aws)
        .get_bootstrap_brokers()
        .cluster_arn(arn)
        .send()
        .await
        .with_context(|| format!("ask for the brokers of {arn}"))?;
    let (encrypted, open) = if login.is_some() {
        (brokers.bootstrap_broker_string_sasl_scram, None)
    } else {
        (brokers.bootstrap_broker_string_tls, brokers.bootstrap_broker_string)
    };
    match (encrypted, open) {
        (Some(bootstrap_servers), _) => Ok(Config { bootstrap_servers, login, tls: true, root_certificate: None }),
        (None, Some(bootstrap_servers)) => Ok(Config { bootstrap_servers, login, tls: false, root_certificate: None }),
        (None, None) => bail!("cluster {arn} has no brokers for this kind of login"),
    }
}
