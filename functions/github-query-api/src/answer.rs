//! Answers as they go out: with an `ETag`, 304 for who has it already, and kept while what they say stays true.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lake::{Position, ViewName};
use serde::Serialize;

use crate::parameters::Filters;

/// Bodies that are kept at most.
const KEPT_BYTES: usize = 32 << 20;

/// What an answer depends on: the state of the table and the question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub view: ViewName,
    pub question: Question,
}

/// A question, as far as the time does not change it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    Events { filters: Filters, page_size: usize, after: Option<(i64, Option<String>)>, since: Option<i64> },
    Stats { since: i64, hours_back: u32 },
}

impl Question {
    /// A page of events; `since` is told when it stands still, or belongs to a walk.
    pub(crate) fn events(filters: Filters, page_size: usize, after: Option<&Position>, since: Option<i64>) -> Self {
        Self::Events { filters, page_size, after: after.map(|after| (after.time, after.key.clone())), since }
    }
}

/// A finished answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    body: Bytes,
    etag: HeaderValue,
    /// It is true while the window begins no later than this, microseconds since 1970.
    pub until_since: i64,
}

impl Answer {
    /// `same` are the things that tell this answer from others; what else is in the body does not matter to a client.
    ///
    /// # Errors
    /// When the body cannot be written as JSON.
    pub(crate) fn new(body: &impl Serialize, same: &impl Hash, until_since: i64) -> anyhow::Result<Self> {
        let body = Bytes::from(serde_json::to_vec(body).context("write an answer")?);
        let mut hasher = DefaultHasher::new();
        same.hash(&mut hasher);
        let etag = HeaderValue::from_str(&format!("W/\"{:016x}\"", hasher.finish())).context("write an ETag")?;
        Ok(Self { body, etag, until_since })
    }

    /// The answer to a request with these headers; `cache` tells where it is from.
    pub(crate) fn respond(&self, request: &HeaderMap, cache: &'static str) -> Response {
        let headers = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (header::HeaderName::from_static("x-cache"), HeaderValue::from_static(cache)),
        ];
        if knows(request, &self.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (StatusCode::OK, headers, json, self.body.clone()).into_response()
    }
}

/// Whether one of the tags of `If-None-Match` is this one, compared weakly.
fn knows(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(ours) = etag.to_str().map(opaque) else { return false };
    let given = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|tag| tag.trim() == "*" || opaque(tag) == ours)
}

/// The last answers. The state of the table is a part of the key, so nothing in it is ever wrong, only old.
#[derive(Default)]
pub(crate) struct Answers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    answers: HashMap<Arc<Key>, Answer>,
    /// Oldest first.
    order: VecDeque<Arc<Key>>,
    bytes: usize,
}

impl Answers {
    /// The answer to this question, when the window that begins at `since` does not change it.
    pub(crate) fn get(&self, key: &Key, since: i64) -> Option<Answer> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.answers.get(key).filter(|answer| since <= answer.until_since).cloned()
    }

    pub(crate) fn insert(&self, key: Key, answer: Answer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Arc::new(key);
        kept.bytes += answer.body.len();
        match kept.answers.insert(key.clone(), answer) {
            Some(replaced) => kept.bytes = kept.bytes.saturating_sub(replaced.body.len()),
            None => kept.order.push_back(key),
        }
        while kept.bytes > KEPT_BYTES {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(dropped) = kept.answers.remove(&oldest) {
                kept.bytes = kept.bytes.saturating_sub(dropped.body.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hours_back: u32) -> Key {
        let view = serde_json::from_str(r#"{"m":null,"s":""}"#).unwrap();
        Key { view, question: Question::Stats { since: 0, hours_back } }
    }

    #[test]
    fn an_answer_is_given_while_its_window_may_begin_there() {
        let answers = Answers::default();
        answers.insert(key(1), Answer::new(&"a", &1, 100).unwrap());
        assert!(answers.get(&key(1), 100).is_some() && answers.get(&key(1), 101).is_none());
        assert!(answers.get(&key(2), 0).is_none());
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let answers = Answers::default();
        let large = "x".repeat(KEPT_BYTES / 4);
        for hours_back in 0..8 {
            answers.insert(key(hours_back), Answer::new(&large, &hours_back, 0).unwrap());
        }
        let kept: Vec<u32> = (0..8).filter(|hours_back| answers.get(&key(*hours_back), 0).is_some()).collect();
        assert_eq!(kept, [5, 6, 7]);
    }

    #[test]
    fn who_has_the_answer_is_told_so() {
        let answer = Answer::new(&"a", &1, 0).unwrap();
        let status = |tags: &str| {
            let mut request = HeaderMap::new();
            request.insert(header::IF_NONE_MATCH, HeaderValue::from_str(tags).unwrap());
            answer.respond(&request, "miss").status().as_u16()
        };
        let etag = answer.etag.to_str().unwrap();
        assert_eq!((status(etag), status(&format!("\"x\", {etag}")), status("*")), (304, 304, 304));
        assert_eq!((status("\"x\""), status(etag.trim_start_matches("W/"))), (200, 304));
        assert_eq!(answer.respond(&HeaderMap::new(), "hit").headers()["x-cache"], "hit");
    }
}
