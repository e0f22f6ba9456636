//! The world of the model: what the master, the shards, Kafka, writers and workers know, and what each transaction does.

use std::collections::BTreeMap;

use super::*;
use crate::posts::FIRST_EPOCH;

/// A row of posts_progress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat {
    pub(super) next_offset: i64,
    pub(super) epoch: i64,
    pub(super) frozen: bool,
    token: i64,
}

/// Row 0 is a counter, which changes; row n is record n - 1, which does not.
pub(super) type Rows = BTreeMap<i64, i64>;

#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub(super) up: bool,
    pub(super) seats: [Option<Seat>; 2],
    pub(super) rows: [Rows; 2],
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) partition: usize,
    from: usize,
    pub(super) to: usize,
    from_epoch: i64,
    pub(super) progress: Progress,
    /// Keys below it are done in this step.
    position: i64,
}

#[derive(Debug, Clone)]
struct Job {
    at: usize,
    seen: Row,
    step: Step,
    /// What a transaction before this one read.
    read: Option<(Rows, bool)>,
    seat: Option<Seat>,
    stage: u8,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Worker {
    token: Option<i64>,
    job: Option<Job>,
}

/// Why a transaction did nothing.
enum Refusal {
    /// The shard is away.
    Away,
    /// Somebody with a larger token was there.
    Fenced,
}

pub(super) struct World {
    pub(super) log: [i64; 2],
    pub(super) shards: [Shard; 3],
    pub(super) lease_is_free: bool,
    pub(super) now: DateTime<Utc>,
    token: i64,
    pub(super) map: [(usize, i64); 2],
    pub(super) history: [Vec<(usize, i64)>; 2],
    writers: [[(usize, i64); 2]; 2],
    pub(super) workers: [Worker; 2],
    pub(super) moves: Vec<Row>,
    pub(super) stored: [i64; 2],
}

const PIECE: i64 = 2;

impl World {
    pub(super) fn new() -> Self {
        let shard = Shard { up: true, seats: [None, None], rows: [Rows::new(), Rows::new()] };
        let map = [(0, FIRST_EPOCH), (1, FIRST_EPOCH)];
        Self {
            log: [0; 2],
            shards: [shard.clone(), shard.clone(), shard],
            lease_is_free: true,
            now: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
            token: 0,
            map,
            history: [vec![map[0]], vec![map[1]]],
            writers: [map; 2],
            workers: [Worker::default(), Worker::default()],
            moves: Vec::new(),
            stored: [0; 2],
        }
    }

    pub(super) fn owners(&self) -> [usize; 2] {
        self.map.map(|(shard, _)| shard)
    }

    pub(super) fn ask(&mut self, partition: usize, to: usize) {
        let (from, from_epoch) = self.map[partition];
        let moving = self.moves.iter().any(|row| row.partition == partition && !row.progress.step.is_over());
        if !moving && from != to {
            self.moves.push(Row { partition, from, to, from_epoch, progress: Progress::new(), position: 0 });
        }
    }

    /// One transaction of a writer at the shard that its map names, or a look at the newest map.
    pub(super) fn write(&mut self, writer: usize, partition: usize, records: i64) {
        let (shard, epoch) = self.writers[writer][partition];
        let shard = &mut self.shards[shard];
        if !shard.up {
            return;
        }
        if shard.seats[partition].is_none() && epoch == FIRST_EPOCH {
            shard.seats[partition] = Some(Seat { next_offset: 0, epoch, frozen: false, token: 0 });
        }
        match &mut shard.seats[partition] {
            Some(seat) if seat.epoch == epoch && !seat.frozen => {
                for offset in seat.next_offset..self.log[partition].min(seat.next_offset + records) {
                    assert_eq!(shard.rows[partition].insert(offset + 1, offset), None, "stored twice");
                    *shard.rows[partition].entry(0).or_default() += 1;
                    seat.next_offset = offset + 1;
                }
            }
            _ => self.writers[writer] = self.map,
        }
    }

    pub(super) fn crash(&mut self, worker: usize) {
        self.workers[worker] = Worker::default();
    }

    /// The next transaction of a worker.
    pub(super) fn work(&mut self, at: usize) {
        let mut worker = std::mem::take(&mut self.workers[at]);
        match (worker.token, worker.job.take()) {
            (None, _) if self.lease_is_free => {
                self.token += 1;
                self.lease_is_free = false;
                worker.token = Some(self.token);
            }
            (None, _) => {}
            (Some(_), None) => {
                let all: Vec<Progress> = self.moves.iter().map(|row| row.progress).collect();
                if let Choice::Do(at, step) = choose(&all, self.map_epoch(), self.now) {
                    let seen = self.moves[at].clone();
                    worker.job = Some(Job { at, seen, step, read: None, seat: None, stage: 0 });
                }
            }
            (Some(token), Some(mut job)) => match self.act(token, &mut job) {
                Ok(None) => worker.job = Some(job),
                Ok(Some(row)) => worker.token = self.record(token, &job, row),
                Err(Refusal::Away) => {
                    let progress = job.seen.progress.failed(false, self.now);
                    worker.token = self.record(token, &job, Row { progress, position: 0, ..job.seen.clone() });
                }
                Err(Refusal::Fenced) => worker = Worker::default(),
            },
        }
        self.workers[at] = worker;
    }

    fn map_epoch(&self) -> i64 {
        self.map.iter().map(|(_, epoch)| *epoch).max().unwrap_or(0)
    }

    /// One transaction in the master; only the newest holder of the lease gets it through.
    fn record(&mut self, token: i64, job: &Job, mut row: Row) -> Option<i64> {
        if token != self.token {
            return None;
        }
        let before = &self.moves[job.at];
        assert_eq!(before.progress, job.seen.progress, "another one recorded under this lease");
        if job.step == Step::Switch && row.progress.step == Step::Depart {
            let Some(epoch) = row.progress.epoch.filter(|epoch| *epoch > self.map_epoch()) else { return Some(token) };
            assert_eq!(self.map[row.partition], (row.from, row.from_epoch));
            self.map[row.partition] = (row.to, epoch);
            self.history[row.partition].push((row.to, epoch));
        }
        if row.progress.step != before.progress.step {
            row.position = 0;
        }
        self.moves[job.at] = row;
        Some(token)
    }

    /// One transaction at a shard, or none. `Some`: the step, or this piece of it, is done.
    fn act(&mut self, token: i64, job: &mut Job) -> Result<Option<Row>, Refusal> {
        let Row { partition, from, to, from_epoch, progress, position } = job.seen.clone();
        job.stage += 1;
        let done = Row { progress: progress.after(job.step, self.now), ..job.seen.clone() };
        match (job.step, job.stage) {
            (Step::Prepare, _) => self.claim_target(to, partition, from_epoch, token)?,
            (Step::Copy, 1) | (Step::Verify, 1) => {
                let (rows, is_last) = self.piece(from, partition, position)?;
                let same = job.step == Step::Verify && rows == self.range(to, partition, position, is_last)?;
                job.read = Some((rows, is_last));
                if same {
                    return Ok(Some(if is_last {
                        done
                    } else {
                        Row { position: position + PIECE, ..job.seen.clone() }
                    }));
                }
                return Ok(None);
            }
            (Step::Copy, _) | (Step::Verify, _) => {
                self.claim_target(to, partition, from_epoch, token)?;
                let (rows, is_last) = job.read.take().unwrap();
                let target = &mut self.shards[to].rows[partition];
                target.retain(|key, _| *key < position || (*key >= position + PIECE && !is_last));
                target.extend(rows);
                job.stage = 0;
                if job.step == Step::Verify {
                    return Ok(None);
                }
                return Ok(Some(if is_last { done } else { Row { position: position + PIECE, ..job.seen.clone() } }));
            }
            (Step::Freeze, 1) => {
                self.claim_target(to, partition, from_epoch, token)?;
                return Ok(None);
            }
            (Step::Freeze, _) => self.claim_source(from, partition, from_epoch, token)?.frozen = true,
            (Step::Admit, 1) => {
                let progress = Progress { epoch: Some(self.map_epoch() + 1), step: Step::Admit, ..progress };
                let row = Row { progress, ..job.seen.clone() };
                self.record(token, job, row.clone()).ok_or(Refusal::Fenced)?;
                job.seen = row;
                return Ok(None);
            }
            (Step::Admit, 2) => {
                job.seat = Some(*self.claim_source(from, partition, from_epoch, token)?);
                return Ok(None);
            }
            (Step::Admit, _) => {
                self.claim_target(to, partition, from_epoch, token)?;
                let (source, epoch) = (job.seat.unwrap(), progress.epoch.unwrap());
                let admitted = Seat { next_offset: source.next_offset, epoch, frozen: false, token };
                self.shards[to].seats[partition] = Some(admitted);
            }
            (Step::Switch, _) => {}
            (Step::Depart, _) => {
                let seat = self.claim_source(from, partition, from_epoch, token)?;
                (seat.epoch, seat.frozen) = (progress.epoch.unwrap(), true);
            }
            (Step::Clean, _) => {
                self.claim_source(from, partition, from_epoch, token)?;
                self.shards[from].rows[partition].clear();
            }
            (Step::Thaw, _) => self.claim_source(from, partition, from_epoch, token)?.frozen = false,
            (Step::Undo, _) => {
                self.claim_target(to, partition, from_epoch, token)?;
                self.shards[to].rows[partition].clear();
            }
            (Step::Done | Step::Failed, _) => return Ok(None),
        }
        Ok(Some(done))
    }

    fn claim_target(&mut self, at: usize, partition: usize, epoch: i64, token: i64) -> Result<(), Refusal> {
        self.claim_source(at, partition, epoch, token)?.frozen = true;
        Ok(())
    }

    fn claim_source(&mut self, at: usize, partition: usize, epoch: i64, token: i64) -> Result<&mut Seat, Refusal> {
        let shard = &mut self.shards[at];
        if !shard.up {
            return Err(Refusal::Away);
        }
        let seat = shard.seats[partition].get_or_insert(Seat { next_offset: 0, epoch, frozen: false, token });
        if seat.token > token {
            return Err(Refusal::Fenced);
        }
        seat.token = token;
        Ok(seat)
    }

    /// The source's rows of a piece, and whether it is the last.
    fn piece(&self, from: usize, partition: usize, position: i64) -> Result<(Rows, bool), Refusal> {
        let is_last = self.shards[from].rows[partition].range(position + PIECE..).next().is_none();
        Ok((self.range(from, partition, position, is_last)?, is_last))
    }

    fn range(&self, at: usize, partition: usize, position: i64, is_last: bool) -> Result<Rows, Refusal> {
        let shard = &self.shards[at];
        let end = if is_last { i64::MAX } else { position + PIECE };
        let rows = shard.rows[partition].range(position..end).map(|(key, value)| (*key, *value)).collect();
        if shard.up { Ok(rows) } else { Err(Refusal::Away) }
    }
}
