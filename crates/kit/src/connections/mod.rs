//! Where Kafka and Postgres are, under each name that a variable may have. `kafka` and `pg` build their clients from what
//! is read here, and so does whatever runs the functions: the precedence stands in one place.
//!
//! Our own name goes before the other one: `KAFKA_BOOTSTRAP_SERVERS` before `BOOTSTRAP_SERVERS`, `KAFKA_SASL_*` before
//! `EVENTHUB_CONNECTIONSTRING`, `DATABASE_URL` and `DATABASE_SECRET_ARN` before `DB_*`. What goes behind is not read.

mod database;
mod event_hubs;

use std::collections::BTreeMap;

pub use self::{database::database_url, event_hubs::EventHubs};
use crate::{Env, env::EnvError};

/// Kafka's addresses, comma-separated: `KAFKA_BOOTSTRAP_SERVERS`, else `BOOTSTRAP_SERVERS`.
#[must_use]
pub fn kafka_servers(env: &Env) -> Option<String> {
    env.optional("KAFKA_BOOTSTRAP_SERVERS").or_else(|| env.optional("BOOTSTRAP_SERVERS"))
}

/// What `EVENTHUB_CONNECTIONSTRING` says, unless `KAFKA_SASL_MECHANISM` names another login. Faults are kept for
/// [`Env::finish`]; they name the part and repeat nothing of it.
pub fn event_hubs(env: &mut Env) -> Option<EventHubs> {
    const NAME: &str = "EVENTHUB_CONNECTIONSTRING";
    let text = env.secret(NAME).filter(|_| env.optional("KAFKA_SASL_MECHANISM").is_none())?;
    let servers = kafka_servers(env);
    let with_port = |server: &str| server.trim().rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match &servers {
        None => {
            env.fault(format!("{NAME} is set and BOOTSTRAP_SERVERS is not, expected the namespace's host name:9093"));
        }
        Some(servers) if !servers.split(',').all(with_port) => {
            env.fault(format!(
                "BOOTSTRAP_SERVERS is {servers:?}, expected the namespace's host name with its port :9093"
            ));
        }
        Some(_) => {}
    }
    EventHubs::parse(&text).map_err(|fault| env.fault(format!("{NAME}: {fault}"))).ok()
}

/// The variables with what other names say under our own, so that whoever knows ours alone finds it.
///
/// # Errors
/// Every fault in the variables that are used.
pub fn settled(mut variables: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, EnvError> {
    let mut env = Env::from_pairs(variables.clone());
    event_hubs(&mut env);
    let servers = kafka_servers(&env);
    let own = ["DATABASE_URL", "DATABASE_SECRET_ARN"].iter().any(|name| env.optional(name).is_some());
    let database = if own { None } else { database_url(&mut env) };
    env.finish()?;
    let database = database.map(|url| url.expose().to_owned());
    for (name, value) in [("KAFKA_BOOTSTRAP_SERVERS", servers), ("DATABASE_URL", database)] {
        if let Some(value) = value {
            variables.insert(name.to_owned(), value);
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRING: &str = "Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey=c2VjcmV0";

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn other_names_stand_under_our_own_which_go_first() {
        let both = [
            ("BOOTSTRAP_SERVERS", "theirs:9093"),
            ("DB_HOST", "theirs"),
            ("DB_NAME", "flow"),
            ("DB_USER", "app"),
            ("EVENTHUB_CONNECTIONSTRING", STRING),
        ];
        let found = settled(variables(&both)).unwrap();
        assert_eq!(found["KAFKA_BOOTSTRAP_SERVERS"], "theirs:9093");
        assert_eq!(found["DATABASE_URL"], "postgres://app@theirs:5432/flow");
        let ours = [("KAFKA_BOOTSTRAP_SERVERS", "ours:1"), ("DATABASE_URL", "postgres://ours/db")];
        let found = settled(variables(&[&both[..], &ours[..]].concat())).unwrap();
        assert_eq!(found["KAFKA_BOOTSTRAP_SERVERS"], "ours:1");
        assert_eq!(found["DATABASE_URL"], "postgres://ours/db");
        let secret = [("DATABASE_SECRET_ARN", "arn:ours")];
        assert!(!settled(variables(&[&both[..], &secret[..]].concat())).unwrap().contains_key("DATABASE_URL"));
    }

    #[test]
    fn every_fault_is_named_and_no_secret_shown() {
        let broken = [
            ("EVENTHUB_CONNECTIONSTRING", "Endpoint=sb://n/;SharedAccessKey=c2VjcmV0"),
            ("DB_HOST", "postgres://app:c2VjcmV0@host"),
            ("DB_PORT", "many"),
        ];
        let error = settled(variables(&broken)).unwrap_err().to_string();
        for part in [
            "BOOTSTRAP_SERVERS is not, expected",
            "EVENTHUB_CONNECTIONSTRING: SharedAccessKeyName is missing",
            "DB_HOST is no host name",
            "DB_PORT is \"many\"",
            "DB_NAME is not set",
            "DB_USER is not set",
        ] {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
        assert!(!error.contains("c2VjcmV0"), "{error}");
        // What goes behind another name is not read.
        let unused = [("DATABASE_URL", "postgres://ours/db"), ("KAFKA_SASL_MECHANISM", "PLAIN")];
        settled(variables(&[&broken[..], &unused[..]].concat())).unwrap();
    }

    #[test]
    fn a_server_of_event_hubs_has_its_port() {
        let pairs = [("BOOTSTRAP_SERVERS", "n.servicebus.windows.net"), ("EVENTHUB_CONNECTIONSTRING", STRING)];
        let error = settled(variables(&pairs)).unwrap_err().to_string();
        assert!(error.contains("BOOTSTRAP_SERVERS is \"n.servicebus.windows.net\", expected"), "{error}");
    }
}
