//! Faults on request: what the next answers of `/events` shall get wrong.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// More pending faults than this are refused.
pub const PENDING_MAX: usize = 1_000;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// "Bad credentials", whatever the token.
    #[serde(rename = "401")]
    Unauthorized,
    /// The secondary rate limit with `Retry-After`.
    #[serde(rename = "403")]
    Forbidden,
    /// The secondary rate limit with `Retry-After`, in its other form.
    #[serde(rename = "429")]
    TooManyRequests,
    /// A server error with a page of HTML.
    #[serde(rename = "500")]
    ServerError,
    /// Status 200, but the JSON ends in the middle.
    Truncated,
    /// Status 200, but the feed stands still at the time of the first stale answer.
    Stale,
}

/// `{"kind": "429", "times": 3, "retry_after_seconds": 1}`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: Kind,
    /// How many answers; 1 unless said.
    #[serde(default = "one")]
    pub times: u32,
    /// The page that it applies to; any unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// For 403 and 429; 1 unless said.
    #[serde(default = "one_second")]
    pub retry_after_seconds: u64,
}

fn one() -> u32 {
    1
}

fn one_second() -> u64 {
    1
}

/// Faults in the order in which they were asked for.
#[derive(Debug, Default)]
pub struct Faults {
    pending: VecDeque<Fault>,
}

impl Faults {
    /// Adds a fault to the end. False when too many are pending.
    #[must_use]
    pub fn add(&mut self, fault: Fault) -> bool {
        if self.pending.len() >= PENDING_MAX {
            return false;
        }
        if fault.times > 0 {
            self.pending.push_back(fault);
        }
        true
    }

    /// Forgets all that is pending.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    /// What is pending, the next first.
    pub fn pending(&self) -> Vec<Fault> {
        self.pending.iter().copied().collect()
    }

    /// The fault of an answer for page number `page`: the first pending one, if that page is meant.
    pub fn take(&mut self, page: usize) -> Option<Fault> {
        let first = self.pending.front_mut().filter(|fault| fault.page.is_none_or(|meant| meant == page))?;
        first.times -= 1;
        let fault = *first;
        if fault.times == 0 {
            self.pending.pop_front();
        }
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn faults_come_in_order_and_as_often_as_asked() {
        let mut faults = Faults::default();
        assert!(faults.add(fault(r#"{"kind":"429","times":2,"retry_after_seconds":7}"#)));
        assert!(faults.add(fault(r#"{"kind":"truncated"}"#)));
        let mut next = || faults.take(1).map(|fault| (fault.kind, fault.retry_after_seconds));
        assert_eq!(next(), Some((Kind::TooManyRequests, 7)));
        assert_eq!(next(), Some((Kind::TooManyRequests, 7)));
        assert_eq!(next(), Some((Kind::Truncated, 1)));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_fault_of_one_page_waits_for_that_page() {
        let mut faults = Faults::default();
        assert!(faults.add(fault(r#"{"kind":"500","page":2}"#)));
        assert_eq!(faults.take(1), None);
        assert_eq!(faults.take(2).map(|fault| fault.kind), Some(Kind::ServerError));
    }

    #[test]
    fn an_unknown_kind_or_field_is_refused() {
        assert!(serde_json::from_str::<Fault>(r#"{"kind":"418"}"#).is_err());
        assert!(serde_json::from_str::<Fault>(r#"{"kind":"500","time":3}"#).is_err());
    }
}
