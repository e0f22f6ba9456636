//! Query parameters, read one by one, so that each fault names its parameter and nothing unknown passes unseen.

use std::{collections::BTreeMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use crate::http::Problem;

/// The query string of one request.
#[derive(Debug, Clone, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Parses a query string; `known` lists every parameter that the resource has.
    ///
    /// # Errors
    /// 400 for a parameter that is unknown or stands twice.
    pub fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut parameters = BTreeMap::new();
        let Ok(axum::extract::Query(pairs)) = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(
            &http::Uri::builder()
                .path_and_query(format!("/?{}", query.unwrap_or_default()))
                .build()
                .unwrap_or_default(),
        ) else {
            return Err(Problem::bad_parameter("query", "cannot be decoded", "name=value pairs, percent-encoded"));
        };
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                return Err(Problem::bad_parameter(&name, "is not known here", &known.join(", ")));
            }
            if parameters.insert(name.clone(), value).is_some() {
                return Err(Problem::bad_parameter(&name, "stands twice", "once"));
            }
        }
        Ok(Self(parameters))
    }

    /// The parameter as text, when it is there.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The parameter as a number within `range`, or `default` when it is not there.
    ///
    /// # Errors
    /// 400 when it is not a number or lies outside.
    pub fn number<T>(&self, name: &str, default: T, range: RangeInclusive<T>) -> Result<T, Problem>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let Some(text) = self.text(name) else { return Ok(default) };
        let accepted = format!("a number from {} to {}", range.start(), range.end());
        match text.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(Problem::bad_parameter(name, &format!("is {text:?}"), &accepted)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_within_their_range() {
        let query = Query::parse(Some("hours_back=6&event_type=Push%20Event"), &["hours_back", "event_type"]).unwrap();
        assert_eq!(query.number("hours_back", 1, 1..=24).unwrap(), 6);
        assert_eq!(query.number("page_size", 100, 1..=1000).unwrap(), 100);
        assert_eq!(query.text("event_type"), Some("Push Event"));
        let detail = serde_json::to_value(query.number("hours_back", 1, 1..=5).unwrap_err()).unwrap();
        assert_eq!(detail["detail"], "hours_back is \"6\"; accepted: a number from 1 to 5");
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        for query in ["page=1", "hours_back=1&hours_back=2"] {
            assert!(Query::parse(Some(query), &["hours_back"]).is_err(), "{query}");
        }
    }
}
