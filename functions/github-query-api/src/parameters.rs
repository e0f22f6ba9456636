//! What `GET /events` accepts.

use kit::http::{Problem, Query};

const NAMES: [&str; 3] = ["hours_back", "event_type", "page_size"];
/// Ten years.
const HOURS_MAX: u32 = 87_600;
const PAGE_MAX: usize = 1_000;
/// The longest of GitHub's type names has 29 characters.
const TYPE_MAX: usize = 64;

/// The parameters of a request, checked, with their defaults.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub hours_back: u32,
    pub event_type: Option<String>,
    pub page_size: usize,
}

impl Parameters {
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(query, &NAMES)?;
        let event_type = match query.text("event_type") {
            Some(kind) if is_type(kind) => Some(kind.to_owned()),
            Some(_) => {
                let accepted = "an event type such as PushEvent: 1 to 64 letters, digits or _";
                return Err(Problem::bad_parameter("event_type", "is not a type's name", accepted));
            }
            None => None,
        };
        Ok(Self {
            hours_back: query.number("hours_back", 24, 1..=HOURS_MAX)?,
            event_type,
            page_size: query.number("page_size", 100, 1..=PAGE_MAX)?,
        })
    }
}

fn is_type(text: &str) -> bool {
    (1..=TYPE_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Refuses every parameter.
pub(crate) fn none(query: Option<&str>) -> Result<(), Problem> {
    Query::parse(query, &[]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_values() {
        assert_eq!(Parameters::parse(None).unwrap(), Parameters { hours_back: 24, event_type: None, page_size: 100 });
        assert_eq!(
            Parameters::parse(Some("hours_back=1&event_type=PushEvent&page_size=10")).unwrap(),
            Parameters { hours_back: 1, event_type: Some("PushEvent".to_owned()), page_size: 10 }
        );
    }

    #[test]
    fn each_fault_names_its_parameter() {
        for (query, name) in [
            ("hours_back=0", "hours_back"),
            ("hours_back=soon", "hours_back"),
            ("page_size=1001", "page_size"),
            ("page_size=-1", "page_size"),
            ("event_type=", "event_type"),
            ("event_type=a%20b", "event_type"),
            ("limit=5", "limit"),
            ("page_size=1&page_size=2", "page_size"),
        ] {
            let problem = serde_json::to_value(Parameters::parse(Some(query)).unwrap_err()).unwrap();
            assert_eq!((&problem["parameter"], &problem["status"]), (&name.into(), &400.into()), "{query}");
        }
    }
}
