//! Rows to Parquet: the bytes of one staged segment, in row groups that each belong to one day.

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

use crate::schema::{ColumnType, TableSchema, day_of};

/// Zstandard's level: higher ones cost the writer more time than they save storage.
const ZSTD_LEVEL: i32 = 1;

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

/// Builds one segment. Push rows ordered by time: each change of the day ends a row group.
pub struct SegmentBuilder {
    schema: TableSchema,
    arrow: SchemaRef,
    columns: Vec<ColumnBuilder>,
    writer: ArrowWriter<Vec<u8>>,
    rows_in_group: usize,
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
            rows_in_group: 0,
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
        if self.rows_in_group > 0 && day_of(time) != day_of(self.time.1) {
            self.end_row_group()?;
        }
        for ((builder, value), column) in self.columns.iter_mut().zip(row).zip(self.schema.columns) {
            ensure!(!(column.required && *value == Value::Null), "column {} must not be null", column.name);
            ensure!(builder.push(*value), "column {} takes no {value:?}", column.name);
        }
        self.rows_in_group += 1;
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
        self.end_row_group()?;
        let bytes = self.writer.into_inner().context("end a segment")?;
        Ok(Some(Segment { bytes: bytes.into(), records: self.records, time: self.time }))
    }

    fn end_row_group(&mut self) -> anyhow::Result<()> {
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let batch = RecordBatch::try_new(self.arrow.clone(), columns).context("build a row group")?;
        self.rows_in_group = 0;
        self.writer.write(&batch).context("write a row group")?;
        self.writer.flush().context("end a row group")
    }
}

/// How this table's Parquet is written, in segments and in data files.
pub(crate) fn properties(schema: &TableSchema, statistics: EnabledStatistics) -> WriterPropertiesBuilder {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(statistics)
        .set_created_by("millrace".to_owned());
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
    use crate::testing::{DAY, SCHEMA};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    fn row(id: &str, at: i64) -> [Value<'_>; 5] {
        [Value::Text(id), Value::Text("even"), Value::Timestamp(at), Value::Null, Value::Null]
    }

    #[test]
    fn each_day_is_a_row_group() {
        let mut builder = SegmentBuilder::new(&SCHEMA).unwrap();
        for (id, at) in [("a", 5), ("b", 6), ("c", DAY + 1), ("d", DAY + 2), ("e", 3 * DAY)] {
            builder.push(&row(id, at)).unwrap();
        }
        let segment = builder.finish().unwrap().unwrap();
        assert_eq!((segment.records, segment.time), (5, (5, 3 * DAY)));
        let reader = ParquetRecordBatchReaderBuilder::try_new(segment.bytes).unwrap();
        let rows: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert_eq!(rows, [2, 2, 1]);
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
