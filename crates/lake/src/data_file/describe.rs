//! What a manifest says about a stored file.

use std::collections::HashMap;

use anyhow::Context;
use iceberg::spec::{DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, Literal, Struct};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;

use crate::schema::{ColumnType, TableSchema, field_id};

/// A finished file, as far as its Parquet footer does not tell.
pub(crate) struct Finished {
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Days since 1970.
    pub day: i32,
    pub partition_spec_id: i32,
}

/// The manifest's entry of a stored file.
pub(crate) fn describe(
    schema: &TableSchema,
    metadata: &ParquetMetaData,
    finished: Finished,
) -> anyhow::Result<DataFile> {
    let metrics = Metrics::of(schema, metadata);
    let groups = metadata.row_groups();
    DataFileBuilder::default()
        .content(DataContentType::Data)
        .file_path(finished.path)
        .file_format(DataFileFormat::Parquet)
        .partition(Struct::from_iter([Some(Literal::date(finished.day))]))
        .partition_spec_id(finished.partition_spec_id)
        .record_count(u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0))
        .file_size_in_bytes(finished.size)
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
        (ColumnType::Double, Statistics::Double(of)) => {
            Some((Datum::double(*of.min_opt()?), Datum::double(*of.max_opt()?)))
        }
        (ColumnType::Bool, Statistics::Boolean(of)) => Some((Datum::bool(*of.min_opt()?), Datum::bool(*of.max_opt()?))),
        // Parquet has shortened these already where they were long, the upper bound upwards.
        (ColumnType::Text, Statistics::ByteArray(of)) => Some((
            Datum::string(std::str::from_utf8(of.min_opt()?.data()).ok()?),
            Datum::string(std::str::from_utf8(of.max_opt()?.data()).ok()?),
        )),
        _ => None,
    }
}
