//! Who asks for an invocation.

use std::sync::Arc;

/// What stands behind an invocation, for records, injected faults and metrics. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// What asks.
    pub trigger: Trigger,
    /// 1 for the first attempt to deliver this event.
    pub attempt: u32,
    /// What a caller sent along; nothing for triggers.
    pub caller: Option<Arc<Caller>>,
    /// The request id of an event, the same at every attempt; without one, the host makes one.
    pub request_id: Option<Arc<str>>,
    /// Which of several that ask for the same trigger: it gets the process that served it last, when that is idle. What
    /// a function keeps of what it has seen is then kept once, not by each of its processes.
    pub seat: Option<u32>,
}

/// What a caller of the Invoke API sends beside the payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// JSON for `Lambda-Runtime-Client-Context`, from `X-Amz-Client-Context`.
    pub client_context: Option<String>,
    /// Value of `X-Amzn-Trace-Id`; without one, the host makes one.
    pub trace: Option<String>,
    /// Whether the end of the log is wanted with the answer (`X-Amz-Log-Type: Tail`).
    pub log_tail: bool,
}

/// What can ask for an invocation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    /// A caller of the Invoke API, or the runner itself, that waits for the answer.
    Caller,
    /// An event source mapping, by logical id.
    Mapping(Arc<str>),
    /// A schedule or a rule, by name.
    Schedule(Arc<str>),
    /// An HTTP API or a function URL, by logical id.
    Api(Arc<str>),
    /// An event that a caller of the Invoke API left (invocation type `Event`).
    Asynchronous,
}

impl Origin {
    fn first(trigger: Trigger) -> Self {
        Self { trigger, attempt: 1, caller: None, request_id: None, seat: None }
    }

    /// A caller that waits for the answer.
    #[must_use]
    pub fn caller() -> Self {
        Self::first(Trigger::Caller)
    }

    /// The mapping with this logical id.
    #[must_use]
    pub fn mapping(logical_id: &str) -> Self {
        Self::first(Trigger::Mapping(logical_id.into()))
    }

    /// The same from this seat.
    #[must_use]
    pub fn seat(self, seat: u32) -> Self {
        Self { seat: Some(seat), ..self }
    }

    /// The schedule or rule with this name.
    #[must_use]
    pub fn schedule(name: &str) -> Self {
        Self::first(Trigger::Schedule(name.into()))
    }

    /// The API or function URL with this logical id.
    #[must_use]
    pub fn api(logical_id: &str) -> Self {
        Self::first(Trigger::Api(logical_id.into()))
    }

    /// An event of the Invoke API.
    #[must_use]
    pub fn asynchronous() -> Self {
        Self::first(Trigger::Asynchronous)
    }

    /// The same with what the caller sent along.
    #[must_use]
    pub fn with(self, caller: Caller) -> Self {
        Self { caller: Some(Arc::new(caller)), ..self }
    }

    /// Whether the end of the log is wanted with the answer.
    pub(super) fn wants_log_tail(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.log_tail)
    }

    /// The same with this request id.
    #[must_use]
    pub fn request(self, id: &str) -> Self {
        Self { request_id: Some(id.into()), ..self }
    }

    /// The same for another attempt, counted from 1.
    #[must_use]
    pub fn attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }
}

impl std::fmt::Display for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Caller => f.write_str("caller"),
            Self::Mapping(id) => write!(f, "mapping {id}"),
            Self::Schedule(name) => write!(f, "schedule {name}"),
            Self::Api(id) => write!(f, "api {id}"),
            Self::Asynchronous => f.write_str("asynchronous"),
        }
    }
}
