//! The model's writer: what it reads, whose it takes the records to be, and what of them is new.

use super::*;
use crate::lake::incarnation::{Border, Held, divide, former_id, must_compare, runs};

impl World {
    pub(crate) fn staged(&self) -> Vec<String> {
        let mut rows: Vec<_> = self.watermarks.iter().collect();
        rows.sort_by_key(|(_, count)| count.order);
        let mut staged: Vec<String> = Vec::new();
        for (source, _) in rows {
            if !staged.contains(&source.topic_id) {
                staged.push(source.topic_id.clone());
            }
        }
        staged
    }

    /// What the broker and Postgres know.
    pub(super) fn known(&self) -> Known {
        let (topic, staged) = (self.topics.len() - 1, self.staged());
        let current = topic.to_string();
        let former = former_id(&current, &staged);
        let ids: Vec<String> = std::iter::once(current).chain(former).collect();
        let partitions = [0, 1].map(|partition| {
            let incarnation = |id: &String| Incarnation {
                watermark: self.watermarks.get(&named(id, partition)).map(|count| count.next),
                topic_id: id.clone(),
                recent: true,
            };
            ids.iter().map(incarnation).collect()
        });
        Known { topic, staged, partitions }
    }

    /// Compares, divides, trims, reads and sends dead letters.
    pub(super) fn judge(&mut self, poller: usize, Known { topic, staged, partitions }: Known) -> Writing {
        let batch = self.pollers[poller].batch.clone();
        let mut offered: BTreeMap<Source, Vec<Record>> = BTreeMap::new();
        for (partition, known) in partitions.iter().enumerate() {
            let records: Vec<Record> = batch.iter().filter(|record| record.partition == partition).copied().collect();
            let offsets: Vec<i64> = records.iter().map(|record| record.offset).collect();
            for run in runs(&offsets) {
                let records = &records[run.clone()];
                let mut border = Border::new(records.len());
                if must_compare(&known[0], known.get(1), records[0].offset) {
                    while let Some(position) = border.next() {
                        border.tell(self.held(topic, &records[position]));
                    }
                } else {
                    border = Border::current(records.len());
                }
                for (id, positions) in divide(&known[0], known.get(1), &offsets[run.clone()], &border) {
                    self.seen.former += u64::from(id != topic.to_string());
                    offered.entry(named(&id, partition)).or_default().extend(&records[positions]);
                }
            }
        }
        let expected = |source: &Source| {
            let known = &partitions[usize::try_from(source.partition).unwrap()];
            known.iter().find(|one| one.topic_id == source.topic_id)?.watermark
        };
        let parts = offered.into_iter().filter_map(|(source, records)| {
            let expected = expected(&source);
            self.trim(source, expected, &records)
        });
        let parts: Vec<Part> = parts.collect();
        if parts.is_empty() { Writing::Registered } else { Writing::Stored(parts, staged) }
    }

    fn held(&self, topic: usize, record: &Record) -> Held {
        match self.topics[topic][record.partition].get(usize::try_from(record.offset).unwrap()) {
            None => Held::Beyond,
            Some(&value) if value == record.value => Held::Same,
            Some(_) => Held::Another,
        }
    }

    /// Every seventh record breaks a rule.
    fn trim(&mut self, source: Source, expected: Option<i64>, records: &[Record]) -> Option<Part> {
        let offsets: Vec<i64> = records.iter().map(|record| record.offset).collect();
        let Trimmed { keep, range, gap } = trim(expected, &offsets);
        self.seen.trimmed += u64::try_from(records.len() - keep.len()).unwrap();
        let values = keep.iter().map(|&position| records[position].value);
        let (dead, rows): (Vec<u64>, Vec<u64>) = values.partition(|value| value % 7 == 6);
        self.letters.extend(&dead);
        let dead = u64::try_from(dead.len()).unwrap();
        Some(Part { source, expected, range: range?, gap, rows, dead })
    }
}
