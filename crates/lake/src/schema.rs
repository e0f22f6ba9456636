//! A table's shape as data: GitHub's is one, a bench's another.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef as ArrowSchemaRef, TimeUnit};
use iceberg::spec::{NestedField, PrimitiveType, Schema, Transform, Type, UnboundPartitionSpec};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

/// The types a column can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// Large text that nobody compares (a payload): no dictionary, no statistics.
    Document,
    /// 64-bit integer.
    Long,
    /// 32-bit integer.
    Int,
    /// 64-bit floating point.
    Double,
    /// True or false.
    Bool,
    /// Microseconds since 1970, with time zone UTC.
    Timestamp,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in every engine.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Whether each row has a value.
    pub required: bool,
}

impl Column {
    /// A column that each row fills.
    pub const fn required(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind, required: true }
    }

    /// A column that may be null.
    pub const fn optional(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind, required: false }
    }
}

/// A table's columns. A column's Iceberg field id is its position + 1, so columns are only ever added at the end.
#[derive(Debug, Clone, Copy)]
pub struct TableSchema {
    /// The columns, in order.
    pub columns: &'static [Column],
    /// Position of the required [`ColumnType::Timestamp`] column by whose day the table is partitioned, and by which
    /// queries order.
    pub time: usize,
    /// Position of the required column that identifies a row; queries take [`ColumnType::Text`] only.
    pub key: usize,
}

/// An Iceberg field id of a column's position.
pub(crate) fn field_id(position: usize) -> i32 {
    i32::try_from(position).map_or(i32::MAX, |position| position + 1)
}

impl TableSchema {
    /// The column's name, empty for a position that does not exist.
    pub(crate) fn name(&self, position: usize) -> &'static str {
        self.columns.get(position).map_or("", |column| column.name)
    }

    /// As Arrow, with the field ids that Iceberg reads from Parquet.
    pub(crate) fn arrow(&self) -> ArrowSchemaRef {
        let fields = self.columns.iter().enumerate().map(|(position, column)| {
            let kind = match column.kind {
                ColumnType::Text | ColumnType::Document => DataType::Utf8,
                ColumnType::Long => DataType::Int64,
                ColumnType::Int => DataType::Int32,
                ColumnType::Double => DataType::Float64,
                ColumnType::Bool => DataType::Boolean,
                ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
            };
            let id = HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), field_id(position).to_string())]);
            Field::new(column.name, kind, !column.required).with_metadata(id)
        });
        Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
    }

    /// As Iceberg.
    pub(crate) fn iceberg(&self) -> anyhow::Result<Schema> {
        let fields = self.columns.iter().enumerate().map(|(position, column)| {
            let kind = Type::Primitive(match column.kind {
                ColumnType::Text | ColumnType::Document => PrimitiveType::String,
                ColumnType::Long => PrimitiveType::Long,
                ColumnType::Int => PrimitiveType::Int,
                ColumnType::Double => PrimitiveType::Double,
                ColumnType::Bool => PrimitiveType::Boolean,
                ColumnType::Timestamp => PrimitiveType::Timestamptz,
            });
            Arc::new(NestedField::new(field_id(position), column.name, kind, column.required))
        });
        Schema::builder().with_fields(fields).build().context("build the table's schema")
    }

    /// Partitioned by day of the time column.
    pub(crate) fn partitioning(&self) -> anyhow::Result<UnboundPartitionSpec> {
        let name = format!("{}_day", self.name(self.time));
        Ok(UnboundPartitionSpec::builder()
            // A REST catalog refuses a specification without a number.
            .with_spec_id(0)
            .add_partition_field(field_id(self.time), name, Transform::Day)
            .context("build the table's partitioning")?
            .build())
    }

    /// Refuses a table in a catalog whose columns are not ours: what is written by position must be read by id.
    pub(crate) fn check(&self, table: &Schema) -> anyhow::Result<()> {
        let ours = self.iceberg()?;
        for field in ours.as_struct().fields() {
            let theirs = table.field_by_id(field.id);
            anyhow::ensure!(
                theirs.is_some_and(|theirs| theirs.name == field.name && theirs.field_type == field.field_type),
                "the table's column {} does not match: expected {} {}, found {theirs:?}",
                field.id,
                field.name,
                field.field_type
            );
        }
        Ok(())
    }
}

/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

/// Days since 1970 of a timestamp in microseconds, as Iceberg's `day` transform has it.
pub(crate) fn day_of(micros: i64) -> i32 {
    i32::try_from(micros.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_floored() {
        assert_eq!(day_of(0), 0);
        assert_eq!(day_of(-1), -1);
        assert_eq!(day_of(DAY_MICROS), 1);
    }
}
