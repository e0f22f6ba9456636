//! A topic that is deleted and made again: which incarnation a batch's records are of.
//!
//! Lambda names a record by topic, partition and offset; neither the cluster's id nor the topic's is in its event. The
//! writer asks the broker for the topic's id when it has the batch, and by then a batch may be of a topic that is gone:
//! under the new id its offsets would move the new topic's watermark past records that are still to come (lost), and a
//! batch that an old id's watermark expects would be staged under it whatever it is (doubled later). So records are
//! compared with what the broker has at their offsets now, as long as a mistake is possible: [`must_compare`].

//!
//! A batch is of the current incarnation or of the one before it. One that is on its way while its topic is made again
//! *twice* is taken for the newer of the two that are gone.

use std::ops::Range;

use super::OffsetRange;

/// What the id of an incarnation begins with that nobody knows of; Kafka's ids have 22 letters.
const PREDECESSOR: &str = "before-";

/// One incarnation of a topic, as far as a partition's records may be of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incarnation {
    /// The topic's id.
    pub topic_id: String,
    /// The partition's staged watermark; `None` when nothing of the partition was staged.
    pub watermark: Option<i64>,
    /// Whether anything of the topic was staged within the last day.
    pub recent: bool,
}

/// The id under which records are staged that are of no incarnation known: the topic was deleted before anything of it
/// was staged. Kafka gives it to nothing, and it is the same each time the batch comes.
pub fn predecessor_id(topic_id: &str) -> String {
    format!("{PREDECESSOR}{topic_id}")
}

/// The incarnation before `current`, out of all that were ever staged: their ids, ordered by when that was first done.
pub fn former_id(current: &str, staged: &[String]) -> Option<String> {
    let predecessor = predecessor_id(current);
    if staged.contains(&predecessor) {
        return Some(predecessor);
    }
    let newest = staged.iter().rev().find(|id| *id != current)?;
    // Whose predecessor was staged has been the current one meanwhile, even when nothing of it was.
    Some(newest.strip_prefix(PREDECESSOR).unwrap_or(newest).to_owned())
}

/// What the broker has now at a delivered record's offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The record.
    Same,
    /// Another record: the topic was made again since.
    Another,
    /// Nothing yet: the topic was made again, and has not come so far.
    Beyond,
    /// Nothing any more, by retention or compaction: no answer.
    Gone,
}

/// Whether a run that begins at `first` must be compared with what the broker has, before it is taken for the current
/// incarnation's.
///
/// Whenever it does not continue the watermark, so that something would be trimmed or passed over, or nothing of the
/// partition was ever staged: the topic may have been made again without anybody knowing. And while the former incarnation was staged
/// within a day, whatever the offsets: its batches may still come, for that is how long a batch is asked for again. A
/// topic that goes on is never compared.
pub fn must_compare(current: &Incarnation, former: Option<&Incarnation>, first: i64) -> bool {
    current.watermark != Some(first) || former.is_some_and(|former| former.recent)
}

/// Cuts a partition's records where their offsets do not rise: a batch that was filled while the topic was made again
/// holds the end of the old one, then the beginning of the new one.
pub fn runs(offsets: &[i64]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut last = None;
    for (position, &offset) in offsets.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if last.is_some_and(|last| offset > last) => run.end = position + 1,
            _ => runs.push(position..position + 1),
        }
        last = Some(offset);
    }
    runs
}

/// Finds where in a run of rising offsets the current incarnation's records begin, in few comparisons: compare what
/// [`Border::next`] names and [`Border::tell`] what was found, until nothing is named.
///
/// A run has the old topic's records before the new one's. The last record is compared first, and if it is the old
/// one's, so are all; nearly always two comparisons are enough.
#[derive(Debug)]
pub struct Border {
    length: usize,
    /// Records before this are of a former incarnation.
    former_to: usize,
    /// Records from this on are of the current one; `None` until the last record is compared.
    current_from: Option<usize>,
    first_compared: bool,
    unknown: bool,
}

impl Border {
    /// Of a run of so many records.
    pub fn new(length: usize) -> Self {
        Self { length, former_to: 0, current_from: None, first_compared: false, unknown: false }
    }

    /// Of a run that need not be compared: all of it is the current incarnation's.
    pub fn current(length: usize) -> Self {
        Self { current_from: Some(0), ..Self::new(length) }
    }

    /// The position of the next record to compare.
    pub fn next(&self) -> Option<usize> {
        if self.unknown {
            return None;
        }
        match self.current_from {
            None => (self.former_to < self.length).then(|| self.length - 1),
            Some(current_from) if self.former_to >= current_from => None,
            Some(_) if !self.first_compared => Some(0),
            Some(current_from) => Some(self.former_to + (current_from - self.former_to) / 2),
        }
    }

    /// What was found at the position that [`Border::next`] named.
    pub fn tell(&mut self, held: Held) {
        let Some(position) = self.next() else { return };
        self.first_compared |= position == 0;
        match (held, self.current_from) {
            (Held::Gone, None) => self.unknown = true,
            (Held::Another | Held::Beyond, _) => self.former_to = position + 1,
            // What is gone of a run whose end is the current topic's: retention has come so far meanwhile.
            (Held::Same | Held::Gone, _) => self.current_from = Some(position),
        }
    }

    /// How many records at the run's beginning are of a former incarnation; `None` when the broker cannot tell.
    pub fn former(&self) -> Option<usize> {
        (!self.unknown).then_some(self.former_to)
    }
}

/// Whether a run is of the current incarnation, when the broker no longer has its records. Offsets decide, by the staged
/// watermarks of both.
///
/// A run that meets a watermark (continues it, overlaps it or ends at it) is of that incarnation, of the current one if
/// it meets both. Else it is of the current one, unless all of it would be trimmed there that is new under the former: a
/// gap is counted, and a record that is there twice can be found, but one that the wrong watermark trimmed is lost.
pub fn is_current(current: Option<i64>, former: Option<i64>, run: OffsetRange) -> bool {
    let meets = |watermark: i64| run.first <= watermark && watermark <= run.next;
    match (current, former) {
        (Some(current), _) if meets(current) => true,
        (_, Some(former)) if meets(former) && former < run.next => false,
        (Some(current), former) => current < run.first || former.is_some_and(|former| run.first < former),
        (None, _) => true,
    }
}

/// Whose the records of one run are, as `(topic id, positions)`, given what [`Border`] found.
pub fn divide(
    current: &Incarnation,
    former: Option<&Incarnation>,
    offsets: &[i64],
    border: &Border,
) -> Vec<(String, Range<usize>)> {
    let former_id = || former.map_or_else(|| predecessor_id(&current.topic_id), |former| former.topic_id.clone());
    let border = border.former().unwrap_or_else(|| {
        let first = offsets.first().copied().unwrap_or(0);
        let run = OffsetRange { first, next: offsets.last().map_or(first, |last| last + 1) };
        let known = former.is_some();
        let current = !known || is_current(current.watermark, former.and_then(|former| former.watermark), run);
        if current { 0 } else { offsets.len() }
    });
    let parts = [(former_id(), 0..border), (current.topic_id.clone(), border..offsets.len())];
    parts.into_iter().filter(|(_, positions)| !positions.is_empty()).collect()
}

#[cfg(test)]
#[path = "incarnation_tests.rs"]
mod tests;
