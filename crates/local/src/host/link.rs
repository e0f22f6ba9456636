//! What the host and the Runtime API share of one environment: events on their way in, answers on their way out.

use std::sync::{Arc, atomic::AtomicBool};

use bytes::Bytes;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

use super::{extensions::Extension, origin::Caller, stream::Streamed};

/// An event on its way to a process.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    /// Wall-clock milliseconds at which the invocation will be over.
    pub(super) deadline_ms: u128,
    /// What the caller sent along.
    pub(super) caller: Arc<Caller>,
}

/// What the process said.
#[derive(Debug)]
pub(super) enum Answer {
    /// `POST .../response`.
    Response(Bytes),
    /// `POST .../error` or `.../init/error`.
    Error(Bytes),
    /// `POST .../response` with more than is allowed, which was not kept.
    TooLarge { size: usize, limit: usize },
    /// `POST .../response` in streaming mode: it has begun.
    Stream(Streamed),
}

/// The side that the Runtime API sees.
#[derive(Debug)]
pub(super) struct Link {
    /// ARN, for `Lambda-Runtime-Invoked-Function-Arn`.
    pub(super) function_arn: String,
    /// For extensions.
    pub(super) function_name: String,
    /// For extensions.
    pub(super) handler: String,
    /// Extensions in the process.
    pub(super) extensions: Mutex<Vec<Extension>>,
    /// The next event; behind a lock because a process may give up a call for it and make another.
    pub(super) jobs: Mutex<mpsc::Receiver<Job>>,
    /// Who waits for the answer to which request.
    pub(super) waiting: Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    /// Becomes true with the first call for an event: the init phase is over.
    pub(super) ready: watch::Sender<bool>,
    /// The error of the init phase, when the process reported one.
    pub(super) init_error: watch::Sender<Option<Bytes>>,
    /// Whether the process registered an extension, and so wants to be told of its end.
    pub(super) has_extension: AtomicBool,
}
