//! The event of a Kafka event source mapping.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};

use crate::wire::Base64;

/// One batch. Records of one partition stand in the order of their offsets; a batch may hold several partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KafkaEvent {
    /// `aws:kafka` (MSK) or `SelfManagedKafka`.
    pub event_source: String,
    /// The cluster's ARN; absent for a self-managed cluster.
    pub event_source_arn: Option<String>,
    /// Comma-separated `host:port`.
    pub bootstrap_servers: String,
    /// All records of all partitions.
    pub records: Vec<Record>,
}

/// One record, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Shared by all records of the batch's partition.
    pub topic: Arc<str>,
    /// Partition, from 0.
    pub partition: i32,
    /// Offset within the partition.
    pub offset: i64,
    /// Milliseconds since the epoch, as the producer or the broker set it.
    pub timestamp_ms: i64,
    /// `None` when the record has no key.
    pub key: Option<Vec<u8>>,
    /// `None` for a tombstone; AWS leaves the field out, some emulators send null.
    pub value: Option<Vec<u8>>,
    /// In order; a name may stand several times.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl KafkaEvent {
    /// A batch of the given records, for tests and for driving a handler by hand.
    #[must_use]
    pub fn from_records(records: Vec<Record>) -> Self {
        Self { event_source: "SelfManagedKafka".into(), records, ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for KafkaEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let event = WireEvent::deserialize(deserializer)?;
        Ok(Self {
            event_source: event.event_source.unwrap_or_default(),
            event_source_arn: event.event_source_arn,
            bootstrap_servers: event.bootstrap_servers.unwrap_or_default(),
            records: event.records.0,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireEvent {
    event_source: Option<String>,
    event_source_arn: Option<String>,
    bootstrap_servers: Option<String>,
    records: Records,
}

/// The `records` map, flattened while it is read.
struct Records(Vec<Record>);

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Partitions;
        impl<'de> Visitor<'de> for Partitions {
            type Value = Records;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from <topic>-<partition> to records")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Records, A::Error> {
                let mut all: Vec<Record> = Vec::new();
                while map.next_key::<Cow<'de, str>>()?.is_some() {
                    map.next_value_seed(Run(&mut all))?;
                }
                Ok(Records(all))
            }
        }
        deserializer.deserialize_map(Partitions)
    }
}

/// The records of one partition, each put behind the others as soon as it is read.
struct Run<'v>(&'v mut Vec<Record>);

impl<'de> DeserializeSeed<'de> for Run<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Run<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut topic: Option<Arc<str>> = None;
        while let Some(record) = seq.next_element::<WireRecord<'de>>()? {
            let shared = match &topic {
                Some(shared) if **shared == *record.topic => Arc::clone(shared),
                _ => topic.insert(Arc::from(&*record.topic)).clone(),
            };
            self.0.push(record.into_record(shared));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct WireRecord<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    partition: i32,
    offset: i64,
    #[serde(default)]
    timestamp: i64,
    #[serde(default)]
    key: Option<Base64>,
    #[serde(default)]
    value: Option<Base64>,
    #[serde(default)]
    headers: Vec<WireHeader>,
}

impl WireRecord<'_> {
    fn into_record(self, topic: Arc<str>) -> Record {
        Record {
            topic,
            partition: self.partition,
            offset: self.offset,
            timestamp_ms: self.timestamp,
            key: self.key.map(|bytes| bytes.0),
            value: self.value.map(|bytes| bytes.0),
            headers: self.headers.into_iter().map(|header| (header.name, header.value)).collect(),
        }
    }
}

/// A header is a map of one name to its bytes, which Java writes signed.
struct WireHeader {
    name: String,
    value: Vec<u8>,
}

impl<'de> Deserialize<'de> for WireHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Single;
        impl<'de> Visitor<'de> for Single {
            type Value = WireHeader;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of one header name to its bytes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireHeader, A::Error> {
                let entry = map.next_entry::<String, SignedBytes>()?;
                let (name, value) = entry.ok_or_else(|| A::Error::custom("a header without a name"))?;
                Ok(WireHeader { name, value: value.0 })
            }
        }
        deserializer.deserialize_map(Single)
    }
}

struct SignedBytes(Vec<u8>);

impl<'de> Deserialize<'de> for SignedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = SignedBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of bytes, -128 to 255")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SignedBytes, A::Error> {
                let mut bytes = Vec::with_capacity(seq.size_hint().unwrap_or(16));
                while let Some(byte) = seq.next_element::<i16>()? {
                    let byte = u8::try_from(byte).or_else(|_| i8::try_from(byte).map(i8::cast_unsigned));
                    bytes.push(byte.map_err(|_| A::Error::custom("a header byte outside -128 to 255"))?);
                }
                Ok(SignedBytes(bytes))
            }

            fn visit_unit<E: Error>(self) -> Result<SignedBytes, E> {
                Ok(SignedBytes(Vec::new()))
            }
        }
        deserializer.deserialize_any(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<KafkaEvent, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn reads_several_partitions_signed_headers_and_tombstones() {
        let event = parse(
            r#"{"eventSource":"aws:kafka","eventSourceArn":"arn","bootstrapServers":"b:9092","records":{
              "t-0":[{"topic":"t","partition":0,"offset":1,"timestamp":5,"timestampType":"CREATE_TIME",
                      "key":"aw==","value":"djE=","headers":[{"h":[-1,104]},{"h":[]}]},
                     {"topic":"t","partition":0,"offset":2,"timestamp":6,"headers":[]}],
              "t-1":[{"topic":"t","partition":1,"offset":9,"timestamp":7,"key":null,"value":null,"headers":[]}]}}"#,
        )
        .unwrap();
        assert_eq!(event.records.len(), 3);
        let first = &event.records[0];
        assert_eq!((first.key.as_deref(), first.value.as_deref()), (Some(&b"k"[..]), Some(&b"v1"[..])));
        assert_eq!(first.headers, vec![("h".into(), vec![255, 104]), ("h".into(), vec![])]);
        assert_eq!(event.records[1].value, None, "an absent value is a tombstone");
        assert_eq!(event.records[2].value, None, "so is null");
        assert_eq!((event.records[2].partition, event.records[2].offset), (1, 9));
    }

    #[test]
    fn says_what_is_wrong() {
        for (json, expected) in [
            (r#"{"eventSource":"aws:kafka"}"#, "records"),
            (r#"{"records":{"t-0":[{"topic":"t","partition":0,"offset":1,"value":"%%"}]}}"#, "not base64"),
            (r#"{"records":{"t-0":[{"topic":"t","partition":0,"offset":1,"headers":[{"h":[300]}]}]}}"#, "-128 to 255"),
        ] {
            let error = parse(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
