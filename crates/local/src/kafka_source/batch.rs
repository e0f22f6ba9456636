//! A batch: encoded records by partition, which can be cut without encoding anything again.

use std::{collections::BTreeMap, io::Write, ops::Range, sync::Arc};

use bytes::Bytes;
use rdkafka::{Message, message::BorrowedMessage};

use super::encode;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Partition {
    pub(super) topic: Arc<str>,
    pub(super) number: i32,
}

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.number)
    }
}

/// Where one record stands in its partition's JSON.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) offset: i64,
    pub(super) timestamp_ms: i64,
    json: Range<usize>,
}

/// The records of one partition, in the order of their offsets.
#[derive(Debug, Clone, Default)]
pub(super) struct Slice {
    pub(super) records: Vec<Place>,
    /// The records' JSON with commas between; shared when a batch is cut.
    json: Arc<Vec<u8>>,
}

/// Records on their way to one invocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    pub(super) partitions: BTreeMap<Partition, Slice>,
}

/// What stands around the records in the payload.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    /// `aws:kafka` or `SelfManagedKafka`.
    pub(super) event_source_arn: Option<String>,
    pub(super) bootstrap_servers: String,
}

impl Batch {
    pub(super) fn push(&mut self, topic: &Arc<str>, message: &BorrowedMessage<'_>) {
        let partition = Partition { topic: Arc::clone(topic), number: message.partition() };
        let slice = self.partitions.entry(partition).or_default();
        let json = Arc::make_mut(&mut slice.json);
        if !json.is_empty() {
            json.push(b',');
        }
        let start = json.len();
        encode::append(json, topic, message);
        let json = start..json.len();
        let timestamp_ms = message.timestamp().to_millis().unwrap_or_default();
        slice.records.push(Place { offset: message.offset(), timestamp_ms, json });
    }

    /// Number of records.
    pub(super) fn len(&self) -> usize {
        self.partitions.values().map(|slice| slice.records.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partitions.values().all(|slice| slice.records.is_empty())
    }

    /// The newest timestamp of its records, in milliseconds since the epoch.
    pub(super) fn newest_ms(&self) -> i64 {
        let last = self.partitions.values().filter_map(|slice| slice.records.last());
        last.map(|record| record.timestamp_ms).max().unwrap_or_default()
    }

    /// Bytes of all records' JSON: what the payload holds beside its envelope and keys.
    pub(super) fn encoded_len(&self) -> usize {
        self.partitions.iter().map(|(partition, slice)| slice.json.len() + partition.topic.len() + 24).sum()
    }

    /// The event as Lambda sends it.
    pub(super) fn payload(&self, envelope: &Envelope) -> Bytes {
        let size: usize = self.partitions.values().map(|slice| slice.json.len()).sum();
        let mut payload = Vec::with_capacity(size + 512 + 64 * self.partitions.len());
        let source = if envelope.event_source_arn.is_some() { "aws:kafka" } else { "SelfManagedKafka" };
        // Writing to a Vec cannot fail.
        let _ = write!(payload, r#"{{"eventSource":"{source}","#);
        if let Some(arn) = &envelope.event_source_arn {
            let _ = write!(payload, r#""eventSourceArn":"{arn}","#);
        }
        let _ = write!(payload, r#""bootstrapServers":"{}","records":{{"#, envelope.bootstrap_servers);
        let filled = self.partitions.iter().filter(|(_, slice)| !slice.records.is_empty());
        for (index, (partition, slice)) in filled.enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(payload, r#"{comma}"{partition}":["#);
            payload.extend_from_slice(slice.json());
            payload.push(b']');
        }
        payload.extend_from_slice(b"}}");
        payload.into()
    }

    /// Keeps, of each named partition, the records from the given offset on; drops unnamed partitions.
    pub(super) fn beginning_at(&self, first: &BTreeMap<Partition, i64>) -> Self {
        self.keep(|partition, record| first.get(partition).is_some_and(|first| record.offset >= *first))
    }

    /// Keeps, of each partition, the records before its end; drops partitions without one.
    pub(super) fn before(&self, ends: &BTreeMap<i32, i64>) -> Self {
        self.keep(|partition, record| ends.get(&partition.number).is_some_and(|end| record.offset < *end))
    }

    /// Two halves by record order, for bisecting. Earlier records of a partition are never in the second half alone.
    pub(super) fn halves(&self) -> (Self, Self) {
        let half = self.len().div_ceil(2);
        let mut seen = 0;
        let first = self.keep(|_, _| {
            seen += 1;
            seen <= half
        });
        let mut seen = 0;
        let second = self.keep(|_, _| {
            seen += 1;
            seen > half
        });
        (first, second)
    }

    /// Every record as a batch of its own, in order.
    pub(super) fn singles(&self) -> impl Iterator<Item = Self> {
        self.partitions.iter().flat_map(|(partition, slice)| {
            slice.records.iter().map(|place| {
                let json = slice.json.get(place.json.clone()).unwrap_or_default().to_vec();
                let place = Place { json: 0..json.len(), ..place.clone() };
                let single = Slice { records: vec![place], json: Arc::new(json) };
                Self { partitions: [(partition.clone(), single)].into() }
            })
        })
    }

    /// The key of the first record.
    pub(super) fn key(&self) -> Option<Vec<u8>> {
        #[derive(serde::Deserialize)]
        struct Keyed<'a> {
            key: Option<&'a str>,
        }
        let slice = self.partitions.values().find(|slice| !slice.records.is_empty())?;
        let json = slice.json.get(slice.records.first()?.json.clone())?;
        let key = serde_json::from_slice::<Keyed<'_>>(json).ok()?.key?;
        base64_simd::STANDARD.decode_to_vec(key).ok()
    }

    /// Splits into the records older than `limit_ms` and the others.
    pub(super) fn split_by_age(&self, limit_ms: i64) -> (Self, Self) {
        let old = self.keep(|_, record| record.timestamp_ms < limit_ms);
        // A partition's order holds: what stands before an old record counts as settled with it.
        let young = self.keep(|_, record| record.timestamp_ms >= limit_ms);
        (old, young)
    }

    fn keep(&self, mut wanted: impl FnMut(&Partition, &Place) -> bool) -> Self {
        let mut partitions = BTreeMap::new();
        for (partition, slice) in &self.partitions {
            let records: Vec<Place> =
                slice.records.iter().filter(|record| wanted(partition, record)).cloned().collect();
            if !records.is_empty() {
                partitions.insert(partition.clone(), Slice { records, json: Arc::clone(&slice.json) }.compact());
            }
        }
        Self { partitions }
    }

    /// Drops all records of these partitions.
    pub(super) fn forget(&mut self, partitions: &[Partition]) {
        self.partitions.retain(|partition, _| !partitions.contains(partition));
    }

    /// For each partition, the offset after its last record: what to commit when all is settled.
    pub(super) fn next_offsets(&self) -> BTreeMap<Partition, i64> {
        let last = |slice: &Slice| slice.records.last().map(|record| record.offset + 1);
        self.partitions.iter().filter_map(|(partition, slice)| Some((partition.clone(), last(slice)?))).collect()
    }

    /// For each partition, the offset of its first record.
    pub(super) fn first_offsets(&self) -> BTreeMap<Partition, i64> {
        let first = |slice: &Slice| slice.records.first().map(|record| record.offset);
        self.partitions.iter().filter_map(|(partition, slice)| Some((partition.clone(), first(slice)?))).collect()
    }
}

impl Slice {
    /// The JSON of the records without the brackets.
    fn json(&self) -> &[u8] {
        &self.json
    }

    /// Copies the kept records' JSON together when some were cut out.
    fn compact(mut self) -> Self {
        let kept: usize = self.records.iter().map(|record| record.json.len() + 1).sum();
        if kept == self.json.len() + 1 {
            return self;
        }
        let mut json = Vec::with_capacity(kept);
        for record in &mut self.records {
            if !json.is_empty() {
                json.push(b',');
            }
            let start = json.len();
            json.extend_from_slice(self.json.get(record.json.clone()).unwrap_or_default());
            record.json = start..json.len();
        }
        Self { json: Arc::new(json), ..self }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A batch of `(partition, offset, timestamp)` on topic `t`, whose JSON is only an offset.
    pub(in super::super) fn batch(records: &[(i32, i64, i64)]) -> Batch {
        let mut batch = Batch::default();
        for &(number, offset, timestamp_ms) in records {
            let slice = batch.partitions.entry(Partition { topic: "t".into(), number }).or_default();
            let json = Arc::make_mut(&mut slice.json);
            if !json.is_empty() {
                json.push(b',');
            }
            let start = json.len();
            json.extend_from_slice(format!(r#"{{"offset":{offset}}}"#).as_bytes());
            let json = start..json.len();
            slice.records.push(Place { offset, timestamp_ms, json });
        }
        batch
    }

    fn offsets(batch: &Batch) -> serde_json::Value {
        let envelope = Envelope { event_source_arn: None, bootstrap_servers: "b:9092".into() };
        let mut payload: serde_json::Value = serde_json::from_slice(&batch.payload(&envelope)).unwrap();
        assert_eq!(payload["eventSource"], "SelfManagedKafka");
        payload["records"].take()
    }

    #[test]
    fn one_payload_holds_several_partitions() {
        let batch = batch(&[(0, 5, 0), (1, 9, 0), (0, 6, 0)]);
        let expected = serde_json::json!({"t-0": [{"offset": 5}, {"offset": 6}], "t-1": [{"offset": 9}]});
        assert_eq!(offsets(&batch), expected);
        assert_eq!(batch.len(), 3);
    }

    #[test]
    fn a_cut_batch_holds_exactly_the_records_that_were_kept() {
        let batch = batch(&[(0, 5, 10), (0, 6, 20), (0, 7, 30), (1, 9, 40)]);
        let from = BTreeMap::from([(Partition { topic: "t".into(), number: 0 }, 6)]);
        assert_eq!(offsets(&batch.beginning_at(&from)), serde_json::json!({"t-0": [{"offset": 6}, {"offset": 7}]}));
        let (first, second) = batch.halves();
        assert_eq!(offsets(&first), serde_json::json!({"t-0": [{"offset": 5}, {"offset": 6}]}));
        assert_eq!(offsets(&second), serde_json::json!({"t-0": [{"offset": 7}], "t-1": [{"offset": 9}]}));
        let (old, young) = batch.split_by_age(25);
        assert_eq!((old.len(), young.len()), (2, 2));
        // Cutting what was cut already works on the compacted JSON.
        assert_eq!(offsets(&second.halves().1), serde_json::json!({"t-1": [{"offset": 9}]}));
    }
}
