//! Figures for Prometheus: what functions print as CloudWatch embedded metric format ([`emf`], [`tail`], summed over
//! processes in [`series`]), what the runner knows of functions and triggers ([`runner`]), and what APIs have answered
//! ([`requests`]).
//!
//! Deliberately absent: any store of its own. A restart of the runner begins at zero, which Prometheus expects.

mod emf;
mod requests;
mod runner;
mod series;
mod tail;
mod text;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::task::AbortOnDropHandle;

use self::{requests::Requests, series::Series, tail::Tail, text::Text};
use crate::{gateway::Answered, host::Host, mapping::Mapping};

/// The media type of what is rendered.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How often the functions' logs are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The figures of one stack.
#[derive(Debug)]
pub struct Metrics {
    host: Host,
    series: Arc<Mutex<Series>>,
    logs: Arc<Mutex<Logs>>,
    requests: Requests,
    _reader: AbortOnDropHandle<()>,
}

/// The functions' names with their logs, each read from where it ended when the stack started.
type Logs = Vec<(String, Tail)>;

impl Metrics {
    /// Begins to read the logs of the host's functions, from their ends on.
    #[must_use]
    pub fn start(host: Host) -> Self {
        let files = host.functions().map(|function| (function.spec().name.clone(), function.log_path()));
        let tails = files.map(|(name, path): (String, PathBuf)| (name, Tail::at_end(path))).collect();
        let (series, logs) = (Arc::default(), Arc::new(Mutex::new(tails)));
        let (to, from) = (Arc::clone(&series), Arc::clone(&logs));
        let reader = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK_INTERVAL);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let (to, from) = (Arc::clone(&to), Arc::clone(&from));
                // Files are read on a thread of their own; one that panics leaves the others readable.
                let _ = tokio::task::spawn_blocking(move || read(&from, &to)).await;
            }
        });
        Self { host, series, logs, requests: Requests::default(), _reader: AbortOnDropHandle::new(reader) }
    }

    /// Counts a request that an API or a function URL has answered.
    pub fn answered(&self, answered: &Answered<'_>) {
        let function = answered.function.and_then(|id| self.host.find(id));
        self.requests.add(function.map_or("", |function| &function.spec().name), answered);
    }

    /// The figures of everything, in Prometheus' text format.
    pub async fn of_stack(&self, mappings: &[Arc<Mapping>]) -> String {
        let lags = futures::future::join_all(mappings.iter().map(|mapping| mapping.lag())).await;
        let mut text = self.of(|_| true);
        self.requests.render(&mut text, |_| true);
        for (mapping, lag) in mappings.iter().zip(lags) {
            runner::trigger(&mut text, mapping, lag);
        }
        text.finish()
    }

    /// The figures of an API and its functions, by logical id.
    #[must_use]
    pub fn of_api(&self, api: &str, functions: &[&str]) -> String {
        let mut text = self.of(|id| functions.contains(&id));
        self.requests.render(&mut text, |id| id == api);
        text.finish()
    }

    fn of(&self, wanted: impl Fn(&str) -> bool) -> Text {
        read(&self.logs, &self.series);
        let chosen: Vec<_> = self.host.functions().filter(|function| wanted(&function.spec().logical_id)).collect();
        let names: Vec<&str> = chosen.iter().map(|function| function.spec().name.as_str()).collect();
        let mut text = Text::default();
        runner::functions(&mut text, &chosen);
        self.series.lock().unwrap_or_else(PoisonError::into_inner).render(&mut text, &names);
        text
    }
}

fn read(logs: &Mutex<Logs>, series: &Mutex<Series>) {
    let mut logs = logs.lock().unwrap_or_else(PoisonError::into_inner);
    for (function, tail) in logs.iter_mut() {
        tail.new_lines(|line| {
            for sample in emf::samples(line) {
                series.lock().unwrap_or_else(PoisonError::into_inner).add(function, sample);
            }
        });
    }
}
