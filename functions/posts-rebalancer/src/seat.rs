//! A partition's row of `posts_progress` at a shard: whoever works on the partition there takes it first, in the same
//! transaction, and so keeps out writers and movers with an older lease.

use anyhow::Context;
use domain::posts::{Partition, TOPIC};
use pg::Held;
use sqlx::{Executor, PgConnection, PgPool, Postgres};

use crate::record::Open;

/// What the row says, before anything is changed in it but its token and mark.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Seat {
    next_offset: i64,
    pub(crate) epoch: i64,
    topic_id: String,
    records: i64,
    duplicates: i64,
    dead_letters: i64,
}

/// Another mover has a newer lease.
#[derive(Debug, thiserror::Error)]
#[error("a mover with a newer lease has been here")]
pub(crate) struct Fenced;

/// What must not be so; trying again would not change it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Hopeless(pub(crate) String);

/// A transaction at a shard that holds the partition's row. One that is dropped, in the middle of a copy perhaps, ends with its
/// connection.
pub(crate) struct Taken {
    connection: Held,
    pub(crate) seat: Seat,
    partition: Partition,
}

/// Whether writers are kept away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Frozen,
    Thawed,
}

/// Begins a transaction at the shard behind `pool` that holds the partition's row. A shard that has none gets one: with the
/// epoch in which the partition is at the source, so nobody takes it for more than it is.
///
/// # Errors
/// [`Fenced`]; when the shard does not answer.
pub(crate) async fn take(pool: &PgPool, open: &Open, token: i64, mark: Mark) -> anyhow::Result<Taken> {
    let mut connection = Held::acquire(pool).await.context("reach the shard")?;
    connection.execute("begin").await.context("reach the shard")?;
    // Rows are not made twice by a writer and a mover, and an insert waits for a writer's transaction as an update does.
    let take = "insert into posts_progress as p (topic, partition, next_offset, epoch, frozen, move_token)
         values ($1, $2, 0, $3, $4, $5)
         on conflict (topic, partition) do update
            set frozen = excluded.frozen, move_token = excluded.move_token
            where p.move_token <= excluded.move_token
         returning next_offset, epoch, topic_id, records, duplicates, dead_letters";
    let take = sqlx::query_as(take).bind(TOPIC).bind(open.partition.number()).bind(open.from_epoch);
    let seat: Option<Seat> = take
        .bind(mark == Mark::Frozen)
        .bind(token)
        .fetch_optional(&mut *connection)
        .await
        .context("take the partition's row at the shard")?;
    Ok(Taken { connection, seat: seat.ok_or(Fenced)?, partition: open.partition })
}

impl Taken {
    /// Fails unless the partition is here in one of these epochs.
    pub(crate) fn expect_epoch(&self, expected: &[i64]) -> Result<(), Hopeless> {
        if expected.contains(&self.seat.epoch) {
            return Ok(());
        }
        let found = format!("partition {} is at the source in epoch {}", self.partition.number(), self.seat.epoch);
        Err(Hopeless(format!("{found}, expected {expected:?}")))
    }

    /// The partition is here, as far as it was there, in `epoch`, and may be written to.
    pub(crate) async fn admit(&mut self, there: &Seat, epoch: i64) -> anyhow::Result<()> {
        // All columns but those of moves themselves.
        let admit = "update posts_progress set next_offset = $3, topic_id = $4, records = $5, duplicates = $6,
                dead_letters = $7, epoch = $8, frozen = false, updated_at = now()
             where topic = $1 and partition = $2";
        let admit = sqlx::query(admit).bind(TOPIC).bind(self.partition.number()).bind(there.next_offset);
        let admit = admit.bind(&there.topic_id).bind(there.records).bind(there.duplicates).bind(there.dead_letters);
        self.execute(admit.bind(epoch)).await.context("admit the partition")
    }

    /// The partition has left in `epoch`, and may not be written to.
    pub(crate) async fn depart(&mut self, epoch: i64) -> anyhow::Result<()> {
        let depart = "update posts_progress set epoch = $3, frozen = true where topic = $1 and partition = $2";
        let depart = sqlx::query(depart).bind(TOPIC).bind(self.partition.number()).bind(epoch);
        self.execute(depart).await.context("tell the source that the partition has left")
    }

    /// The connection, for what is done under this row.
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Ends the transaction.
    pub(crate) async fn commit(mut self) -> anyhow::Result<()> {
        self.connection.execute("commit").await.context("commit at the shard")?;
        self.connection.give_back();
        Ok(())
    }

    async fn execute(
        &mut self,
        query: sqlx::query::Query<'_, Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<(), sqlx::Error> {
        self.connection.execute(query).await.map(|_| ())
    }
}
