//! The connection string of Azure Event Hubs: which namespace, and the key that opens it.

use crate::Secret;

/// The longest string that is looked at.
const MAX_BYTES: usize = 4096;

/// The names of its parts.
const PARTS: [&str; 4] = ["Endpoint", "SharedAccessKeyName", "SharedAccessKey", "EntityPath"];

/// A connection string that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHubs {
    /// The namespace's host name, of `Endpoint`.
    pub host: String,
    /// Name of the policy whose key it is.
    pub key_name: String,
    /// The event hub (a topic) to which the key is limited.
    pub entity_path: Option<String>,
    /// The string itself, which is the password.
    pub connection_string: Secret,
}

impl EventHubs {
    /// The user that Event Hubs expects beside a connection string.
    pub const USERNAME: &str = "$ConnectionString";

    /// Reads `Endpoint=sb://<host>/;SharedAccessKeyName=<name>;SharedAccessKey=<key>`, with `;EntityPath=<topic>` or
    /// without, in any order.
    ///
    /// # Errors
    /// What is wrong with which part. Nothing of the string is repeated: a key may stand in the wrong place.
    pub fn parse(secret: &Secret) -> Result<Self, String> {
        let text = secret.expose();
        if text.len() > MAX_BYTES {
            return Err(format!("is {} bytes long, expected {MAX_BYTES} at most", text.len()));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("holds a space, a line break or a control character".to_owned());
        }
        let mut found = [None; PARTS.len()];
        for (number, part) in (1..).zip(text.strip_suffix(';').unwrap_or(text).split(';')) {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("part {number} is not <name>=<value>"))?;
            let known = found.iter_mut().zip(PARTS).find(|(_, known)| *known == name);
            let (place, known) =
                known.ok_or_else(|| format!("part {number} has another name than {}", PARTS.join(", ")))?;
            if value.is_empty() {
                return Err(format!("{known} is empty"));
            }
            if place.replace(value).is_some() {
                return Err(format!("{known} stands twice"));
            }
        }
        let [endpoint, key_name, key, entity_path] = found;
        let missing = |name: &str| format!("{name} is missing");
        let host = endpoint.ok_or_else(|| missing("Endpoint"))?;
        let host = host_of(host).ok_or("Endpoint is not sb://<host name>/")?;
        let key_name = key_name.ok_or_else(|| missing("SharedAccessKeyName"))?;
        key.ok_or_else(|| missing("SharedAccessKey"))?;
        Ok(Self {
            host: host.to_owned(),
            key_name: key_name.to_owned(),
            entity_path: entity_path.map(str::to_owned),
            connection_string: secret.clone(),
        })
    }
}

fn host_of(endpoint: &str) -> Option<&str> {
    let host = endpoint.strip_prefix("sb://")?;
    let host = host.strip_suffix('/').unwrap_or(host);
    super::database::is_host(host).then_some(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "SharedAccessKey=aGlkZGVuLWtleQ==";

    fn parse(text: &str) -> Result<EventHubs, String> {
        EventHubs::parse(&Secret::new(text))
    }

    #[test]
    fn a_string_is_read_in_any_order() {
        let text = format!("Endpoint=sb://n.servicebus.windows.net/;SharedAccessKeyName=all;{KEY}");
        let found = parse(&text).unwrap();
        assert_eq!((found.host.as_str(), found.key_name.as_str()), ("n.servicebus.windows.net", "all"));
        assert_eq!((found.entity_path.as_deref(), found.connection_string.expose()), (None, text.as_str()));
        let found = parse(&format!("EntityPath=start;{KEY};SharedAccessKeyName=a;Endpoint=sb://n;")).unwrap();
        assert_eq!(found.entity_path.as_deref(), Some("start"));
        assert!(!format!("{found:?}").contains("aGlk"), "{found:?}");
    }

    #[test]
    fn a_fault_names_its_part() {
        let name = "SharedAccessKeyName=all";
        for (text, fault) in [
            (format!("{name};{KEY}"), "Endpoint is missing"),
            (format!("Endpoint=sb://n/;{KEY}"), "SharedAccessKeyName is missing"),
            (format!("Endpoint=sb://n/;{name}"), "SharedAccessKey is missing"),
            (format!("Endpoint=https://n/;{name};{KEY}"), "Endpoint is not sb://<host name>/"),
            (format!("Endpoint=sb://n/a/;{name};{KEY}"), "Endpoint is not sb://<host name>/"),
            (format!("Endpoint=sb:///;{name};{KEY}"), "Endpoint is not sb://<host name>/"),
            (format!("Endpoint=sb://n/;{name};SharedAccessKey="), "SharedAccessKey is empty"),
            (format!("Endpoint=sb://n/;{name};{KEY};{KEY}"), "SharedAccessKey stands twice"),
            (format!("Endpoint=sb://n/;{name};{KEY};aGlkZGVu"), "part 4 is not <name>=<value>"),
            (format!("Endpoint=sb://n/;{name};{KEY};Key=aGlkZGVu"), "part 4 has another name than"),
            (format!("Endpoint=sb://n/;{name}; {KEY}"), "holds a space"),
            (String::new(), "part 1 is not <name>=<value>"),
            ("x".repeat(MAX_BYTES + 1), "is 4097 bytes long"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(fault), "{text}: {error}");
            assert!(!error.contains("aGlk"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused_without_a_word_of_it(text in r"(?s).{0,200}", key in "[a-zA-Z0-9+/]{20,44}") {
            for text in [text.clone(), format!("{text};{key}"), format!("SharedAccessKey={key};{text}"), format!("{key}={text}")] {
                match parse(&text) {
                    Ok(found) => prop_assert_eq!(found.connection_string.expose(), text.as_str()),
                    Err(error) => prop_assert!(!error.contains(&key), "{}", error),
                }
            }
        }

        #[test]
        fn what_is_whole_is_read(host in "[a-z][a-z0-9-]{0,20}(\\.[a-z]{1,9}){0,3}", name in "[!-:<-~]{1,40}", key in "[!-:<-~]{1,60}") {
            let found = parse(&format!("Endpoint=sb://{host}/;SharedAccessKeyName={name};SharedAccessKey={key}")).unwrap();
            prop_assert_eq!((found.host, found.key_name), (host, name));
        }
    }
}
