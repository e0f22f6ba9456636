//! The model's world: a broker, pollers, writers, committers, Postgres and the table, as far as exactness needs them.

use std::collections::BTreeMap;

use crate::lake::incarnation::Incarnation;
use crate::lake::*;

const LIMITS: CommitLimits = CommitLimits { bytes: 1000, segments: 3, age: Duration::from_secs(10) };

/// What happens next. Those that cannot happen change nothing.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Produce {
        partition: usize,
        count: usize,
    },
    Fetch {
        poller: usize,
        partition: usize,
        count: usize,
    },
    /// The writer that this poller invoked does its next step.
    Write {
        poller: usize,
        crash: bool,
    },
    /// This poller begins again at the group's committed offsets, while a writer may still have its batch.
    TakeOver {
        poller: usize,
    },
    Recreate,
    Commit {
        committer: usize,
        crash: bool,
    },
}

/// A record's value tells it from all others.
#[derive(Debug, Clone, Copy)]
struct Record {
    partition: usize,
    offset: i64,
    value: u64,
}

/// How far a writer is.
#[derive(Debug, Clone, Default)]
enum Writing {
    #[default]
    Delivered,
    /// The broker's identity and Postgres' watermarks are read.
    Read(Known),
    /// Trimmed and stored; with the incarnations that were known.
    Stored(Vec<Part>, Vec<String>),
    Registered,
}

#[derive(Debug, Clone)]
struct Known {
    topic: usize,
    /// All incarnations of which anything is staged, by when that was first done.
    staged: Vec<String>,
    /// Of each partition the incarnation that the broker has and the one before it.
    partitions: [Vec<Incarnation>; 2],
}

#[derive(Debug, Clone)]
struct Part {
    source: Source,
    expected: Option<i64>,
    range: OffsetRange,
    gap: i64,
    rows: Vec<u64>,
    dead: u64,
}

#[derive(Default)]
struct Poller {
    position: [i64; 2],
    batch: Vec<Record>,
    /// Of which incarnation the batch's oldest records are; the writer does not know.
    of: usize,
    writing: Writing,
}

#[derive(Default)]
enum Committing {
    #[default]
    Idle,
    Looked(Vec<usize>),
    Written {
        segments: Vec<usize>,
        committed: Watermarks,
        plan: CommitPlan,
    },
    Committed {
        version: usize,
    },
}

struct Segment {
    staged: Staged,
    rows: Vec<u64>,
    marked: bool,
}

/// A row of `lake_watermarks`.
#[derive(Default, Clone)]
struct Count {
    order: usize,
    first: i64,
    next: i64,
    records: u64,
    dead: u64,
    gap: i64,
}

/// How often the run came to what the model is about.
#[derive(Default)]
pub(super) struct Seen {
    pub former: u64,
    pub lost: u64,
    pub outrun: u64,
    pub found_done: u64,
    pub trimmed: u64,
}

#[derive(Default)]
pub(super) struct World {
    topics: Vec<[Vec<u64>; 2]>,
    group: [i64; 2],
    pollers: [Poller; 2],
    committers: [Committing; 2],
    watermarks: BTreeMap<Source, Count>,
    segments: Vec<Segment>,
    rows: Vec<u64>,
    properties: BTreeMap<String, String>,
    /// Rows of the table as of the last mark, and which commit that was.
    marked: (usize, usize),
    /// Rows and watermarks after each commit.
    versions: Vec<(usize, Watermarks)>,
    delivered: BTreeSet<u64>,
    letters: Vec<u64>,
    produced: u64,
    pub seen: Seen,
}

fn named(topic_id: &str, partition: usize) -> Source {
    Source { cluster_id: "c".into(), topic_id: topic_id.into(), partition: i32::try_from(partition).unwrap() }
}

impl World {
    pub(super) fn new() -> Self {
        Self { topics: vec![Default::default()], versions: vec![Default::default()], ..Self::default() }
    }

    pub(super) fn act(&mut self, act: &Act) {
        match *act {
            Act::Produce { partition, count } => self.produce(partition, count),
            Act::Fetch { poller, partition, count } => self.fetch(poller, partition, count),
            Act::Write { poller, crash } => self.write(poller, crash),
            Act::TakeOver { poller } => self.pollers[poller].position = self.group,
            Act::Recreate => self.recreate(),
            Act::Commit { committer, crash } => self.commit(committer, crash),
        }
    }

    fn produce(&mut self, partition: usize, count: usize) {
        for _ in 0..count {
            self.topics.last_mut().unwrap()[partition].push(self.produced);
            self.produced += 1;
        }
    }

    /// A poller whose batch the writer has not begun with adds to it.
    fn fetch(&mut self, poller: usize, partition: usize, count: usize) {
        let topic = self.topics.len() - 1;
        let poller = &mut self.pollers[poller];
        if !matches!(poller.writing, Writing::Delivered) {
            return;
        }
        if poller.batch.is_empty() {
            poller.of = topic;
        }
        // Beyond what the batch holds of this topic; one that was made again begins at 0.
        let is_here = |record: &&Record| {
            let log = &self.topics[topic][partition];
            record.partition == partition && log.get(usize::try_from(record.offset).unwrap()) == Some(&record.value)
        };
        let held = poller.batch.iter().filter(is_here).map(|record| record.offset + 1).max();
        let from = held.unwrap_or(0).max(poller.position[partition]);
        let log = &self.topics[topic][partition];
        for (offset, &value) in log.iter().enumerate().skip(usize::try_from(from).unwrap()).take(count) {
            poller.batch.push(Record { partition, offset: i64::try_from(offset).unwrap(), value });
            self.delivered.insert(value);
        }
    }

    /// Not while a batch of an older topic is on its way, nor before anything of this one is staged: whose a batch is
    /// cannot be told when two topics have come and gone while it was on its way.
    fn recreate(&mut self) {
        let topic = self.topics.len() - 1;
        let known = self.watermarks.keys().any(|source| source.topic_id == topic.to_string());
        let old = self.pollers.iter().any(|poller| !poller.batch.is_empty() && poller.of != topic);
        if (topic == 0 || known) && !old {
            self.topics.push(Default::default());
            self.group = [0, 0];
            self.pollers.iter_mut().for_each(|poller| poller.position = [0, 0]);
        }
    }

    fn write(&mut self, poller: usize, crash: bool) {
        if self.pollers[poller].batch.is_empty() {
            return;
        }
        let next = match std::mem::take(&mut self.pollers[poller].writing) {
            Writing::Delivered => Writing::Read(self.known()),
            // The topic was made again after its id was read: all is read again.
            Writing::Read(known) if known.topic + 1 != self.topics.len() => Writing::Delivered,
            Writing::Read(known) => self.judge(poller, known),
            Writing::Stored(parts, staged) => {
                if self.register(&parts, &staged) {
                    Writing::Registered
                } else {
                    Writing::Delivered
                }
            }
            Writing::Registered => {
                self.answer(poller);
                return;
            }
        };
        self.pollers[poller].writing = if crash { Writing::Delivered } else { next };
    }
}

#[path = "model_storage.rs"]
mod storage;
#[path = "model_writer.rs"]
mod writer;
