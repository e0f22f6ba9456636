//! What a query read, and what it could leave out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Files, row groups and bytes of one query.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Files of the state that was asked: data files and staged segments.
    pub files: u64,
    /// Those of them that were left out by what the manifests or Postgres say of them.
    pub files_skipped: u64,
    /// Row groups of the other files.
    pub row_groups: u64,
    /// Those of them that were left out by their statistics, or because newer ones were enough.
    pub row_groups_skipped: u64,
    /// Size of all files.
    pub bytes: u64,
    /// Stored size of the columns that were looked at, in memory or not.
    pub bytes_used: u64,
    /// Bytes read from storage for this query, footers included.
    pub bytes_read: u64,
    /// What was neither used nor read: the rest of the files.
    pub bytes_skipped: u64,
}

/// How much a query may take. What is read when it is used up is the answer, and that more is missing is told.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes read from storage.
    pub bytes: u64,
    /// When it has to come to an end.
    pub until: Option<Instant>,
}

impl Budget {
    /// No end.
    pub const NONE: Self = Self { bytes: u64::MAX, until: None };
}

/// Counts while a query goes on.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub files: AtomicU64,
    pub files_opened: AtomicU64,
    pub row_groups: AtomicU64,
    pub row_groups_used: AtomicU64,
    pub bytes: AtomicU64,
    pub bytes_used: AtomicU64,
    pub bytes_read: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

impl Meter {
    /// Whether a query has used up what it may take.
    pub(crate) fn is_over(&self, budget: &Budget) -> bool {
        self.bytes_read.load(Ordering::Relaxed) >= budget.bytes
            || budget.until.is_some_and(|until| Instant::now() >= until)
    }

    pub(crate) fn figures(&self) -> Figures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (files, row_groups, bytes, bytes_used) =
            (of(&self.files), of(&self.row_groups), of(&self.bytes), of(&self.bytes_used));
        Figures {
            files,
            files_skipped: files.saturating_sub(of(&self.files_opened)),
            row_groups,
            row_groups_skipped: row_groups.saturating_sub(of(&self.row_groups_used)),
            bytes,
            bytes_used,
            bytes_read: of(&self.bytes_read),
            bytes_skipped: bytes.saturating_sub(bytes_used.max(of(&self.bytes_read))),
        }
    }
}
