//! The binary form against a real Postgres, and what becomes of a connection.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::time::Duration;

use chrono::{DateTime, Utc};
use pg::{CopyRows, Held, Value, testing};
use proptest::prelude::*;
use proptest::{strategy::ValueTree, test_runner::TestRunner};
use sqlx::Connection;
use uuid::Uuid;

type Row = (i32, Uuid, String, DateTime<Utc>);

const TABLE: &str = "create table rows (n integer primary key, id uuid, content text, at timestamptz)";
const COPY: &str = "copy rows (n, id, content, at) from stdin (format binary)";

fn encode<'a>(rows: impl IntoIterator<Item = &'a Row>) -> CopyRows {
    let mut encoded = CopyRows::default();
    for (n, id, content, at) in rows {
        encoded.push(&[Value::Int(*n), Value::Uuid(*id), Value::Text(content), Value::Time(*at)]).unwrap();
    }
    encoded
}

fn row(n: i32, content: &str) -> Row {
    (n, Uuid::from_u128(u128::from(n.unsigned_abs())), content.to_owned(), DateTime::UNIX_EPOCH)
}

#[tokio::test]
async fn what_is_copied_is_read_again() {
    let db = testing::database().await;
    sqlx::query(TABLE).execute(&db.pool).await.unwrap();
    // Micros of the years 1970 to 9999.
    let some = (any::<u128>(), "[^\\x00]{0,300}", 0..253_402_300_800_000_000_i64);
    let cases = prop::collection::vec(some, 300).new_tree(&mut TestRunner::default()).unwrap().current();
    let rows: Vec<Row> = (i32::MIN..)
        .zip(cases)
        .map(|(n, (id, content, micros))| {
            (n, Uuid::from_u128(id), content, DateTime::from_timestamp_micros(micros).unwrap())
        })
        .chain(
            ["", "'", "\"", "\\", "\\N", "\\.", "a\nb\r\n\tc", "😀 ä", "-- ;", &"x".repeat(300_000)]
                .iter()
                .zip(0..)
                .map(|(content, n)| row(n, content)),
        )
        .collect();
    let mut held = Held::acquire(&db.pool).await.unwrap();
    assert_eq!(encode(&rows).copy(&mut held, COPY).await.unwrap(), rows.len() as u64);
    assert_eq!(CopyRows::default().copy(&mut held, COPY).await.unwrap(), 0);
    held.give_back();
    let found: Vec<Row> =
        sqlx::query_as("select n, id, content, at from rows order by n").fetch_all(&db.pool).await.unwrap();
    assert_eq!(found, rows);
    db.drop_database().await;
}

#[tokio::test]
async fn a_refusal_is_rolled_back_to_a_savepoint_and_says_why() {
    let db = testing::database().await;
    sqlx::query(TABLE).execute(&db.pool).await.unwrap();
    let mut held = Held::acquire(&db.pool).await.unwrap();
    let mut transaction = held.begin().await.unwrap();
    encode(&[row(1, "first")]).copy(&mut transaction, COPY).await.unwrap();
    for (rows, code) in [(vec![row(2, ""), row(1, "")], "23505"), (vec![row(2, ""), row(3, "\0")], "22021")] {
        let mut savepoint = transaction.begin().await.unwrap();
        let error = encode(&rows).copy(&mut savepoint, COPY).await.unwrap_err();
        savepoint.rollback().await.unwrap();
        assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some(code));
    }
    assert!(encode(&[]).copy(&mut transaction, "copy nowhere from stdin").await.is_err());
    transaction.rollback().await.unwrap();
    let mut transaction = held.begin().await.unwrap();
    assert_eq!(encode(&[row(1, "again")]).copy(&mut transaction, COPY).await.unwrap(), 1);
    transaction.commit().await.unwrap();
    held.give_back();
    let found: String = sqlx::query_scalar("select content from rows").fetch_one(&db.pool).await.unwrap();
    assert_eq!(found, "again");
    db.drop_database().await;
}

#[tokio::test]
async fn a_connection_whose_copy_was_dropped_is_not_used_again() {
    let db = testing::database().await;
    sqlx::query(TABLE).execute(&db.pool).await.unwrap();
    let mut before = db.pool.begin().await.unwrap();
    sqlx::query("insert into rows (n) values (1)").execute(&mut *before).await.unwrap();
    let mut held = Held::acquire(&db.pool).await.unwrap();
    let process: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut *held).await.unwrap();
    let copy = async {
        let mut transaction = held.begin().await.unwrap();
        // It waits for the other transaction, which has this key.
        encode(&[row(1, "")]).copy(&mut transaction, COPY).await
    };
    // The deadline drops it.
    assert!(tokio::time::timeout(Duration::from_millis(300), copy).await.is_err());
    drop(held);
    before.rollback().await.unwrap();
    let ended = async {
        let here = "select exists (select from pg_stat_activity where pid = $1)";
        while sqlx::query_scalar(here).bind(process).fetch_one(&db.pool).await.unwrap() {
            // Short of the deadline, look again.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from rows").fetch_one(&db.pool).await.unwrap();
    assert_eq!(rows, 0);
    db.drop_database().await;
}
