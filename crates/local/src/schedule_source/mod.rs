//! The schedules of an application, each firing its function as EventBridge would: asynchronously, and whether or not
//! the last run has ended.

mod run;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::{sync::Notify, task::JoinHandle};
use tracing::info;

use crate::{
    host::{Host, InvokeError, Origin},
    schedule::{expression::Schedule, plan},
    template::spec::{Period, RetrySpec, ScheduleSpec},
};

/// The longest single sleep: a laptop that was asleep must not be late for longer than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// One schedule that fires.
#[derive(Debug)]
pub struct ScheduleSource {
    host: Host,
    state: Mutex<State>,
    changed: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct State {
    spec: ScheduleSpec,
    schedule: Schedule,
    enabled_at: DateTime<Utc>,
    modified: DateTime<Utc>,
    last_fired: Option<DateTime<Utc>>,
}

/// What `UpdateSchedule` may change here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduleChange {
    /// Whether it fires.
    pub enabled: bool,
    /// `rate(..)`, `cron(..)` or `at(..)`.
    pub expression: String,
    /// IANA name.
    pub timezone: String,
    /// Target input.
    pub input: Option<String>,
    /// Start and end date.
    #[serde(default)]
    pub period: Period,
    /// Flexible time window.
    #[serde(default)]
    pub flexible_window_minutes: Option<u32>,
    /// Retry policy and dead-letter queue.
    #[serde(default)]
    pub retry: RetrySpec,
}

/// A run that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fired {
    /// Name of the function.
    pub function: String,
    /// Request id of the event.
    pub request_id: String,
    /// What the function gets.
    pub event: String,
}

impl ScheduleSource {
    /// A schedule that does not fire yet.
    ///
    /// # Errors
    /// When the expression is malformed.
    pub fn new(spec: ScheduleSpec, host: Host) -> anyhow::Result<Arc<Self>> {
        let schedule = Schedule::parse(&spec.expression, &spec.timezone)
            .with_context(|| format!("schedule {}, line {}", spec.name, spec.line))?;
        let now = Utc::now();
        let state = State { spec, schedule, enabled_at: now, modified: now, last_fired: None };
        Ok(Arc::new(Self { host, state: Mutex::new(state), changed: Notify::new(), task: Mutex::default() }))
    }

    /// Its settings now.
    #[must_use]
    pub fn spec(&self) -> ScheduleSpec {
        self.lock().spec.clone()
    }

    /// When its settings changed last, and when it fired last.
    #[must_use]
    pub fn times(&self) -> (DateTime<Utc>, Option<DateTime<Utc>>) {
        let state = self.lock();
        (state.modified, state.last_fired)
    }

    /// Begins to fire. A rate of EventBridge Scheduler fires at once and then every period.
    pub fn start(self: &Arc<Self>) {
        let source = Arc::clone(self);
        {
            let mut state = self.lock();
            state.enabled_at = Utc::now();
        }
        let task = tokio::spawn(async move { source.fire_for_ever().await });
        if let Some(old) = self.task.lock().unwrap_or_else(PoisonError::into_inner).replace(task) {
            old.abort();
        }
    }

    /// Fires no more; runs that have begun go on.
    pub fn stop(&self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }

    /// Changes settings; a schedule that becomes enabled counts its rate from now.
    ///
    /// # Errors
    /// When the expression is malformed; the settings stay as they are.
    pub fn change(&self, change: &ScheduleChange) -> anyhow::Result<()> {
        let schedule = Schedule::parse(&change.expression, &change.timezone)?;
        let mut state = self.lock();
        let now = Utc::now();
        let begins = !state.spec.enabled && change.enabled
            || state.spec.expression != change.expression
            || state.spec.period != change.period;
        state.schedule = schedule;
        state.spec.enabled = change.enabled;
        state.spec.expression.clone_from(&change.expression);
        state.spec.timezone.clone_from(&change.timezone);
        state.spec.input.clone_from(&change.input);
        state.spec.period = change.period;
        state.spec.flexible_window_minutes = change.flexible_window_minutes;
        state.spec.retry.clone_from(&change.retry);
        state.modified = now;
        if begins {
            state.enabled_at = now;
            state.last_fired = None;
        }
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fire_for_ever(&self) {
        loop {
            let Some(next) = self.next() else {
                self.changed.notified().await;
                continue;
            };
            let wait = (next - Utc::now()).to_std().unwrap_or(Duration::ZERO).min(LONGEST_SLEEP);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => continue,
            }
            if Utc::now() >= next {
                self.fire(next);
            }
        }
    }

    /// When it fires next; `None` while it is disabled, and after the last time.
    fn next(&self) -> Option<DateTime<Utc>> {
        let state = self.lock();
        let State { spec, schedule, enabled_at, last_fired, .. } = &*state;
        spec.enabled.then(|| plan::next(schedule, spec.kind, spec.period, *enabled_at, *last_fired)).flatten()
    }

    fn fire(&self, due: DateTime<Utc>) {
        let spec = {
            let mut state = self.lock();
            // What was missed while the machine slept is not made up for, as on AWS.
            let late = Utc::now() - due > TimeDelta::minutes(1);
            state.last_fired = Some(if late { Utc::now() } else { due });
            state.spec.clone()
        };
        info!(schedule = spec.name, function = spec.function, "schedule fires");
        tokio::spawn(run::hand_over(self.host.clone(), spec, due));
    }

    /// Runs it once now, whether or not it is enabled, with the event of a run that was due at `at`. The times at which
    /// it fires by itself stay as they are.
    ///
    /// # Errors
    /// When the function does not take the event.
    pub fn fire_now(&self, at: DateTime<Utc>) -> Result<Fired, InvokeError> {
        let spec = self.spec();
        let execution_id = run::execution_id();
        let event = run::payload(&spec, at, &execution_id, 1);
        let origin = Origin::schedule(&spec.name);
        let request_id = self.host.invoke_asynchronously(&origin, &spec.function, event.clone().into())?;
        let name = self.host.find(&spec.function).map(|function| function.spec().name.clone());
        Ok(Fired { function: name.unwrap_or(spec.function), request_id, event })
    }
}
