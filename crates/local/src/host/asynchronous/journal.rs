//! The events that are not settled, in memory and in a file, so that a runner that is killed loses none of them.
//!
//! A line is written before an event is accepted and at every step after that; whoever opens the file reads the lines in
//! order. A line is one write to the operating system, which outlives the process. It is not flushed to the disk: an
//! event may be lost when the whole machine stops. A step that was not written is done again: at least once, as on AWS.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tracing::{error, warn};

use super::event::{Delivery, Event};
use crate::instance::write_whole;

/// As many events may wait at once.
const EVENTS_LIMIT: usize = 10_000;

/// As many bytes of payload may wait at once.
const BYTES_LIMIT: usize = 256 * 1024 * 1024;

/// A file smaller than this is not written anew.
const COMPACT_FROM: usize = 4 * 1024 * 1024;

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// A new event, or all that is known of one when the file is written anew.
    Accepted(Box<Event>),
    Attempted {
        id: String,
        attempts: u32,
        not_before_ms: i64,
    },
    /// It is settled, and this is still to be sent.
    Settled {
        id: String,
        deliveries: Vec<Delivery>,
    },
    Done {
        id: String,
    },
}

/// The events of one host. Cheap to clone; without a file, they are in memory only.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    file: Option<(PathBuf, File)>,
    live: BTreeMap<String, Event>,
    /// Events that an earlier runner left and nobody has taken up.
    left: Vec<String>,
    live_bytes: usize,
    written_bytes: usize,
}

impl Journal {
    /// Reads the file, when there is one, and goes on in it.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        };
        let mut inner = Inner::default();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(step) => inner.apply(step),
                // The runner was killed while it wrote, before it said that the event was accepted.
                Err(error) => warn!(path = %path.display(), %error, "a line of the journal is not understood"),
            }
        }
        inner.left = inner.live.keys().cloned().collect();
        inner.compact(path)?;
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// How many events wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().live.len()
    }

    /// Takes an event in; `Ok(false)` when too many wait.
    ///
    /// # Errors
    /// When the file cannot be written: then the event is not accepted.
    pub(super) fn accept(&self, event: Event) -> anyhow::Result<bool> {
        let mut inner = self.lock();
        if inner.live.len() >= EVENTS_LIMIT || inner.live_bytes + event.payload.len() > BYTES_LIMIT {
            return Ok(false);
        }
        inner.write(Step::Accepted(Box::new(event)))?;
        Ok(true)
    }

    /// Notes an attempt and when the next one is due.
    pub(super) fn attempted(&self, event: &Event) {
        let Event { attempts, not_before_ms, .. } = *event;
        self.note(Step::Attempted { id: event.id.clone(), attempts, not_before_ms });
    }

    /// Notes what is still to be sent; nothing at all ends the event.
    pub(super) fn settled(&self, id: &str, deliveries: &[Delivery]) {
        let id = id.to_owned();
        self.note(match deliveries {
            [] => Step::Done { id },
            deliveries => Step::Settled { id, deliveries: deliveries.to_vec() },
        });
    }

    /// The events that an earlier runner left, once.
    pub(super) fn take_left(&self) -> Vec<Event> {
        let mut inner = self.lock();
        let left = std::mem::take(&mut inner.left);
        left.iter().filter_map(|id| inner.live.get(id).cloned()).collect()
    }

    fn note(&self, step: Step) {
        if let Err(error) = self.lock().write(step) {
            error!(error = format!("{error:#}"), "an event's progress is not kept; it may be delivered again");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, step: Step) -> anyhow::Result<()> {
        if let Some((path, file)) = &mut self.file {
            let mut line = serde_json::to_vec(&step).context("write an event")?;
            line.push(b'\n');
            file.write_all(&line).with_context(|| format!("write {}", path.display()))?;
            self.written_bytes += line.len();
        }
        self.apply(step);
        if self.written_bytes > COMPACT_FROM
            && self.written_bytes > 4 * self.live_bytes
            && let Some((path, _)) = &self.file
        {
            let path = path.clone();
            self.compact(&path)?;
        }
        Ok(())
    }

    fn apply(&mut self, step: Step) {
        let id = match &step {
            Step::Accepted(event) => &event.id,
            Step::Attempted { id, .. } | Step::Settled { id, .. } | Step::Done { id } => id,
        };
        let before = self.live.get(id).map_or(0, Event::bytes);
        let id = id.clone();
        match step {
            Step::Accepted(event) => drop(self.live.insert(event.id.clone(), *event)),
            Step::Attempted { id, attempts, not_before_ms } => {
                if let Some(event) = self.live.get_mut(&id) {
                    (event.attempts, event.not_before_ms) = (attempts, not_before_ms);
                }
            }
            Step::Settled { id, deliveries } => {
                if let Some(event) = self.live.get_mut(&id) {
                    event.deliveries = Some(deliveries);
                }
            }
            Step::Done { id } => drop(self.live.remove(&id)),
        }
        let after = self.live.get(&id).map_or(0, Event::bytes);
        self.live_bytes = (self.live_bytes + after).saturating_sub(before);
    }

    /// Writes the file anew with what is live, and appends to it from now on.
    fn compact(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut text = Vec::new();
        for event in self.live.values() {
            serde_json::to_writer(&mut text, &Step::Accepted(Box::new(event.clone()))).context("write an event")?;
            text.push(b'\n');
        }
        write_whole(path, &text)?;
        let file = OpenOptions::new().append(true).open(path).with_context(|| format!("open {}", path.display()))?;
        self.file = Some((path.to_owned(), file));
        self.written_bytes = text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{destination::Record, template::spec::Destination};

    fn delivery() -> Delivery {
        let record = Record { body: "b".into(), ..Record::default() };
        Delivery { to: Destination::SqsQueue("arn".into()), record }
    }

    #[test]
    fn what_is_not_done_is_there_after_a_restart_with_its_progress() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let journal = Journal::open(&path).unwrap();
        for id in ["waits", "tried", "settled", "done"] {
            assert!(journal.accept(Event::new(id, "F", "{}", 1)).unwrap());
        }
        let tried = Event { attempts: 1, not_before_ms: 61_000, ..Event::new("tried", "F", "{}", 1) };
        journal.attempted(&tried);
        journal.settled("settled", &[delivery()]);
        journal.settled("done", &[]);
        // Killed in the midst of a write: what was not written whole was not accepted.
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"{"accepted":{"id":"torn","func"#).unwrap();
        let again = Journal::open(&path).unwrap();
        let settled = Event { deliveries: Some(vec![delivery()]), ..Event::new("settled", "F", "{}", 1) };
        assert_eq!(again.take_left(), [settled, tried, Event::new("waits", "F", "{}", 1)]);
        assert!(again.take_left().is_empty(), "once");
        assert_eq!(again.waiting(), 3);
        assert!(again.accept(Event::new("new", "F", "{}", 2)).unwrap());
        assert_eq!(Journal::open(&path).unwrap().waiting(), 4);
    }

    #[test]
    fn the_file_does_not_grow_with_events_that_are_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let journal = Journal::open(&path).unwrap();
        let payload = "x".repeat(100_000);
        assert!(journal.accept(Event::new("stays", "F", payload.as_str(), 1)).unwrap());
        for number in 0..100 {
            let id = number.to_string();
            assert!(journal.accept(Event::new(&id, "F", payload.as_str(), 1)).unwrap());
            journal.settled(&id, &[]);
        }
        assert!(std::fs::metadata(&path).unwrap().len() < 5_000_000, "10 MB went through it");
        assert_eq!(Journal::open(&path).unwrap().take_left().len(), 1);
    }

    #[test]
    fn no_more_events_wait_than_the_limit() {
        let journal = Journal::default();
        for number in 0..EVENTS_LIMIT {
            assert!(journal.accept(Event::new(&number.to_string(), "F", "{}", 1)).unwrap());
        }
        assert!(!journal.accept(Event::new("too many", "F", "{}", 1)).unwrap());
        journal.settled("0", &[]);
        assert!(journal.accept(Event::new("fits", "F", "{}", 1)).unwrap());
    }
}
