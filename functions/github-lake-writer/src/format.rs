//! A GitHub event's record as a row of [`lake::github::SCHEMA`].

use chrono::{DateTime, Utc};
use domain::github::event::{self, Event};
use ingest::{Format, Rejection};
use kit::kafka::Record;
use lake::{RowKey, SegmentBuilder, Value};

/// GitHub's events, as the poller sends them.
pub struct GithubEvents;

impl Format for GithubEvents {
    type Row<'a> = Event<'a>;

    const METRICS: &'static str = "Millrace/Github";

    fn read<'a>(&self, record: &'a Record, now: DateTime<Utc>) -> Result<Event<'a>, Rejection> {
        let missing = || Rejection { rule: "value", reason: "the record has no value".to_owned() };
        let value = record.value.as_deref().ok_or_else(missing)?;
        event::parse(value, now).map_err(|rejection| Rejection { rule: rejection.rule, reason: rejection.reason })
    }

    fn key(&self, event: &Event<'_>) -> RowKey {
        RowKey::of(event.id.as_bytes())
    }

    fn time(&self, event: &Event<'_>) -> i64 {
        event.created_at.timestamp_micros()
    }

    fn push(
        &self,
        event: &Event<'_>,
        record: &Record,
        now: DateTime<Utc>,
        segment: &mut SegmentBuilder,
    ) -> anyhow::Result<()> {
        let org = event.org.as_ref();
        segment.push(&[
            Value::Text(&event.id),
            Value::Text(&event.kind),
            Value::text(event.action.as_deref()),
            Value::Long(event.actor_id),
            Value::Text(&event.actor_login),
            Value::Long(event.repo_id),
            Value::Text(&event.repo_name),
            org.and_then(|org| org.id).map_or(Value::Null, Value::Long),
            Value::text(org.and_then(|org| org.login.as_deref())),
            event.public.map_or(Value::Null, Value::Bool),
            Value::Timestamp(event.created_at.timestamp_micros()),
            Value::Timestamp(now.timestamp_micros()),
            Value::text(event.payload),
            Value::Text(&record.topic),
            Value::Int(record.partition),
            Value::Long(record.offset),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_a_value_breaks_a_rule() {
        let record = Record {
            topic: "a".into(),
            partition: 0,
            offset: 1,
            timestamp_ms: 0,
            key: None,
            value: None,
            headers: Vec::new(),
        };
        assert_eq!(GithubEvents.read(&record, Utc::now()).unwrap_err().rule, "value");
    }
}
