//! Data files: staged row groups of one day, written again as one Parquet file, and what a manifest says about it.
//!
//! First form: rows are decoded and encoded again. Copying column chunks comes with file sizes (a later issue); the
//! row groups of segments belong to one day each so that it can.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use bytes::Bytes;
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Literal, Struct};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::EnabledStatistics;
use parquet::file::statistics::Statistics;

use crate::schema::{ColumnType, TableSchema, day_of, field_id};
use crate::segment::properties;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 1024;
/// Rows of a row group. Row groups are buffered encoded, so this bounds memory, and what a query skips or reads.
const ROW_GROUP_ROWS: usize = 65_536;

/// A staged segment in memory.
pub(crate) struct SegmentBytes {
    pub bytes: Bytes,
    pub metadata: ArrowReaderMetadata,
}

impl SegmentBytes {
    pub(crate) fn open(bytes: Bytes) -> anyhow::Result<Self> {
        let metadata = ArrowReaderMetadata::load(&bytes, Default::default()).context("read a segment's footer")?;
        Ok(Self { bytes, metadata })
    }

    /// The day of each row group.
    pub(crate) fn days(&self, schema: &TableSchema) -> anyhow::Result<Vec<i32>> {
        let groups = self.metadata.metadata().row_groups().iter();
        groups
            .map(|group| {
                let statistics = group.columns().get(schema.time).and_then(|column| column.statistics());
                let Some(Statistics::Int64(times)) = statistics else {
                    anyhow::bail!("a segment's row group has no statistics of its time column");
                };
                let days = (times.min_opt().map(|&min| day_of(min)), times.max_opt().map(|&max| day_of(max)));
                ensure!(days.0 == days.1, "a segment's row group spans days: {days:?}");
                days.0.context("a segment's row group has no times")
            })
            .collect()
    }
}

/// A finished data file, not yet stored.
pub(crate) struct EncodedFile {
    pub bytes: Bytes,
    pub metadata: ParquetMetaData,
}

/// Writes row groups, `(segment, row group)`, into files of about `target` bytes.
pub(crate) fn encode(
    schema: &TableSchema,
    segments: &[SegmentBytes],
    row_groups: &[(usize, usize)],
    target: usize,
) -> anyhow::Result<Vec<EncodedFile>> {
    let arrow = schema.arrow();
    let begin = || {
        let properties = properties(schema, EnabledStatistics::Page).set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
        ArrowWriter::try_new(Vec::new(), arrow.clone(), Some(properties.build())).context("begin a data file")
    };
    let mut files = Vec::new();
    let mut writer = begin()?;
    let mut rows = 0;
    for &(segment, row_group) in row_groups {
        if rows > 0 && writer.bytes_written() + writer.in_progress_size() >= target {
            files.push(end(std::mem::replace(&mut writer, begin()?))?);
            rows = 0;
        }
        let segment = segments.get(segment).context("no such segment")?;
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(segment.bytes.clone(), segment.metadata.clone())
                .with_row_groups(vec![row_group])
                .with_batch_size(BATCH_ROWS)
                .build()
                .context("read a segment")?;
        for batch in reader {
            let batch = batch.context("decode a segment")?;
            rows += batch.num_rows();
            writer.write(&batch).context("encode a data file")?;
        }
    }
    files.push(end(writer)?);
    Ok(files)
}

fn end(mut writer: ArrowWriter<Vec<u8>>) -> anyhow::Result<EncodedFile> {
    let metadata = writer.finish().context("end a data file")?;
    let bytes = std::mem::take(writer.inner_mut()).into();
    Ok(EncodedFile { bytes, metadata })
}

/// The manifest's entry of a stored file.
pub(crate) fn describe(
    schema: &TableSchema,
    file: &EncodedFile,
    path: String,
    day: i32,
    partition_spec_id: i32,
) -> anyhow::Result<DataFile> {
    let metrics = Metrics::of(schema, &file.metadata);
    let groups = file.metadata.row_groups();
    DataFileBuilder::default()
        .content(DataContentType::Data)
        .file_path(path)
        .file_format(DataFileFormat::Parquet)
        .partition(Struct::from_iter([Some(Literal::date(day))]))
        .partition_spec_id(partition_spec_id)
        .record_count(u64::try_from(file.metadata.file_metadata().num_rows()).unwrap_or(0))
        .file_size_in_bytes(file.bytes.len() as u64)
        .column_sizes(metrics.sizes)
        .value_counts(metrics.values)
        .null_value_counts(metrics.nulls)
        .lower_bounds(metrics.lower)
        .upper_bounds(metrics.upper)
        .split_offsets(Some(groups.iter().filter_map(|group| group.file_offset()).collect()))
        .build()
        .context("describe a data file")
}

#[derive(Default)]
struct Metrics {
    sizes: HashMap<i32, u64>,
    values: HashMap<i32, u64>,
    nulls: HashMap<i32, u64>,
    lower: HashMap<i32, Datum>,
    upper: HashMap<i32, Datum>,
}

impl Metrics {
    /// Sums and bounds over a file's row groups. A column without statistics in any of them has no bounds.
    fn of(schema: &TableSchema, metadata: &ParquetMetaData) -> Self {
        let mut metrics = Self::default();
        for (position, column) in schema.columns.iter().enumerate() {
            let id = field_id(position);
            let mut bounds: Option<(Datum, Datum)> = None;
            let mut bounded = true;
            for chunk in metadata.row_groups().iter().filter_map(|group| group.columns().get(position)) {
                *metrics.sizes.entry(id).or_default() += u64::try_from(chunk.compressed_size()).unwrap_or(0);
                let values = u64::try_from(chunk.num_values()).unwrap_or(0);
                *metrics.values.entry(id).or_default() += values;
                let Some(statistics) = chunk.statistics() else {
                    bounded = false;
                    continue;
                };
                let nulls = statistics.null_count_opt();
                *metrics.nulls.entry(id).or_default() += nulls.unwrap_or(0);
                match bounds_of(column.kind, statistics) {
                    Some(found) => bounds = Some(wider(bounds, found)),
                    None => bounded = bounded && nulls == Some(values),
                }
            }
            if column.kind == ColumnType::Document {
                metrics.nulls.remove(&id);
            }
            if let Some((lower, upper)) = bounds.filter(|_| bounded) {
                metrics.lower.insert(id, lower);
                metrics.upper.insert(id, upper);
            }
        }
        metrics
    }
}

fn wider(bounds: Option<(Datum, Datum)>, found: (Datum, Datum)) -> (Datum, Datum) {
    match bounds {
        None => found,
        Some((lower, upper)) => {
            (if found.0 < lower { found.0 } else { lower }, if found.1 > upper { found.1 } else { upper })
        }
    }
}

fn bounds_of(kind: ColumnType, statistics: &Statistics) -> Option<(Datum, Datum)> {
    match (kind, statistics) {
        (ColumnType::Timestamp, Statistics::Int64(of)) => {
            Some((Datum::timestamptz_micros(*of.min_opt()?), Datum::timestamptz_micros(*of.max_opt()?)))
        }
        (ColumnType::Long, Statistics::Int64(of)) => Some((Datum::long(*of.min_opt()?), Datum::long(*of.max_opt()?))),
        (ColumnType::Int, Statistics::Int32(of)) => Some((Datum::int(*of.min_opt()?), Datum::int(*of.max_opt()?))),
        (ColumnType::Bool, Statistics::Boolean(of)) => Some((Datum::bool(*of.min_opt()?), Datum::bool(*of.max_opt()?))),
        // Parquet has shortened these already where they were long, the upper bound upwards.
        (ColumnType::Text, Statistics::ByteArray(of)) => Some((
            Datum::string(std::str::from_utf8(of.min_opt()?.data()).ok()?),
            Datum::string(std::str::from_utf8(of.max_opt()?.data()).ok()?),
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::{SegmentBuilder, Value};
    use crate::testing::{DAY, SCHEMA};

    fn segment(rows: &[(&str, i64, Option<i64>)]) -> SegmentBytes {
        let mut builder = SegmentBuilder::new(&SCHEMA).unwrap();
        for &(id, at, n) in rows {
            let n = n.map_or(Value::Null, Value::Long);
            builder.push(&[Value::Text(id), Value::Text("odd"), Value::Timestamp(at), n, Value::Text("{}")]).unwrap();
        }
        SegmentBytes::open(builder.finish().unwrap().unwrap().bytes).unwrap()
    }

    #[test]
    fn row_groups_of_a_day_become_one_file_with_its_bounds() {
        let segments = [segment(&[("b", 7, Some(4)), ("x", DAY + 1, None)]), segment(&[("a", 3, None)])];
        assert_eq!(segments[0].days(&SCHEMA).unwrap(), [0, 1]);
        let files = encode(&SCHEMA, &segments, &[(0, 0), (1, 0)], 1 << 20).unwrap();
        assert_eq!(files.len(), 1);
        let file = describe(&SCHEMA, &files[0], "s3://b/f.parquet".to_owned(), 0, 0).unwrap();
        assert_eq!(file.record_count(), 2);
        assert_eq!(file.lower_bounds()[&1], Datum::string("a"));
        assert_eq!(file.upper_bounds()[&1], Datum::string("b"));
        assert_eq!(file.lower_bounds()[&3], Datum::timestamptz_micros(3));
        assert_eq!(file.upper_bounds()[&3], Datum::timestamptz_micros(7));
        assert_eq!((&file.upper_bounds()[&4], file.null_value_counts()[&4]), (&Datum::long(4), 1));
        assert!(!file.upper_bounds().contains_key(&5), "a document has no bounds");
    }

    #[test]
    fn a_file_that_has_reached_its_target_is_followed_by_the_next() {
        let segments = [segment(&[("a", 1, None)]), segment(&[("b", 2, None)])];
        let files = encode(&SCHEMA, &segments, &[(0, 0), (1, 0)], 1).unwrap();
        assert_eq!(files.len(), 2);
    }

    #[test]
    fn a_column_that_is_null_throughout_has_no_bounds() {
        let files = encode(&SCHEMA, &[segment(&[("a", 1, None)])], &[(0, 0)], 1 << 20).unwrap();
        let file = describe(&SCHEMA, &files[0], "f".to_owned(), 0, 0).unwrap();
        assert!(!file.lower_bounds().contains_key(&4));
    }
}
