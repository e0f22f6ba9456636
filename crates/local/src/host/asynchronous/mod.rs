//! Invocations of type `Event`: accepted at once, run later, retried as Lambda does, and reported to the function's
//! destinations at the end. What is not settled when the host ends is in the [`Journal`] for the next one.

mod decide;
mod deliver;
mod event;
mod journal;
mod record;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::Utc;
use indexmap::IndexMap;
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error, warn};
use uuid::Uuid;

pub use self::journal::Journal;
use self::{
    decide::{Attempt, Condition, Next},
    event::{Delivery, Event},
    record::Response,
};
use super::{
    function::Function,
    origin::{Origin, Trigger},
    outcome::InvokeError,
    statistics::FunctionState,
};
use crate::{destination::Destinations, template::spec::AsynchronousSpec};

/// Lambda's limit for an event, 1 MB since 2025.
const EVENT_LIMIT: usize = 1024 * 1024;

/// How long the end of the host waits for what is being written down.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// How events are kept and retried; the default is Lambda's, in memory.
#[derive(Debug, Clone)]
pub struct EventConfig {
    /// The waits before the first and the second retry of a function error.
    pub retry_delays: [Duration; 2],
    /// The wait before a function that has no room is asked again, and before a destination is; each further one is
    /// twice as long.
    pub busy_delay: Duration,
    /// Where events are kept.
    pub journal: Journal,
}

impl Default for EventConfig {
    fn default() -> Self {
        Self {
            retry_delays: [Duration::from_secs(60), Duration::from_secs(120)],
            busy_delay: Duration::from_secs(1),
            journal: Journal::default(),
        }
    }
}

/// The events under way. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Asynchronous {
    functions: Arc<IndexMap<String, Arc<Function>>>,
    destinations: Destinations,
    config: EventConfig,
    ending: CancellationToken,
    tasks: TaskTracker,
    /// By function: an event has left it, so that there is room for another one.
    room: Arc<IndexMap<String, Notify>>,
}

impl Asynchronous {
    pub(super) fn new(
        functions: Arc<IndexMap<String, Arc<Function>>>,
        destinations: Destinations,
        config: EventConfig,
    ) -> Self {
        let (ending, tasks) = (CancellationToken::new(), TaskTracker::new());
        let room = Arc::new(functions.keys().map(|id| (id.clone(), Notify::new())).collect());
        Self { functions, destinations, config, ending, tasks, room }
    }

    /// Keeps the event, and answers with its request id.
    pub(super) fn accept(&self, origin: Origin, function: &Function, payload: Bytes) -> Result<String, InvokeError> {
        if payload.len() > EVENT_LIMIT {
            return Err(InvokeError::PayloadTooLarge { size: payload.len(), limit: EVENT_LIMIT });
        }
        if function.state() == FunctionState::Stopped {
            return Err(InvokeError::Stopped(function.spec().name.clone()));
        }
        let (id, spec) = (Uuid::new_v4().to_string(), function.spec());
        let payload = String::from_utf8(payload.into())
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let mut event = Event::new(&id, &spec.logical_id, payload, Utc::now().timestamp_millis());
        if let Trigger::Schedule(name) = &origin.trigger {
            event.schedule = Some(name.as_ref().to_owned());
        }
        match self.config.journal.accept(event.clone()) {
            Ok(true) => {}
            Ok(false) => return Err(InvokeError::QueueFull),
            Err(error) => {
                let reason = format!("the event cannot be kept: {error:#}");
                return Err(InvokeError::NotRunnable { function: spec.name.clone(), reason });
            }
        }
        self.start(event, origin);
        Ok(id)
    }

    /// Takes up what an earlier host has left in the journal.
    pub(super) fn resume(&self) -> usize {
        let left = self.config.journal.take_left();
        let count = left.len();
        for event in left {
            let origin = event.schedule.as_deref().map_or_else(Origin::asynchronous, Origin::schedule);
            self.start(event, origin);
        }
        count
    }

    /// Begins nothing new.
    pub(super) fn begin_shut_down(&self) {
        self.ending.cancel();
        self.tasks.close();
    }

    /// Lets what has run be written down; what is not is delivered again.
    pub(super) async fn end_shut_down(&self) {
        let _ = tokio::time::timeout(SHUTDOWN_GRACE, self.tasks.wait()).await;
    }

    fn start(&self, event: Event, origin: Origin) {
        let Some(function) = self.functions.get(&event.function).map(Arc::clone) else {
            // It may belong to a system that is not started this time; an event that no function wants grows too old.
            let dropped = age(&event) > AsynchronousSpec::default().maximum_event_age;
            error!(function = event.function, event = event.id, dropped, "no such function runs here");
            if dropped {
                self.config.journal.settled(&event.id, &[]);
            }
            return;
        };
        let queue = self.clone();
        self.tasks.spawn(async move { queue.run(event, &function, origin).await });
    }

    async fn run(self, mut event: Event, function: &Function, origin: Origin) {
        let deliveries = match event.deliveries.take() {
            Some(deliveries) => deliveries,
            None => match self.settle(&mut event, function, &origin).await {
                Some((condition, response)) => self.report(&event, function, condition, response.as_ref()),
                None => return,
            },
        };
        self.deliver(&event, function, deliveries).await;
        debug!(function = function.spec().name, event = event.id, "event is done");
    }

    /// Tries until the event is settled; `None` when the host ends first.
    async fn settle(
        &self,
        event: &mut Event,
        function: &Function,
        origin: &Origin,
    ) -> Option<(Condition, Option<Response>)> {
        let spec = &function.spec().asynchronous;
        let (mut busy, mut response) = (0, None);
        let room = self.room.get(&event.function);
        let mut waits_for_room = false;
        loop {
            match room.filter(|_| waits_for_room) {
                // A burst of events would take hours if each only looked at its own ever longer intervals.
                Some(room) => tokio::select! {
                    waited = self.wait_until(event.not_before_ms) => waited?,
                    () = room.notified() => {}
                },
                None => self.wait_until(event.not_before_ms).await?,
            }
            if age(event) >= spec.maximum_event_age {
                return Some((Condition::EventAgeExceeded, response));
            }
            let origin = origin.clone().attempt(event.attempts + 1).request(&event.id);
            let payload = Bytes::from(event.payload.clone());
            let (attempt, answer) = read(function.invoke(&origin, payload).await, function);
            match attempt {
                Attempt::Success | Attempt::Error => {
                    event.attempts += 1;
                    if let Some(room) = room {
                        room.notify_one();
                    }
                }
                Attempt::Busy | Attempt::NoConcurrency => busy += 1,
            }
            waits_for_room = attempt == Attempt::Busy;
            response = answer.or(response);
            match decide::after(attempt, event.attempts, busy, age(event), spec, &self.config) {
                Next::Settled(condition) => return Some((condition, response)),
                Next::Again(delay) => {
                    event.not_before_ms = Utc::now().timestamp_millis() + millis(delay);
                    self.config.journal.attempted(event);
                    let delay_s = delay.as_secs_f64();
                    warn!(function = function.spec().name, event = event.id, delay_s, "event is tried again later");
                }
            }
        }
    }

    /// Notes what is to be sent.
    fn report(
        &self,
        event: &Event,
        function: &Function,
        condition: Condition,
        response: Option<&Response>,
    ) -> Vec<Delivery> {
        let spec = function.spec();
        let arn = function.arn();
        let names = (spec.name.as_str(), arn.as_str());
        let deliveries = record::deliveries(event, &spec.asynchronous, names, condition, response, Utc::now());
        if condition != Condition::Success {
            let (condition, attempts) = (condition.name(), event.attempts);
            let to = deliveries.iter().map(|delivery| delivery.to.to_string()).collect::<Vec<_>>().join(", ");
            error!(function = spec.name, event = event.id, condition, attempts, to, "event is given up");
        }
        self.config.journal.settled(&event.id, &deliveries);
        deliveries
    }

    /// `None` when the host ends first.
    async fn wait_until(&self, time_ms: i64) -> Option<()> {
        let wait = u64::try_from(time_ms - Utc::now().timestamp_millis()).unwrap_or(0);
        tokio::select! {
            biased;
            () = self.ending.cancelled() => None,
            () = tokio::time::sleep(Duration::from_millis(wait)) => Some(()),
        }
    }
}

/// What an attempt came to, and the answer when there is one.
fn read(result: Result<super::Outcome, InvokeError>, function: &Function) -> (Attempt, Option<Response>) {
    match result {
        Ok(outcome) => {
            let attempt = if outcome.is_success() { Attempt::Success } else { Attempt::Error };
            let response = Response { payload: outcome.payload.to_vec(), function_error: outcome.function_error };
            (attempt, Some(response))
        }
        Err(failure @ InvokeError::NotRunnable { .. }) => {
            let body =
                serde_json::json!({"errorType": "Runtime.InvalidEntrypoint", "errorMessage": failure.to_string()});
            let response = Response { payload: body.to_string().into_bytes(), function_error: Some("Unhandled") };
            (Attempt::Error, Some(response))
        }
        Err(InvokeError::Throttled) if function.reserved_concurrency() == Some(0) => (Attempt::NoConcurrency, None),
        Err(_) => (Attempt::Busy, None),
    }
}

fn age(event: &Event) -> Duration {
    Duration::from_millis(u64::try_from(Utc::now().timestamp_millis() - event.accepted_ms).unwrap_or(0))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
