//! The model's Postgres and table: registering, committing, marking, and what must hold of them.

use super::*;

impl World {
    /// One transaction: it changes nothing when a watermark is not what the trim saw, nor when it is the first of a
    /// partition and another incarnation was staged since: the batch may be of that one.
    pub(super) fn register(&mut self, parts: &[Part], staged: &[String]) -> bool {
        let at = |source: &Source| self.watermarks.get(source).map(|count| count.next);
        let first = parts.iter().any(|part| part.expected.is_none());
        if parts.iter().any(|part| at(&part.source) != part.expected) || (first && self.staged() != staged) {
            self.seen.outrun += 1;
            return false;
        }
        let order = self.watermarks.len();
        for part in parts {
            let new = Count { order, first: part.range.first, ..Count::default() };
            let count = self.watermarks.entry(part.source.clone()).or_insert(new);
            count.next = part.range.next;
            count.records += u64::try_from(part.rows.len()).unwrap();
            count.dead += part.dead;
            count.gap += part.gap;
        }
        let rows: Vec<u64> = parts.iter().flat_map(|part| part.rows.iter().copied()).collect();
        self.segments.push(Segment {
            staged: Staged {
                id: i64::try_from(self.segments.len()).unwrap(),
                records: u64::try_from(rows.len()).unwrap(),
                bytes: 100,
                ranges: parts.iter().map(|part| (part.source.clone(), part.range)).collect(),
            },
            rows,
            marked: false,
        });
        true
    }

    /// The batch is done: the poller goes on, and the group's offsets with it.
    pub(super) fn answer(&mut self, poller: usize) {
        let current = self.topics.len() - 1;
        let poller = &mut self.pollers[poller];
        poller.writing = Writing::Delivered;
        for record in std::mem::take(&mut poller.batch) {
            let log = &self.topics[current][record.partition];
            // Offsets of a topic that is gone are committed to nobody.
            if log.get(usize::try_from(record.offset).unwrap()) == Some(&record.value) {
                poller.position[record.partition] = record.offset + 1;
                self.group[record.partition] = record.offset + 1;
            }
        }
    }

    fn table(&self) -> Watermarks {
        watermarks_of(&self.properties)
    }

    pub(super) fn commit(&mut self, committer: usize, crash: bool) {
        let next = match std::mem::take(&mut self.committers[committer]) {
            Committing::Idle => {
                let waiting = self.segments.iter().enumerate().filter(|(_, segment)| !segment.marked);
                Committing::Looked(waiting.map(|(position, _)| position).collect())
            }
            Committing::Looked(segments) => {
                let committed = self.table();
                let staged: Vec<Staged> =
                    segments.iter().map(|&position| self.segments[position].staged.clone()).collect();
                let plan = plan_commit(&committed, &staged, &LIMITS);
                assert!(plan.blocked.is_empty(), "a chain is broken: {plan:?}");
                self.seen.found_done += u64::try_from(plan.done.len()).unwrap();
                Committing::Written { segments, committed, plan }
            }
            Committing::Written { segments, committed, plan } => self.append(&segments, &committed, &plan),
            Committing::Committed { version } => {
                let (rows, watermarks) = &self.versions[version];
                for segment in &mut self.segments {
                    segment.marked |= is_committed(watermarks, &segment.staged);
                }
                if version >= self.marked.1 {
                    self.marked = (*rows, version);
                }
                Committing::Idle
            }
        };
        self.committers[committer] = if crash { Committing::Idle } else { next };
    }

    fn append(&mut self, segments: &[usize], committed: &Watermarks, plan: &CommitPlan) -> Committing {
        if !plan.take.is_empty() {
            if check_fence(|key| self.properties.get(key), committed, &plan.moves).is_err() {
                self.seen.lost += 1;
                return Committing::Idle;
            }
            let taken = segments.iter().map(|&position| &self.segments[position]);
            let rows = taken.filter(|segment| plan.take.contains(&segment.staged.id)).flat_map(|one| one.rows.clone());
            self.rows.extend(rows.collect::<Vec<_>>());
            let moves = plan.moves.iter().map(|(source, next)| (source.property_key(), next.to_string()));
            self.properties.extend(moves);
            self.versions.push((self.rows.len(), self.table()));
        }
        // The table is loaded again after the commit: it may be a later one.
        Committing::Committed { version: self.versions.len() - 1 }
    }

    /// What a query sees: the table as of the last mark, and the segments that are not marked. It is all that was
    /// registered, each once.
    pub(crate) fn check_view(&self) {
        let table = self.rows[..self.marked.0].iter().copied();
        let unmarked = self.segments.iter().filter(|segment| !segment.marked).flat_map(|segment| segment.rows.clone());
        let mut view: Vec<u64> = table.chain(unmarked).collect();
        let mut registered: Vec<u64> = self.segments.iter().flat_map(|segment| segment.rows.clone()).collect();
        view.sort_unstable();
        registered.sort_unstable();
        assert_eq!(view, registered, "a query does not see what is registered, each once");
    }

    /// Everything that is on its way arrives, and nothing crashes any more.
    pub(crate) fn finish(&mut self) {
        for _ in 0..20 {
            for poller in 0..2 {
                while !self.pollers[poller].batch.is_empty() {
                    self.act(&Act::Write { poller, crash: false });
                }
            }
            for partition in 0..2 {
                self.act(&Act::Fetch { poller: 0, partition, count: 1000 });
            }
        }
        while self.segments.iter().any(|segment| !segment.marked) {
            self.act(&Act::Commit { committer: 0, crash: false });
        }
    }

    pub(crate) fn check_end(&self) {
        let unique: BTreeSet<u64> = self.rows.iter().copied().collect();
        assert_eq!(unique.len(), self.rows.len(), "a record is in the table twice");
        let letters: BTreeSet<u64> = self.letters.iter().copied().collect();
        assert!(unique.is_disjoint(&letters));
        let all: BTreeSet<u64> = unique.union(&letters).copied().collect();
        assert_eq!(all, self.delivered, "what was delivered and what is there differ");
        let counts = self.watermarks.values();
        assert_eq!(counts.clone().map(|count| count.records).sum::<u64>(), u64::try_from(self.rows.len()).unwrap());
        for (source, count) in &self.watermarks {
            let accounted = i64::try_from(count.records + count.dead).unwrap() + count.gap;
            assert_eq!(count.next - count.first, accounted, "the account of {source:?} does not balance");
        }
        assert_eq!(self.table(), self.watermarks.iter().map(|(source, count)| (source.clone(), count.next)).collect());
    }
}
