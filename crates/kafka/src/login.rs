//! How a client shows who it is, and how it knows the broker.

use kit::Secret;
use rdkafka::ClientConfig;

/// How a SASL password is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// `PLAIN`: the password itself.
    Plain,
    /// `SCRAM-SHA-256`.
    ScramSha256,
    /// `SCRAM-SHA-512`.
    ScramSha512,
}

impl Mechanism {
    /// Kafka's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

/// Who the client is.
#[derive(Debug, Clone)]
pub enum Login {
    /// SASL.
    Password {
        /// How it is proved.
        mechanism: Mechanism,
        /// The user.
        username: String,
        /// The user's.
        password: Secret,
    },
    /// Mutual TLS; all in PEM.
    Certificate {
        /// The client's certificate, with its chain behind it.
        certificate: String,
        /// Its private key.
        key: Secret,
        /// The key's password, when it has one.
        key_password: Option<Secret>,
    },
}

impl Login {
    pub(crate) fn apply(&self, client: &mut ClientConfig) {
        match self {
            Self::Password { mechanism, username, password } => {
                client
                    .set("sasl.mechanism", mechanism.name())
                    .set("sasl.username", username)
                    .set("sasl.password", password.expose());
            }
            Self::Certificate { certificate, key, key_password } => {
                client.set("ssl.certificate.pem", certificate).set("ssl.key.pem", key.expose());
                if let Some(password) = key_password {
                    client.set("ssl.key.password", password.expose());
                }
            }
        }
    }
}
