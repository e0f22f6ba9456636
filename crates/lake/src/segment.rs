//! Rows to Parquet: the bytes of one staged segment, in row groups that belong to one day wherever that pays.

use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::layout::{Run, row_groups};
use crate::schema::{ColumnType, TableSchema, day_of};

/// Zstandard's level: higher ones cost the writer more time than they save storage.
const ZSTD_LEVEL: i32 = 1;
/// Text at which the rows that wait are written. A batch of Lambda's is smaller: its days are seen at once.
const WAITING_BYTES: usize = 32 << 20;

/// One value of a row, borrowed from the record it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// For [`ColumnType::Text`] and [`ColumnType::Document`].
    Text(&'a str),
    /// For [`ColumnType::Long`].
    Long(i64),
    /// For [`ColumnType::Int`].
    Int(i32),
    /// For [`ColumnType::Double`].
    Double(f64),
    /// For [`ColumnType::Bool`].
    Bool(bool),
    /// For [`ColumnType::Timestamp`]: microseconds since 1970.
    Timestamp(i64),
    /// No value; only for optional columns.
    Null,
}

impl<'a> Value<'a> {
    /// The text, or null.
    pub fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }
}

/// A finished segment, not yet stored.
#[derive(Debug, Clone)]
pub struct Segment {
    /// The Parquet file.
    pub(crate) bytes: Bytes,
    /// Its rows.
    pub(crate) records: u64,
    /// Bounds of the time column, microseconds.
    pub(crate) time: (i64, i64),
}

impl Segment {
    /// The Parquet file's size, bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

enum ColumnBuilder {
    Text(StringBuilder),
    Long(Int64Builder),
    Int(Int32Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl ColumnBuilder {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Text | ColumnType::Document => Self::Text(StringBuilder::new()),
            ColumnType::Long => Self::Long(Int64Builder::new()),
            ColumnType::Int => Self::Int(Int32Builder::new()),
            ColumnType::Double => Self::Double(Float64Builder::new()),
            ColumnType::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnType::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("+00:00")),
        }
    }

    /// False when the value is of another type.
    fn push(&mut self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Text(builder), Value::Text(text)) => builder.append_value(text),
            (Self::Long(builder), Value::Long(number)) => builder.append_value(number),
            (Self::Int(builder), Value::Int(number)) => builder.append_value(number),
            (Self::Double(builder), Value::Double(number)) => builder.append_value(number),
            (Self::Bool(builder), Value::Bool(truth)) => builder.append_value(truth),
            (Self::Timestamp(builder), Value::Timestamp(micros)) => builder.append_value(micros),
            (Self::Text(builder), Value::Null) => builder.append_null(),
            (Self::Long(builder), Value::Null) => builder.append_null(),
            (Self::Int(builder), Value::Null) => builder.append_null(),
            (Self::Double(builder), Value::Null) => builder.append_null(),
            (Self::Bool(builder), Value::Null) => builder.append_null(),
            (Self::Timestamp(builder), Value::Null) => builder.append_null(),
            _ => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Long(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Double(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }
}

/// Builds one segment. Push rows ordered by time, so that rows of a day follow one another.
pub struct SegmentBuilder {
    schema: TableSchema,
    arrow: SchemaRef,
    columns: Vec<ColumnBuilder>,
    writer: ArrowWriter<Vec<u8>>,
    /// The rows that wait in `columns`, by day.
    waiting: Vec<Run>,
    /// Bytes of text among them.
    waiting_bytes: usize,
    records: u64,
    time: (i64, i64),
}

impl SegmentBuilder {
    /// An empty segment of this shape.
    ///
    /// # Errors
    /// When Parquet refuses the schema.
    pub fn new(schema: &TableSchema) -> anyhow::Result<Self> {
        let arrow = schema.arrow();
        let properties = properties(schema, EnabledStatistics::Page).build();
        let writer = ArrowWriter::try_new(Vec::new(), arrow.clone(), Some(properties)).context("begin a segment")?;
        Ok(Self {
            schema: *schema,
            arrow,
            columns: schema.columns.iter().map(|column| ColumnBuilder::new(column.kind)).collect(),
            writer,
            waiting: Vec::new(),
            waiting_bytes: 0,
            records: 0,
            time: (i64::MAX, i64::MIN),
        })
    }

    /// Adds a row: one value a column, in the schema's order.
    ///
    /// # Errors
    /// When a value's type, or their number, is not the schema's. That is a fault in the caller, never in a record.
    pub fn push(&mut self, row: &[Value<'_>]) -> anyhow::Result<()> {
        let Some(&Value::Timestamp(time)) = row.get(self.schema.time) else {
            bail!("row has no timestamp in column {}", self.schema.name(self.schema.time));
        };
        ensure!(row.len() == self.columns.len(), "row has {} values, not {}", row.len(), self.columns.len());
        if self.waiting_bytes >= WAITING_BYTES {
            self.write_row_groups()?;
        }
        for ((builder, value), column) in self.columns.iter_mut().zip(row).zip(self.schema.columns) {
            ensure!(!(column.required && *value == Value::Null), "column {} must not be null", column.name);
            ensure!(builder.push(*value), "column {} takes no {value:?}", column.name);
            if let Value::Text(text) = value {
                self.waiting_bytes += text.len();
            }
        }
        let day = day_of(time);
        match self.waiting.last_mut() {
            Some(run) if run.day == day => run.rows += 1,
            _ => self.waiting.push(Run { day, rows: 1 }),
        }
        self.records += 1;
        self.time = (self.time.0.min(time), self.time.1.max(time));
        Ok(())
    }

    /// The segment; `None` when it has no rows.
    ///
    /// # Errors
    /// When Parquet cannot encode.
    pub fn finish(mut self) -> anyhow::Result<Option<Segment>> {
        if self.records == 0 {
            return Ok(None);
        }
        self.write_row_groups()?;
        let bytes = self.writer.into_inner().context("end a segment")?;
        Ok(Some(Segment { bytes: bytes.into(), records: self.records, time: self.time }))
    }

    fn write_row_groups(&mut self) -> anyhow::Result<()> {
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let rows = RecordBatch::try_new(self.arrow.clone(), columns).context("build row groups")?;
        for ranges in row_groups(&std::mem::take(&mut self.waiting)) {
            for range in ranges {
                self.writer.write(&rows.slice(range.start, range.len())).context("write a row group")?;
            }
            self.writer.flush().context("end a row group")?;
        }
        self.waiting_bytes = 0;
        Ok(())
    }
}

/// In the form `<program> version <version>`: readers in Java leave the statistics of any other unread.
const CREATED_BY: &str = concat!("millrace version ", env!("CARGO_PKG_VERSION"));

/// How this table's Parquet is written, in segments and in data files.
pub(crate) fn properties(schema: &TableSchema, statistics: EnabledStatistics) -> WriterPropertiesBuilder {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(statistics)
        .set_created_by(CREATED_BY.to_owned());
    for (position, column) in schema.columns.iter().enumerate() {
        let path = ColumnPath::from(column.name);
        if column.kind == ColumnType::Document {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None);
        } else if position == schema.key {
            // Keys are all different: a dictionary would be built, found too large and thrown away.
            properties = properties.set_column_dictionary_enabled(path, false);
        } else if position == schema.time {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_file::Source;
    use crate::testing::{DAY, SCHEMA};

    fn row(id: &str, at: i64) -> [Value<'_>; 5] {
        [Value::Text(id), Value::Text("even"), Value::Timestamp(at), Value::Null, Value::Null]
    }

    /// Rows of each row group, and its bounds in days.
    fn groups(rows: impl IntoIterator<Item = i64>) -> Vec<(i64, i32, i32)> {
        let mut builder = SegmentBuilder::new(&SCHEMA).unwrap();
        for (n, at) in rows.into_iter().enumerate() {
            builder.push(&row(&n.to_string(), at)).unwrap();
        }
        let source = Source::held("segment", builder.finish().unwrap().unwrap().bytes).unwrap();
        let days = |group| source.days(&SCHEMA, group).unwrap();
        let groups = source.row_groups().iter().enumerate();
        groups.map(|(index, group)| (group.num_rows(), days(index).0, days(index).1)).collect()
    }

    #[test]
    fn a_day_with_many_rows_is_a_row_group_and_others_share_one() {
        assert_eq!(groups([5, 6]), [(2, 0, 0)]);
        let rows = (0..3).map(|n| n * DAY).chain((0..1_500).map(|n| 3 * DAY + n)).chain([4 * DAY]);
        assert_eq!(groups(rows), [(1_500, 3, 3), (4, 0, 4)]);
    }

    #[test]
    fn a_segment_over_ten_years_of_days_stays_small() {
        let segment = |step: i64| {
            let mut builder = SegmentBuilder::new(&SCHEMA).unwrap();
            (0..10_000).for_each(|n| builder.push(&row(&n.to_string(), n * step)).unwrap());
            builder.finish().unwrap().unwrap().size()
        };
        assert!(segment(DAY / 3) < segment(1) * 2, "{} and {} bytes", segment(DAY / 3), segment(1));
    }

    #[test]
    fn a_wrong_row_is_refused() {
        let mut builder = SegmentBuilder::new(&SCHEMA).unwrap();
        assert!(builder.push(&[Value::Text("a")]).is_err());
        let (mut without_key, mut of_another_type) = (row("a", 1), row("a", 1));
        without_key[0] = Value::Null;
        of_another_type[3] = Value::Bool(true);
        assert!(builder.push(&without_key).is_err());
        assert!(builder.push(&of_another_type).is_err());
    }

    #[test]
    fn no_rows_no_segment() {
        assert!(SegmentBuilder::new(&SCHEMA).unwrap().finish().unwrap().is_none());
    }
}
