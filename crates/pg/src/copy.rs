//! Many rows at once by `COPY ... FROM STDIN (FORMAT binary)`, and the connection that it needs.

use std::ops::{Deref, DerefMut};

use anyhow::Context;
use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use uuid::Uuid;

/// Signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of a number of values: there are no more rows.
const END: i16 = -1;
/// Postgres counts microseconds from the year 2000 on, Unix from 1970 on.
const EPOCH: DateTime<Utc> = match DateTime::from_timestamp(946_684_800, 0) {
    Some(epoch) => epoch,
    None => DateTime::UNIX_EPOCH,
};
/// Bytes of a message: sqlx copies each into its buffer, which keeps the size of the largest.
const CHUNK: usize = 1 << 17;

/// One value of a row, by its type in the database, which must be the column's: the binary form has no casts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// `uuid`.
    Uuid(Uuid),
    /// `text` and `varchar`.
    Text(&'a str),
    /// `timestamptz`; what is less than a microsecond is cut off, as sqlx does.
    Time(DateTime<Utc>),
    /// `integer`.
    Int(i32),
}

/// Rows in the binary form of `COPY`.
#[derive(Debug, Clone)]
pub struct CopyRows {
    bytes: Vec<u8>,
}

impl Default for CopyRows {
    fn default() -> Self {
        Self { bytes: HEADER.to_vec() }
    }
}

impl CopyRows {
    /// Adds a row.
    ///
    /// # Errors
    /// When there are more values, or a value is longer, than the form can say (32,767 and 2 GiB).
    pub fn push(&mut self, values: &[Value<'_>]) -> anyhow::Result<()> {
        let count = i16::try_from(values.len()).context("a row to be copied: expected at most 32767 values")?;
        self.bytes.extend(count.to_be_bytes());
        values.iter().try_for_each(|value| match value {
            Value::Uuid(id) => self.value(id.as_bytes()),
            Value::Text(text) => self.value(text.as_bytes()),
            Value::Time(at) => self.value(&micros(*at).to_be_bytes()),
            Value::Int(number) => self.value(&number.to_be_bytes()),
        })
    }

    fn value(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let length = i32::try_from(bytes.len()).context("a value to be copied: expected less than 2 GiB")?;
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(bytes);
        Ok(())
    }

    /// Copies them by `statement`, a `copy <table> (<columns>) from stdin (format binary)`; returns how many rows the database
    /// has taken. A refusal leaves the connection usable, and its transaction to be rolled back to a savepoint. A future that is
    /// dropped leaves it unusable: see [`Held`].
    ///
    /// # Errors
    /// When the database refuses a row (then it takes none) or does not answer.
    pub async fn copy(mut self, connection: &mut PgConnection, statement: &str) -> Result<u64, sqlx::Error> {
        self.bytes.extend(END.to_be_bytes());
        let mut copy = connection.copy_in_raw(statement).await?;
        for chunk in self.bytes.chunks(CHUNK) {
            copy.send(chunk).await?;
        }
        copy.finish().await
    }
}

/// Chrono's years are fewer than what 64 bits of microseconds hold.
fn micros(at: DateTime<Utc>) -> i64 {
    at.signed_duration_since(EPOCH).num_microseconds().unwrap_or(i64::MAX)
}

/// A connection of a pool that is closed when it is dropped, unless it is given back. sqlx does not count the answers to a
/// `COPY`: with a future that was dropped while one was awaited, the connection takes each answer for that to the next
/// statement, that of `commit` among them.
#[derive(Debug)]
pub struct Held {
    connection: PoolConnection<Postgres>,
    is_whole: bool,
}

impl Held {
    /// Takes one from the pool.
    ///
    /// # Errors
    /// As [`PgPool::acquire`].
    pub async fn acquire(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: pool.acquire().await?, is_whole: false })
    }

    /// Gives it back to its pool. All that was asked of it has been answered.
    pub fn give_back(mut self) {
        self.is_whole = true;
    }
}

impl Deref for Held {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.is_whole {
            self.connection.close_on_drop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_number_of_its_values_and_each_value_behind_its_length() {
        let mut rows = CopyRows::default();
        let at = DateTime::from_timestamp(946_684_800, 1_999).unwrap();
        rows.push(&[Value::Int(-2), Value::Text("ä\0"), Value::Time(at), Value::Uuid(Uuid::from_u128(7))]).unwrap();
        rows.push(&[Value::Text("")]).unwrap();
        let expected: Vec<u8> = [
            b"PGCOPY\n\xff\r\n\0".as_slice(),
            &[0; 8],
            &[0, 4],
            &[0, 0, 0, 4, 255, 255, 255, 254],
            &[0, 0, 0, 3, 0xc3, 0xa4, 0],
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
            &[0, 1, 0, 0, 0, 0],
        ]
        .concat();
        assert_eq!(rows.bytes, expected);
    }

    #[test]
    fn times_are_counted_from_2000_on() {
        for (text, expected) in [
            ("2000-01-01T00:00:00Z", 0),
            ("1999-12-31T23:59:59.999999Z", -1),
            ("1970-01-01T00:00:00Z", -946_684_800_000_000),
            ("2026-11-21T17:14:00.123456Z", 848_596_440_123_456),
        ] {
            assert_eq!(micros(text.parse().unwrap()), expected, "{text}");
        }
        assert!(micros(DateTime::<Utc>::MIN_UTC) < 0 && micros(DateTime::<Utc>::MAX_UTC) < i64::MAX);
    }
}
