//! An event on its way to its function, and what is still to be sent when it is settled.

use serde::{Deserialize, Serialize};

use crate::{destination::Record, template::spec::Destination};

/// An event and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    /// Its request id, the same at every attempt.
    pub(super) id: String,
    /// Logical id of the function.
    pub(super) function: String,
    pub(super) payload: String,
    /// The schedule that left it.
    #[serde(default)]
    pub(super) schedule: Option<String>,
    pub(super) accepted_ms: i64,
    /// Attempts that reached the function.
    #[serde(default)]
    pub(super) attempts: u32,
    /// The next attempt is not before this.
    #[serde(default)]
    pub(super) not_before_ms: i64,
    /// What is still to be sent of an event that is settled.
    #[serde(default)]
    pub(super) deliveries: Option<Vec<Delivery>>,
}

/// A record on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) to: Destination,
    pub(super) record: Record,
}

impl Event {
    pub(super) fn new(id: &str, function: &str, payload: impl Into<String>, accepted_ms: i64) -> Self {
        Self {
            id: id.to_owned(),
            function: function.to_owned(),
            payload: payload.into(),
            schedule: None,
            accepted_ms,
            attempts: 0,
            not_before_ms: accepted_ms,
            deliveries: None,
        }
    }

    /// What it takes of the limit on bytes.
    pub(super) fn bytes(&self) -> usize {
        let deliveries = self.deliveries.iter().flatten().map(|delivery| delivery.record.body.len());
        self.payload.len() + deliveries.sum::<usize>()
    }
}
