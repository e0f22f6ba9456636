//! What the environment says of a cluster and of the login to it.

use kit::{Env, Secret, connections, connections::EventHubs};

use crate::{Config, Login, Mechanism};

/// A cluster whose address may still be asked for.
pub(crate) struct Settings {
    servers: Option<String>,
    pub(crate) login: Option<Login>,
    tls: bool,
    root_certificate: Option<String>,
    event_hubs: bool,
}

impl Settings {
    /// Reads the variables that [`Config::from_variables`] names; `env` keeps the faults.
    pub(crate) fn read(env: &mut Env) -> Self {
        let event_hubs = connections::event_hubs(env);
        let tls = encrypts(env, event_hubs.is_some());
        let is_event_hubs = event_hubs.is_some();
        let login = event_hubs.map_or_else(|| named_login(env), |hubs| Some(event_hubs_login(hubs)));
        Self {
            servers: connections::kafka_servers(env),
            login,
            tls,
            root_certificate: root_certificate(env),
            event_hubs: is_event_hubs,
        }
    }

    pub(crate) fn servers(&self) -> Option<String> {
        self.servers.clone()
    }

    /// The cluster with brokers at these addresses.
    pub(crate) fn at(&self, bootstrap_servers: String) -> Config {
        Config {
            bootstrap_servers,
            login: self.login.clone(),
            tls: self.tls,
            root_certificate: self.root_certificate.clone(),
            event_hubs: self.event_hubs,
        }
    }
}

fn event_hubs_login(hubs: EventHubs) -> Login {
    Login::Password {
        mechanism: Mechanism::Plain,
        username: EventHubs::USERNAME.to_owned(),
        password: hubs.connection_string,
    }
}

fn named_login(env: &mut Env) -> Option<Login> {
    let mechanism = match env.optional("KAFKA_SASL_MECHANISM").as_deref() {
        None => return None,
        Some("PLAIN") => Mechanism::Plain,
        Some("SCRAM-SHA-256") => Mechanism::ScramSha256,
        Some("SCRAM-SHA-512") => Mechanism::ScramSha512,
        Some(other) => {
            env.fault(format!("KAFKA_SASL_MECHANISM is {other:?}, expected SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN"));
            return None;
        }
    };
    Some(Login::Password {
        mechanism,
        username: env.required("KAFKA_SASL_USERNAME"),
        password: Secret::new(env.required("KAFKA_SASL_PASSWORD")),
    })
}

fn encrypts(env: &mut Env, always: bool) -> bool {
    match env.optional("KAFKA_SECURITY_PROTOCOL").as_deref() {
        Some("SSL" | "SASL_SSL") => true,
        Some(plain @ ("PLAINTEXT" | "SASL_PLAINTEXT")) => {
            if always {
                env.fault(format!(
                    "KAFKA_SECURITY_PROTOCOL is {plain:?} beside EVENTHUB_CONNECTIONSTRING, expected none or SASL_SSL"
                ));
            }
            false
        }
        None => always,
        Some(other) => {
            env.fault(format!(
                "KAFKA_SECURITY_PROTOCOL is {other:?}, expected PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
            ));
            false
        }
    }
}

fn root_certificate(env: &mut Env) -> Option<String> {
    let path = env.optional("KAFKA_ROOT_CERTIFICATE_FILE")?;
    match std::fs::read_to_string(&path) {
        Ok(pem) => Some(pem),
        Err(error) => {
            env.fault(format!("KAFKA_ROOT_CERTIFICATE_FILE is {path:?}, which cannot be read: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    const STRING: &str = "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey=aGlkZGVu";
    const HUBS: [(&str, &str); 2] =
        [("BOOTSTRAP_SERVERS", "n.servicebus.windows.net:9093"), ("EVENTHUB_CONNECTIONSTRING", STRING)];

    fn config(pairs: &[(&str, &str)]) -> anyhow::Result<Option<Config>> {
        Config::from_variables(pairs.iter().copied())
    }

    fn properties(pairs: &[(&str, &str)], names: &[&str]) -> Vec<String> {
        let client = config(pairs).unwrap().unwrap().client();
        names.iter().map(|name| client.get(name).unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_connection_string_logs_in_within_tls() {
        let names = ["bootstrap.servers", "security.protocol", "sasl.mechanism", "sasl.username", "sasl.password"];
        assert_eq!(properties(&HUBS, &names), [HUBS[0].1, "SASL_SSL", "PLAIN", "$ConnectionString", STRING]);
        assert_eq!(properties(&HUBS, &["message.max.bytes", "connections.max.idle.ms"]), ["1000000", "180000"]);
        let config = config(&HUBS).unwrap().unwrap();
        assert!(config.logs_in() && config.compression() == "none");
        let shown = format!("{config:?} {:?}", config.client());
        assert!(!shown.contains("aGlkZGVu"), "{shown}");
    }

    #[test]
    fn our_own_names_go_first() {
        let ours = [
            ("KAFKA_BOOTSTRAP_SERVERS", "ours:9092"),
            ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
            ("KAFKA_SASL_USERNAME", "me"),
            ("KAFKA_SASL_PASSWORD", "pw"),
        ];
        let names = ["bootstrap.servers", "security.protocol", "sasl.mechanism", "sasl.username", "message.max.bytes"];
        let both = [&HUBS[..], &ours[..]].concat();
        assert_eq!(properties(&both, &names), ["ours:9092", "SASL_PLAINTEXT", "SCRAM-SHA-512", "me", "8388608"]);
        let protocol = [("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")];
        assert_eq!(properties(&[&both[..], &protocol].concat(), &["security.protocol"]), ["SASL_SSL"]);
        assert_eq!(properties(&[HUBS[0]], &["bootstrap.servers", "security.protocol"]), [HUBS[0].1, "PLAINTEXT"]);
        assert!(config(&[("KAFKA_SASL_MECHANISM", "")]).unwrap().is_none());
    }

    #[test]
    fn every_fault_is_named_and_no_secret_shown() {
        for (pairs, fault) in [
            (vec![HUBS[1]], "BOOTSTRAP_SERVERS is not, expected"),
            (vec![HUBS[0], HUBS[1], ("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")], "beside EVENTHUB_CONNECTIONSTRING"),
            (vec![HUBS[0], ("EVENTHUB_CONNECTIONSTRING", "aGlkZGVu")], "EVENTHUB_CONNECTIONSTRING: part 1 is not"),
            (vec![("KAFKA_SASL_MECHANISM", "GSSAPI")], "KAFKA_SASL_MECHANISM is \"GSSAPI\""),
            (vec![("KAFKA_SASL_MECHANISM", "PLAIN")], "KAFKA_SASL_PASSWORD is not set"),
            (vec![("KAFKA_ROOT_CERTIFICATE_FILE", "/nowhere")], "KAFKA_ROOT_CERTIFICATE_FILE is \"/nowhere\""),
        ] {
            let error = format!("{:#}", config(&pairs).unwrap_err());
            assert!(error.contains(fault) && !error.contains("aGlkZGVu"), "{error}");
        }
    }
}
