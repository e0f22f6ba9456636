//! Rows as they leave this crate: plain values, no Arrow.

use anyhow::Context;
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};

use crate::schema::{ColumnType, TableSchema};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum OwnedValue {
    /// Text or a document.
    Text(String),
    /// 64-bit and 32-bit integers.
    Long(i64),
    /// 64-bit floating point.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// Microseconds since 1970.
    Timestamp(i64),
    /// No value.
    Null,
}

/// One row: a value a column, in the schema's order.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<OwnedValue>);

impl Row {
    /// The text of a column.
    pub fn text(&self, position: usize) -> Option<&str> {
        match self.0.get(position) {
            Some(OwnedValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The integer of a column.
    pub fn long(&self, position: usize) -> Option<i64> {
        match self.0.get(position) {
            Some(OwnedValue::Long(number)) => Some(*number),
            _ => None,
        }
    }

    /// The truth of a column.
    pub fn bool(&self, position: usize) -> Option<bool> {
        match self.0.get(position) {
            Some(OwnedValue::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// The timestamp of a column, microseconds since 1970.
    pub fn timestamp(&self, position: usize) -> Option<i64> {
        match self.0.get(position) {
            Some(OwnedValue::Timestamp(micros)) => Some(*micros),
            _ => None,
        }
    }

    /// About the bytes of its values.
    pub(crate) fn size(&self) -> usize {
        let text = |value: &OwnedValue| if let OwnedValue::Text(text) = value { text.len() } else { 0 };
        self.0.iter().map(|value| size_of::<OwnedValue>() + text(value)).sum()
    }

    pub(crate) fn read(schema: &TableSchema, batch: &RecordBatch, row: usize) -> anyhow::Result<Self> {
        let values = schema.columns.iter().enumerate().map(|(position, column)| {
            let array = batch.columns().get(position).context("a file lacks a column")?;
            if array.is_null(row) {
                return Ok(OwnedValue::Null);
            }
            let value = match column.kind {
                ColumnType::Text | ColumnType::Document => {
                    array.as_string_opt::<i32>().map(|array| OwnedValue::Text(array.value(row).to_owned()))
                }
                ColumnType::Long => {
                    array.as_primitive_opt::<Int64Type>().map(|array| OwnedValue::Long(array.value(row)))
                }
                ColumnType::Int => {
                    array.as_primitive_opt::<Int32Type>().map(|array| OwnedValue::Long(array.value(row).into()))
                }
                ColumnType::Double => {
                    array.as_primitive_opt::<Float64Type>().map(|array| OwnedValue::Double(array.value(row)))
                }
                ColumnType::Bool => array.as_boolean_opt().map(|array| OwnedValue::Bool(array.value(row))),
                ColumnType::Timestamp => array
                    .as_primitive_opt::<TimestampMicrosecondType>()
                    .map(|array| OwnedValue::Timestamp(array.value(row))),
            };
            value.with_context(|| format!("column {} has another type in a file", column.name))
        });
        Ok(Self(values.collect::<anyhow::Result<_>>()?))
    }
}
