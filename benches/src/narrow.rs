//! Records of 142 bytes and 6 columns as rows of a table of the bench's own: what `lake` and `ingest` do with a system
//! that is not GitHub.

use chrono::{DateTime, Utc};
use ingest::{Format, Rejection};
use kit::kafka::Record;
use lake::{Column, ColumnType, RowKey, SegmentBuilder, TableSchema, Value};
use serde::Deserialize;

/// The table's namespace.
pub const NAMESPACE: &str = "bench";
/// The table's name.
pub const TABLE: &str = "narrow";

/// The table's columns.
pub const SCHEMA: TableSchema = TableSchema {
    columns: &[
        Column::required("id", ColumnType::Long),
        Column::required("ts", ColumnType::Timestamp),
        Column::required("user", ColumnType::Text),
        Column::required("kind", ColumnType::Text),
        Column::required("amount", ColumnType::Double),
        Column::required("note", ColumnType::Document),
    ],
    time: 1,
    key: 0,
};

/// The records that `lake/generate` makes.
pub struct Narrow;

/// One record, borrowed from its bytes; its texts have no escapes.
#[derive(Deserialize)]
pub struct Row<'a> {
    id: i64,
    ts: &'a str,
    user: &'a str,
    kind: &'a str,
    amount: f64,
    note: &'a str,
    /// Microseconds since 1970, from `ts`.
    #[serde(skip)]
    micros: i64,
}

impl Format for Narrow {
    type Row<'a> = Row<'a>;

    const METRICS: &'static str = "Millrace/Bench";

    fn read<'a>(&self, record: &'a Record, _: DateTime<Utc>) -> Result<Row<'a>, Rejection> {
        let value = record.value.as_deref().unwrap_or_default();
        let json = |error: serde_json::Error| Rejection { rule: "json", reason: error.to_string() };
        let mut row: Row<'a> = serde_json::from_slice(value).map_err(json)?;
        let time = |error: chrono::ParseError| Rejection { rule: "ts.parse", reason: error.to_string() };
        row.micros = DateTime::parse_from_rfc3339(row.ts).map_err(time)?.timestamp_micros();
        Ok(row)
    }

    fn key(&self, row: &Row<'_>) -> RowKey {
        RowKey::number(row.id.cast_unsigned())
    }

    fn time(&self, row: &Row<'_>) -> i64 {
        row.micros
    }

    fn push(&self, row: &Row<'_>, _: &Record, _: DateTime<Utc>, segment: &mut SegmentBuilder) -> anyhow::Result<()> {
        segment.push(&[
            Value::Long(row.id),
            Value::Timestamp(row.micros),
            Value::Text(row.user),
            Value::Text(row.kind),
            Value::Double(row.amount),
            Value::Text(row.note),
        ])
    }
}
