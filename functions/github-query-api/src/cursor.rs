//! Where a walk stands: which state of the table it is on, what it asks for, and the last row that it has seen.
//!
//! Outside it is opaque: base64url of JSON with a version. Nothing in it is trusted: it names no place outside of the
//! table, and what it asks for is checked like a query's parameters.

use base64_simd::URL_SAFE_NO_PAD;
use kit::http::Problem;
use lake::{Position, ViewName};
use serde::{Deserialize, Serialize};

use crate::parameters::{Filters, PAGE_MAX};

/// The version that is written and read.
const VERSION: u32 = 1;
/// Characters; no cursor that was given out is longer.
const LENGTH_MAX: usize = 16 << 10;
const ACCEPTED: &str = "a next_cursor that this resource gave out, as it is";

/// See the module. Times are microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    #[serde(rename = "v")]
    version: u32,
    /// When the walk began.
    #[serde(rename = "b")]
    pub begun: i64,
    #[serde(rename = "w")]
    pub view: ViewName,
    #[serde(rename = "a")]
    pub after: Position,
    #[serde(rename = "f")]
    pub filters: Filters,
    /// The window that the filters were when the walk began.
    #[serde(rename = "s")]
    pub since: i64,
    #[serde(rename = "u")]
    pub until: i64,
    #[serde(rename = "n")]
    pub page_size: usize,
}

/// What a walk takes along from page to page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    pub begun: i64,
    pub view: ViewName,
    pub filters: Filters,
    pub since: i64,
    pub until: i64,
    pub page_size: usize,
}

impl Cursor {
    pub(crate) fn new(walk: Walk, after: Position) -> Self {
        let Walk { begun, view, filters, since, until, page_size } = walk;
        Self { version: VERSION, begun, view, after, filters, since, until, page_size }
    }

    pub(crate) fn encode(&self) -> anyhow::Result<String> {
        Ok(URL_SAFE_NO_PAD.encode_to_string(serde_json::to_vec(self)?))
    }

    /// # Errors
    /// 400 that names `cursor`, for anything that was not given out by this version.
    pub(crate) fn decode(text: &str) -> Result<Self, Problem> {
        let fault = |fault: &str| Problem::bad_parameter("cursor", fault, ACCEPTED);
        if text.is_empty() || text.len() > LENGTH_MAX {
            return Err(fault("is empty or too long"));
        }
        let json = URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| fault("is not base64url"))?;
        let cursor: Self = serde_json::from_slice(&json).map_err(|_| fault("is malformed"))?;
        if cursor.version != VERSION {
            return Err(fault("is of another version"));
        }
        if !(1..=PAGE_MAX).contains(&cursor.page_size) {
            return Err(fault("is malformed"));
        }
        cursor.filters.check().map_err(|_| fault("is malformed"))?;
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(json: &str) -> ViewName {
        serde_json::from_str(json).unwrap()
    }

    fn cursor() -> impl Strategy<Value = Cursor> {
        let key = proptest::option::of("[0-9]{1,12}");
        let filters = (proptest::option::of(1_u32..80_000), proptest::option::of("[A-Z][a-z]{1,20}Event"));
        (any::<i64>(), key, filters, 1_usize..=1_000, any::<(i64, i64)>()).prop_map(
            |(time, key, (hours_back, event_type), page_size, (since, until))| {
                let filters = Filters { hours_back, event_type, ..Filters::default() };
                let view = name(r#"{"m":"00001-a.metadata.json","s":"12.3 4"}"#);
                let walk = Walk { begun: time, view, filters, since, until, page_size };
                Cursor::new(walk, Position { time, key })
            },
        )
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was_given_out(cursor in cursor()) {
            let text = cursor.encode().unwrap();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(Cursor::decode(&text).unwrap(), cursor);
        }

        #[test]
        fn a_cursor_that_was_cut_or_changed_is_refused_or_read(cursor in cursor(), at in any::<prop::sample::Index>(), with in any::<char>()) {
            let text = cursor.encode().unwrap();
            let at = at.index(text.len());
            prop_assert!(Cursor::decode(&text[..at]).is_err());
            let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
            if let Err(problem) = Cursor::decode(&changed) {
                prop_assert_eq!(&serde_json::to_value(problem).unwrap()["parameter"], "cursor");
            }
        }

        #[test]
        fn no_text_at_all_makes_it_panic(text in any::<String>()) {
            if let Err(problem) = Cursor::decode(&text) {
                prop_assert_eq!(problem.status().as_u16(), 400);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let of = |json: &str| URL_SAFE_NO_PAD.encode_to_string(json);
        let valid = r#"{"v":1,"b":0,"w":{"m":null,"s":""},"a":{"t":1,"k":null},"f":{},"s":0,"u":9,"n":10}"#;
        assert!(Cursor::decode(&of(valid)).is_ok());
        for (text, fault) in [
            (String::new(), "is empty"),
            ("%%%".to_owned(), "is not base64url"),
            (of("[]"), "is malformed"),
            (of(&valid.replace("\"v\":1", "\"v\":2")), "is of another version"),
            (of(&valid.replace("\"n\":10", "\"n\":0")), "is malformed"),
            (of(&valid.replace("{}", r#"{"repo":"no repository"}"#)), "is malformed"),
            (of(&valid.replace("\"b\"", "\"z\"")), "is malformed"),
        ] {
            let problem = serde_json::to_value(Cursor::decode(&text).unwrap_err()).unwrap();
            assert!(problem["detail"].as_str().unwrap().contains(fault), "{text}: {problem}");
        }
    }
}
