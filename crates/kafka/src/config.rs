//! Where the cluster is, and how to log in to it.

use anyhow::{Context, bail};
use kit::{Env, Secret};
use rdkafka::ClientConfig;

/// The largest record that goes through: 8 MB. Lambda's payload of 6 MB in base64 holds 4.5 MB, so this bounds nothing
/// that a function could receive.
const MAX_MESSAGE_BYTES: &str = "8388608";

/// One cluster.
#[derive(Debug, Clone)]
pub struct Config {
    /// Comma-separated `host:port`.
    pub bootstrap_servers: String,
    /// How to log in; `None` for an open broker.
    sasl: Option<Sasl>,
    /// Whether the connection is encrypted.
    tls: bool,
}

#[derive(Debug, Clone)]
struct Sasl {
    mechanism: String,
    username: String,
    password: Secret,
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
        let sasl = env.optional("KAFKA_SASL_MECHANISM").map(|mechanism| Sasl {
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
            (Some(bootstrap_servers), _) => Ok(Self { bootstrap_servers, sasl, tls }),
            (None, Some(arn)) => msk_brokers(&arn, sasl).await,
            (None, None) => bail!("configuration: neither KAFKA_BOOTSTRAP_SERVERS nor MSK_CLUSTER_ARN is set"),
        }
    }

    /// An open cluster at a known address.
    #[must_use]
    pub fn plaintext(bootstrap_servers: impl Into<String>) -> Self {
        Self { bootstrap_servers: bootstrap_servers.into(), sasl: None, tls: false }
    }

    /// librdkafka's configuration with the address and the login, to which a caller adds its own properties.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        let protocol = match (&self.sasl, self.tls) {
            (None, false) => "PLAINTEXT",
            (None, true) => "SSL",
            (Some(_), false) => "SASL_PLAINTEXT",
            (Some(_), true) => "SASL_SSL",
        };
        client
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("security.protocol", protocol)
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            // A laptop's broker on 127.0.0.1 must not be looked up as ::1 first.
            .set("broker.address.family", "v4")
            .set("client.id", "millrace");
        if let Some(sasl) = &self.sasl {
            client
                .set("sasl.mechanism", &sasl.mechanism)
                .set("sasl.username", &sasl.username)
                .set("sasl.password", sasl.password.expose());
        }
        client
    }
}

async fn msk_brokers(arn: &str, sasl: Option<Sasl>) -> anyhow::Result<Config> {
    let aws = aws_config::load_from_env().await;
    let brokers = aws_sdk_kafka::Client::new(&aws)
        .get_bootstrap_brokers()
        .cluster_arn(arn)
        .send()
        .await
        .with_context(|| format!("ask for the brokers of {arn}"))?;
    let (encrypted, open) = if sasl.is_some() {
        (brokers.bootstrap_broker_string_sasl_scram, None)
    } else {
        (brokers.bootstrap_broker_string_tls, brokers.bootstrap_broker_string)
    };
    match (encrypted, open) {
        (Some(bootstrap_servers), _) => Ok(Config { bootstrap_servers, sasl, tls: true }),
        (None, Some(bootstrap_servers)) => Ok(Config { bootstrap_servers, sasl, tls: false }),
        (None, None) => bail!("cluster {arn} has no brokers for this kind of login"),
    }
}
