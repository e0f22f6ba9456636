//! The row groups of a state, newest first. Files are opened as their turn comes; what cannot hold a row that fits is
//! left out by the bounds of its file, and then by those of the row group.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use futures::future::try_join_all;

use super::figures::{Meter, add};
use super::files::FileRef;
use super::object::Opened;
use super::{CONCURRENCY, Reader, View};

/// What a row must be like. Times are microseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub since: i64,
    /// The newest time that fits.
    pub newest: i64,
    /// Text columns by their position, and their values.
    pub equal: Vec<(usize, String)>,
}

impl Bounds {
    fn overlap(&self, time: (i64, i64)) -> bool {
        time.1 >= self.since && time.0 <= self.newest
    }
}

/// A row group whose turn it is.
pub(crate) struct Candidate {
    pub opened: Arc<Opened>,
    pub group: usize,
    /// Time of its newest row that may fit.
    pub newest: i64,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.newest.cmp(&other.newest).then_with(|| other.group.cmp(&self.group))
    }
}

/// See the module.
pub(crate) struct Walk<'a> {
    reader: &'a Reader,
    meter: &'a Arc<Meter>,
    bounds: &'a Bounds,
    /// Not opened yet, newest first.
    files: VecDeque<FileRef>,
    groups: BinaryHeap<Candidate>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(reader: &'a Reader, view: &View, bounds: &'a Bounds, meter: &'a Arc<Meter>) -> Self {
        let all = view.files();
        add(&meter.files, all.len() as u64);
        add(&meter.bytes, all.iter().map(|file| file.size).sum());
        let fits = |file: &&FileRef| {
            let holds = |(position, value): &(usize, String)| file.may_hold(*position, value);
            bounds.overlap(file.time) && bounds.equal.iter().all(holds)
        };
        let mut files: Vec<FileRef> = all.into_iter().filter(fits).cloned().collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.time.1));
        Self { reader, meter, bounds, files: files.into(), groups: BinaryHeap::new() }
    }

    /// The newest time that any row of what was not given yet can have.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.unopened().max(self.groups.peek().map(|candidate| candidate.newest))
    }

    fn unopened(&self) -> Option<i64> {
        self.files.front().map(|file| file.time.1.min(self.bounds.newest))
    }

    /// Some more row groups, of which each may hold a row of time `floor` or newer; none when there are no more.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub(crate) async fn next(&mut self, floor: i64) -> anyhow::Result<Vec<Candidate>> {
        let mut taken = Vec::with_capacity(CONCURRENCY);
        while taken.len() < CONCURRENCY {
            let (unopened, known) = (self.unopened(), self.groups.peek().map(|candidate| candidate.newest));
            if unopened >= known && unopened.is_some_and(|newest| newest >= floor) {
                if !taken.is_empty() {
                    // What is taken may turn out to be enough.
                    break;
                }
                self.open().await?;
                continue;
            }
            match self.groups.peek() {
                Some(candidate) if candidate.newest >= floor => taken.extend(self.groups.pop()),
                _ => break,
            }
        }
        add(&self.meter.row_groups_used, taken.len() as u64);
        Ok(taken)
    }

    /// Opens the next files.
    async fn open(&mut self) -> anyhow::Result<()> {
        let files: Vec<FileRef> = self.files.drain(..self.files.len().min(CONCURRENCY)).collect();
        add(&self.meter.files_opened, files.len() as u64);
        let opening = files.iter().map(|file| self.reader.objects.open(&self.reader.lake, file, self.meter));
        for opened in try_join_all(opening).await? {
            add(&self.meter.row_groups, opened.groups.len() as u64);
            for (group, info) in opened.groups.iter().enumerate() {
                let holds = |(position, value): &(usize, String)| opened.may_hold(group, *position, value);
                if self.bounds.overlap(info.time) && self.bounds.equal.iter().all(holds) {
                    let newest = info.time.1.min(self.bounds.newest);
                    self.groups.push(Candidate { opened: opened.clone(), group, newest });
                }
            }
        }
        Ok(())
    }
}
