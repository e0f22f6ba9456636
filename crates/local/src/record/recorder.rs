//! Writing records behind the invocations, and dropping the oldest beyond the limit.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::{
    entry::{Content, Entry},
    store::{NUMBER_DIGITS, Store, StoredFile, TIME_DIGITS},
};
use crate::host::{Origin, Outcome};

/// Bytes of all records together, at most.
const BYTES_LIMIT: u64 = 1024 * 1024 * 1024;

/// Records that wait to be written. One more makes its invocation wait: at 6 MB an event, memory is the limit.
const WAITING: usize = 64;

/// Keeps records in a folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    sender: mpsc::Sender<Work>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    limit: usize,
    written: AtomicU64,
    failed: AtomicU64,
}

/// What `millrace status` shows.
#[derive(Debug, Clone, Serialize)]
pub struct RecorderStatus {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// Most records that are kept.
    pub limit: usize,
    /// Records written since the start.
    pub written: u64,
    /// Records that could not be written.
    pub failed: u64,
}

#[derive(Debug)]
enum Work {
    Keep(Box<Invocation>),
    /// Tell when all that came before is on disk.
    Flush(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Invocation {
    time: SystemTime,
    function: String,
    origin: Origin,
    event: Bytes,
    outcome: Outcome,
}

impl Recorder {
    /// Keeps the `limit` newest records, or 1 GB of them, in `folder`, which is created. Those of an earlier run count.
    ///
    /// # Errors
    /// When the folder cannot be created or read.
    pub fn start(folder: &Path, limit: usize) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let folder = folder.canonicalize().with_context(|| format!("find {}", folder.display()))?;
        let kept: VecDeque<StoredFile> = Store::open(&folder)?.files()?.into();
        let (sender, receiver) = mpsc::channel(WAITING);
        let shared = Arc::new(Shared { folder, limit, written: AtomicU64::new(0), failed: AtomicU64::new(0) });
        let writer = Writer { shared: Arc::clone(&shared), bytes: kept.iter().map(|file| file.bytes).sum(), kept };
        tokio::task::spawn_blocking(move || writer.run(receiver));
        Ok(Self { sender, shared })
    }

    /// Keeps one invocation. Waits only when the disk is slower than the functions.
    pub async fn keep(&self, function: &str, origin: &Origin, event: Bytes, outcome: &Outcome) {
        let (function, origin, outcome) = (function.to_owned(), origin.clone(), outcome.clone());
        let invocation = Invocation { time: SystemTime::now(), function, origin, event, outcome };
        if self.sender.send(Work::Keep(Box::new(invocation))).await.is_err() {
            self.shared.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is on disk.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Work::Flush(done)).await.is_ok() {
            // A writer that is gone has nothing left to write.
            let _ = written.await;
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn status(&self) -> RecorderStatus {
        RecorderStatus {
            folder: self.shared.folder.clone(),
            limit: self.shared.limit,
            written: self.shared.written.load(Ordering::Relaxed),
            failed: self.shared.failed.load(Ordering::Relaxed),
        }
    }
}

/// The thread that writes.
struct Writer {
    shared: Arc<Shared>,
    /// Oldest first.
    kept: VecDeque<StoredFile>,
    bytes: u64,
}

impl Writer {
    fn run(mut self, mut work: mpsc::Receiver<Work>) {
        let mut number = 0;
        while let Some(work) = work.blocking_recv() {
            match work {
                Work::Flush(done) => drop(done.send(())),
                Work::Keep(invocation) => {
                    number += 1;
                    match self.write(*invocation, number) {
                        Ok(()) => self.shared.written.fetch_add(1, Ordering::Relaxed),
                        Err(failure) => {
                            error!(error = format!("{failure:#}"), "an invocation is not recorded");
                            self.shared.failed.fetch_add(1, Ordering::Relaxed)
                        }
                    };
                }
            }
        }
    }

    fn write(&mut self, invocation: Invocation, number: u64) -> anyhow::Result<()> {
        let Invocation { time, function, origin, event, outcome } = invocation;
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        // Sorts by time; the number tells invocations of one microsecond apart.
        let id = format!("{:0TIME_DIGITS$x}-{:0NUMBER_DIGITS$x}", since.as_micros(), number & 0xf_ffff);
        let entry = Entry {
            id: id.clone(),
            time: DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true),
            function,
            origin: origin.trigger.to_string(),
            request_id: outcome.request_id.clone(),
            attempt: origin.attempt,
            event: Content::of(&event),
            answer: Content::of(&outcome.payload),
            error: outcome.function_error.map(str::to_owned),
            duration_ms: (outcome.duration.as_secs_f64() * 100_000.0).round() / 100.0,
        };
        let text = serde_json::to_vec(&entry).context("write a record")?;
        let path = self.shared.folder.join(format!("{id}.json"));
        crate::instance::write_whole(&path, &text)?;
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.bytes += bytes;
        self.kept.push_back(StoredFile { path, bytes });
        while self.kept.len() > self.shared.limit || self.bytes > BYTES_LIMIT {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
            // One that was removed by hand is gone as wanted.
            let _ = std::fs::remove_file(&oldest.path);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(answer: &'static str) -> Outcome {
        let mut outcome = Outcome::error("r-1", "", "", Duration::from_micros(1500));
        outcome.payload = Bytes::from_static(answer.as_bytes());
        outcome.function_error = None;
        outcome
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_newest_records_are_kept_over_a_restart_too() {
        let folder = tempfile::TempDir::new().unwrap();
        let origin = Origin::mapping("M").attempt(2);
        for round in 0..2 {
            let recorder = Recorder::start(folder.path(), 5).unwrap();
            for n in 0..4 {
                let event = Bytes::from(format!(r#"{{"round":{round},"n":{n}}}"#));
                recorder.keep("f", &origin, event, &outcome("1")).await;
            }
            recorder.flush().await;
            assert_eq!(recorder.status().written, 4);
        }
        let store = Store::open(folder.path()).unwrap();
        let list = store.list().unwrap();
        let events: Vec<String> = list
            .iter()
            .map(|summary| String::from_utf8(store.find(&summary.id).unwrap().event.bytes().unwrap()).unwrap())
            .collect();
        assert_eq!(events[0], r#"{"round":0,"n":3}"#);
        assert_eq!(events[4], r#"{"round":1,"n":3}"#);
        assert_eq!(events.len(), 5);
        let entry = store.find(&list[0].id).unwrap();
        assert_eq!((entry.origin.as_str(), entry.attempt, entry.duration_ms), ("mapping M", 2, 1.5));
    }
}
