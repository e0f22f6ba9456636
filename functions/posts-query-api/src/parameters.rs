//! What requests may say: limit, cursor, whether part of an answer will do, and the writes that must be in it.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use domain::posts::{Id, Token, check_user};
use http::HeaderMap;
use kit::http::{Problem, Query};

/// The header that names the writes that must be readable.
pub(crate) const TOKEN_HEADER: &str = "x-consistency-token";

/// Rows of a page when nothing is said, and at most.
const PAGE: (usize, usize) = (20, 100);
/// A client waits for a handful of its own writes.
const MOST_TOKENS: usize = 8;

/// The parameters of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) limit: usize,
    pub(crate) cursor: Option<String>,
    pub(crate) partial: bool,
}

impl Paging {
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(query, &["limit", "cursor", "partial"])?;
        Ok(Self {
            limit: query.number("limit", PAGE.0, 1..=PAGE.1)?,
            cursor: query.text("cursor").map(str::to_owned),
            partial: partial_of(&query)?,
        })
    }

    /// Of a list at a single shard, of which there are no parts.
    pub(crate) fn parse_single(query: Option<&str>) -> Result<Self, Problem> {
        let query = Query::parse(query, &["limit", "cursor"])?;
        let limit = query.number("limit", PAGE.0, 1..=PAGE.1)?;
        Ok(Self { limit, cursor: query.text("cursor").map(str::to_owned), partial: false })
    }
}

/// `partial` alone.
pub(crate) fn partial(query: Option<&str>) -> Result<bool, Problem> {
    partial_of(&Query::parse(query, &["partial"])?)
}

fn partial_of(query: &Query) -> Result<bool, Problem> {
    match query.text("partial") {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(Problem::bad_parameter("partial", &format!("is {other:?}"), "true, false")),
    }
}

/// Refuses every parameter.
pub(crate) fn none(query: Option<&str>) -> Result<(), Problem> {
    Query::parse(query, &[]).map(|_| ())
}

/// A path's part of text.
pub(crate) type Part = Result<Path<String>, PathRejection>;

/// The id of a post in a path.
pub(crate) fn post_id(part: Part) -> Result<Id, Problem> {
    let text = text(part, "id")?;
    text.parse().map_err(|_| Problem::bad_parameter("id", &format!("is {text:?}"), "a UUID, the id of a post"))
}

/// The id of a user in a path.
pub(crate) fn user_id(part: Part) -> Result<String, Problem> {
    let user = text(part, "id")?;
    check_user(&user).map_err(|fault| Problem::bad_parameter("id", &fault.fault, fault.accepted))?;
    Ok(user)
}

fn text(part: Part, name: &str) -> Result<String, Problem> {
    let Path(text) = part.map_err(|_| Problem::bad_parameter(name, "cannot be decoded", "UTF-8, percent-encoded"))?;
    Ok(text)
}

/// The writes that the request's header names; several stand behind commas, or in several headers.
pub(crate) fn tokens(headers: &HeaderMap) -> Result<Vec<Token>, Problem> {
    let refuse = |fault: &str| {
        let accepted = format!("tokens of writes, such as posts-writes-17-1234, at most {MOST_TOKENS}");
        Problem::bad_parameter("X-Consistency-Token", fault, &accepted)
    };
    let mut tokens = Vec::new();
    for value in headers.get_all(TOKEN_HEADER) {
        for token in value.to_str().map_err(|_| refuse("has other than visible characters"))?.split(',') {
            if tokens.len() == MOST_TOKENS {
                return Err(refuse("names more"));
            }
            tokens.push(token.trim().parse().map_err(|_| refuse("cannot be read"))?);
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parameter(problem: &Problem) -> String {
        let json = serde_json::to_value(problem).unwrap();
        assert_eq!(json["status"], 400);
        json["parameter"].as_str().unwrap().to_owned()
    }

    #[test]
    fn defaults_and_values() {
        let paging = Paging { limit: 20, cursor: None, partial: true };
        assert_eq!(Paging::parse(None).unwrap(), paging);
        let paging = Paging { limit: 5, cursor: Some("a-b_".into()), partial: false };
        assert_eq!(Paging::parse(Some("limit=5&cursor=a-b_&partial=false")).unwrap(), paging);
    }

    #[test]
    fn each_fault_names_its_parameter() {
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=ten", "limit"),
            ("limit=", "limit"),
            ("partial=yes", "partial"),
            ("page=2", "page"),
            ("limit=1&limit=1", "limit"),
        ] {
            assert_eq!(parameter(&Paging::parse(Some(query)).unwrap_err()), name, "{query}");
        }
        assert_eq!(parameter(&Paging::parse_single(Some("partial=true")).unwrap_err()), "partial");
        assert_eq!(parameter(&post_id(Ok(Path("post-id".into()))).unwrap_err()), "id");
        assert_eq!(parameter(&user_id(Ok(Path("  ".into()))).unwrap_err()), "id");
    }

    #[test]
    fn tokens_stand_behind_commas_or_in_several_headers() {
        let mut headers = HeaderMap::new();
        assert_eq!(tokens(&headers).unwrap(), []);
        headers.append(TOKEN_HEADER, "posts-writes-1-2, posts-writes-3-4".parse().unwrap());
        headers.append(TOKEN_HEADER, "posts-writes-5-6".parse().unwrap());
        let texts: Vec<String> = tokens(&headers).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["posts-writes-1-2", "posts-writes-3-4", "posts-writes-5-6"]);
        for bad in ["", "posts-writes-48-1", "1", "posts-writes-1-2,", &["posts-writes-1-2"; 9].join(",")] {
            let mut headers = HeaderMap::new();
            headers.append(TOKEN_HEADER, bad.parse().unwrap());
            assert_eq!(parameter(&tokens(&headers).unwrap_err()), "X-Consistency-Token", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_judged(query in "\\PC{0,60}", limit in "\\PC{0,8}") {
            if let Ok(paging) = Paging::parse(Some(&query)) {
                prop_assert!((1..=PAGE.1).contains(&paging.limit));
            }
            if let Ok(paging) = Paging::parse(Some(&format!("limit={limit}"))) {
                prop_assert!((1..=PAGE.1).contains(&paging.limit));
            }
        }

        #[test]
        fn any_path_and_header_is_judged(text: String, header in "\\PC{0,40}") {
            if let Ok(id) = post_id(Ok(Path(text.clone()))) {
                prop_assert_eq!(id.to_string(), text.to_lowercase());
            }
            let _user = user_id(Ok(Path(text)));
            let mut headers = HeaderMap::new();
            if let Ok(value) = http::HeaderValue::from_bytes(header.as_bytes()) {
                headers.insert(TOKEN_HEADER, value);
                let _tokens = tokens(&headers);
            }
        }
    }
}
