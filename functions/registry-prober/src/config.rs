//! Settings from the environment: above all the list of services, which the template fills.

use std::time::Duration;

use kit::Env;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Most services that one prober looks at: all of a round are looked at together.
const SERVICES_MAX: usize = 100;

/// What to look at, and how often.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SERVICES`: a JSON object, a function a line, by its name: `{"http": ADDRESS}`, `{"kafka": FUNCTION}` or
    /// `{"schedule": NAME}`.
    pub services: Vec<Service>,
    /// `PROBE_INTERVAL_SECONDS` (10): from the beginning of a round to that of the next.
    pub interval: Duration,
    /// `PROBE_DEADLINE_SECONDS` (5): what has not answered by then does not answer.
    pub deadline: Duration,
    /// `PROBE_MARGIN_SECONDS` (8): no round begins in the invocation's last seconds.
    pub margin: Duration,
}

/// A function and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Of the function, as its folder has it.
    pub name: String,
    /// Its place in the list, from 0.
    pub position: u32,
    /// What triggers it.
    pub trigger: Trigger,
}

/// What triggers a function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// An HTTP API at this address.
    Http(String),
    /// Kafka; the function's name as Lambda has it, which is longer than ours on AWS.
    Kafka(String),
    /// The schedule of this name. The function's leases have its name, alone or with `/` and more behind it.
    Schedule(String),
}

impl Trigger {
    /// As the table has it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Kafka(_) => "kafka",
            Self::Schedule(_) => "schedule",
        }
    }

    /// What it is in a word, where nothing more is known.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Http(_) => "HTTP API".to_owned(),
            Self::Kafka(_) => "Kafka".to_owned(),
            Self::Schedule(name) => format!("schedule {name}"),
        }
    }
}

impl Config {
    /// Reads the variables.
    ///
    /// # Errors
    /// When one is missing or malformed.
    pub fn load() -> anyhow::Result<Self> {
        let mut env = Env::from_process();
        let config = Self::read(&mut env);
        env.finish()?;
        Ok(config)
    }

    fn read(env: &mut Env) -> Self {
        let text = env.required("SERVICES");
        let services = if text.is_empty() { Ok(Vec::new()) } else { services(&text) };
        let services = services.unwrap_or_else(|fault| {
            env.fault(fault);
            Vec::new()
        });
        Self {
            services,
            interval: Duration::from_secs(env.parsed_or("PROBE_INTERVAL_SECONDS", 10)),
            deadline: Duration::from_secs(env.parsed_or("PROBE_DEADLINE_SECONDS", 5)),
            margin: Duration::from_secs(env.parsed_or("PROBE_MARGIN_SECONDS", 8)),
        }
    }
}

/// Reads the list; a fault names the service.
///
/// # Errors
/// A sentence with the variable's name.
pub fn services(text: &str) -> Result<Vec<Service>, String> {
    let accepted = r#"{"http": ADDRESS}, {"kafka": FUNCTION} or {"schedule": NAME}"#;
    let list: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        format!("SERVICES is not accepted; accepted: a JSON object, a service a member, each {accepted}: {error}")
    })?;
    if list.len() > SERVICES_MAX {
        return Err(format!("SERVICES has {} services, at most {SERVICES_MAX} are accepted", list.len()));
    }
    let service = |(position, (name, trigger)): (u32, (String, Value))| {
        let trigger = Trigger::deserialize(&trigger)
            .map_err(|error| format!("SERVICES: {name} is {trigger}, accepted: {accepted}: {error}"))?;
        let trigger = match trigger {
            Trigger::Http(address) if !address.starts_with("http://") && !address.starts_with("https://") => {
                return Err(format!("SERVICES: the address of {name} is {address:?}, accepted: http:// or https://"));
            }
            Trigger::Http(address) => Trigger::Http(address.trim_end_matches('/').to_owned()),
            other => other,
        };
        Ok(Service { name, position, trigger })
    };
    (0..).zip(list).map(service).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_keeps_its_order_and_an_address_loses_its_slash() {
        let list = r#"{"z-api": {"http": "http://localhost:1/"}, "a": {"kafka": "A-1"}, "b": {"schedule": "b"}}"#;
        let services = services(list).unwrap();
        let found: Vec<_> = services.iter().map(|s| (s.position, s.name.as_str(), s.trigger.kind())).collect();
        assert_eq!(found, [(0, "z-api", "http"), (1, "a", "kafka"), (2, "b", "schedule")]);
        assert_eq!(services[0].trigger, Trigger::Http("http://localhost:1".to_owned()));
    }

    #[test]
    fn a_fault_names_the_service_and_what_is_accepted() {
        for (list, named) in [
            ("[]", "SERVICES"),
            (r#"{"x": {"ftp": "a"}}"#, "x"),
            (r#"{"x": {"http": "localhost"}}"#, "localhost"),
            (r#"{"x": {"http": 1}}"#, "x"),
        ] {
            let fault = services(list).unwrap_err();
            assert!(fault.contains(named) && fault.contains("SERVICES") && fault.contains("accepted"), "{fault}");
        }
        let mut env = Env::from_pairs([("SERVICES", "{"), ("PROBE_INTERVAL_SECONDS", "often")]);
        Config::read(&mut env);
        let error = env.finish().unwrap_err().to_string();
        assert!(error.contains("SERVICES") && error.contains("PROBE_INTERVAL_SECONDS"), "{error}");
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_a_list_or_a_fault(text in ".{0,200}") {
            let _ = services(&text);
        }
    }
}
