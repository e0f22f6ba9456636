//! One shard's part of a batch, in one transaction: whose partitions may be written, what of them is new, the rows, and how far
//! each partition has come.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use domain::posts::{FIRST_EPOCH, Write};
use kit::crash::point;
use pg::Held;
use sqlx::{Connection, PgConnection, PgPool};

use crate::batch::{Group, Item, Rejection};
use crate::insert::{self, Mode};
use crate::{Writer, insert::Inserted};

/// Where tests die, in the order in which a transaction comes by.
pub const POINTS: [&str; 5] = [LOCKED, INSERTED, LETTERS_SENT, MOVED, COMMITTED];
const LOCKED: &str = "store.locked";
const INSERTED: &str = "store.inserted";
const LETTERS_SENT: &str = "store.letters-sent";
const MOVED: &str = "store.progress-moved";
const COMMITTED: &str = "store.committed";

/// One partition, for the shard that the map gives it to.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub group: &'a Group<'a>,
    /// Since when it is there, by the map.
    pub epoch: i64,
    /// The topic's id now.
    pub topic_id: &'a str,
}

/// What a transaction did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Positions of the parts that this shard does not take now: they are elsewhere by now, or on their way.
    pub refused: Vec<usize>,
    /// Rows that are new.
    pub rows: u64,
    /// Records that are settled by it, those that were settled before it included.
    pub records: u64,
    /// Records that went to the dead letters.
    pub letters: u64,
}

/// Who failed.
pub(crate) enum Failure {
    /// The shard.
    Shard(anyhow::Error),
    /// Kafka, which the transaction waited for.
    Kafka(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Shard(error)
    }
}

/// A row of `posts_progress`.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Seat {
    topic: String,
    partition: i32,
    next_offset: i64,
    epoch: i64,
    topic_id: String,
    frozen: bool,
}

type Seats = BTreeMap<(String, i32), Seat>;

/// What of a part is to be stored.
struct Share<'a> {
    part: Part<'a>,
    /// The progress that was found.
    found: i64,
    /// The progress after it.
    next: i64,
    writes: Vec<(&'a Write, &'a Item<'a>)>,
    rejected: Vec<(&'a Item<'a>, Rejection)>,
}

impl Writer {
    /// Stores the parts. Those of `Mode::Each` are stored write by write, and what the database refuses is a dead letter.
    ///
    /// # Errors
    /// When the shard or Kafka does not answer: nothing is stored then, or all of it and the next delivery finds that out.
    pub(crate) async fn store(&self, pool: &PgPool, parts: &[Part<'_>], mode: Mode<'_>) -> Result<Done, Failure> {
        let mut connection = Held::acquire(pool).await.context("begin")?;
        let mut transaction = connection.begin().await.context("begin")?;
        let seats = seats(&mut transaction, parts).await?;
        point(LOCKED);
        let mut done = Done::default();
        let mut shares = Vec::new();
        for (position, part) in parts.iter().enumerate() {
            let seat = seats.get(&(part.group.topic.to_owned(), part.group.number));
            match seat.filter(|seat| seat.epoch == part.epoch && !seat.frozen) {
                None => done.refused.push(position),
                Some(seat) => {
                    done.records += part.group.records.len() as u64;
                    shares.extend(self.share(*part, seat).await.map_err(Failure::Kafka)?);
                }
            }
        }
        if shares.is_empty() {
            transaction.rollback().await.context("leave")?;
            connection.give_back();
            return Ok(done);
        }
        let inserted = insert_all(&mut transaction, &mut shares, mode).await?;
        point(INSERTED);
        let letters: Vec<kafka::Message> = shares
            .iter()
            .flat_map(|share| &share.rejected)
            .map(|(item, why)| kafka::dead_letter_of(item.record, why.rule, &why.reason))
            .collect();
        (done.rows, done.letters) = (inserted.values().sum(), letters.len() as u64);
        // Before the progress moves: a crash between the two sends them a second time, and loses none.
        self.send_letters(letters).await.map_err(Failure::Kafka)?;
        advance(&mut transaction, &shares, &inserted).await?;
        point(MOVED);
        transaction.commit().await.context("commit")?;
        connection.give_back();
        point(COMMITTED);
        Ok(done)
    }

    /// What of the part is new; `None` when nothing is.
    async fn share<'a>(&self, part: Part<'a>, seat: &Seat) -> anyhow::Result<Option<Share<'a>>> {
        let same = seat.topic_id.is_empty() || seat.topic_id == part.topic_id;
        let from = if same { seat.next_offset } else { 0 };
        let mut share = Share { part, found: seat.next_offset, next: from, writes: Vec::new(), rejected: Vec::new() };
        let mut first = None;
        let mut last = None;
        for (offset, item) in part.group.records.range(from..) {
            first = first.or(Some(*offset));
            last = Some((*offset, item.record));
            match &item.read {
                Ok(write) => share.writes.push((write, item)),
                Err(why) => share.rejected.push((item, why.clone())),
            }
        }
        let (Some(first), Some((last, record))) = (first, last) else { return Ok(None) };
        // Records that do not continue the progress follow a hole (Kafka has such), or are of a topic that was deleted
        // meanwhile: then they are stored, and the progress is none of theirs.
        if first == from || self.is_of_this_topic(record).await? {
            share.next = last + 1;
        }
        Ok(Some(share))
    }

    /// Sends dead letters and waits for Kafka to have them.
    ///
    /// # Errors
    /// When Kafka does not.
    pub(crate) async fn send_letters(&self, letters: Vec<kafka::Message>) -> anyhow::Result<()> {
        if letters.is_empty() {
            return Ok(());
        }
        let producer = self.producer.get_or_try_init(|| async { kafka::Producer::new(&self.kafka) }).await?;
        producer.send_all(letters).await.context("send dead letters")?;
        point(LETTERS_SENT);
        Ok(())
    }
}

/// The parts' rows of `posts_progress`, locked in one order until the transaction ends. A row that is missing is made in the
/// first epoch only: in a later one the partition was elsewhere, and comes with its data by a move.
async fn seats(transaction: &mut PgConnection, parts: &[Part<'_>]) -> anyhow::Result<Seats> {
    let found = lock(transaction, parts).await?;
    let is_new = |part: &&Part<'_>| {
        part.epoch == FIRST_EPOCH && !found.contains_key(&(part.group.topic.to_owned(), part.group.number))
    };
    let new: Vec<&Part<'_>> = parts.iter().filter(is_new).collect();
    if new.is_empty() {
        return Ok(found);
    }
    sqlx::query(
        "insert into posts_progress (topic, partition, next_offset, epoch, topic_id)
         select topic, partition, 0, $3, topic_id from unnest($1::text[], $2::int[], $4::text[]) as new (topic, partition, topic_id)
         order by topic, partition on conflict do nothing",
    )
    .bind(new.iter().map(|part| part.group.topic).collect::<Vec<_>>())
    .bind(new.iter().map(|part| part.group.number).collect::<Vec<_>>())
    .bind(FIRST_EPOCH)
    .bind(new.iter().map(|part| part.topic_id).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await
    .context("begin with a partition")?;
    lock(transaction, parts).await
}

async fn lock(transaction: &mut PgConnection, parts: &[Part<'_>]) -> anyhow::Result<Seats> {
    let seats: Vec<Seat> = sqlx::query_as(
        "select topic, partition, next_offset, epoch, topic_id, frozen from posts_progress
         where (topic, partition) in (select * from unnest($1::text[], $2::int[]))
         order by topic, partition for update",
    )
    .bind(parts.iter().map(|part| part.group.topic).collect::<Vec<_>>())
    .bind(parts.iter().map(|part| part.group.number).collect::<Vec<_>>())
    .fetch_all(&mut *transaction)
    .await
    .context("read how far the partitions have come")?;
    Ok(seats.into_iter().map(|seat| ((seat.topic.clone(), seat.partition), seat)).collect())
}

/// Stores the shares' writes; what the database refuses becomes a rejection.
async fn insert_all(
    transaction: &mut PgConnection,
    shares: &mut [Share<'_>],
    mode: Mode<'_>,
) -> anyhow::Result<Inserted> {
    let all: Vec<&Write> = shares.iter().flat_map(|share| &share.writes).map(|(write, _)| *write).collect();
    let (inserted, refused) = insert::all(transaction, &all, mode).await?;
    if refused.is_empty() {
        return Ok(inserted);
    }
    let mut position = 0;
    for share in shares {
        let kept: BTreeSet<usize> = (position..position + share.writes.len()).collect();
        for (at, reason) in refused.iter().filter(|(at, _)| kept.contains(at)) {
            let Some((_, item)) = share.writes.get(at - position) else { continue };
            share.rejected.push((item, Rejection { rule: "database", reason: reason.clone() }));
        }
        position += share.writes.len();
    }
    Ok(inserted)
}

/// Moves the progress of each share, if it is still what was found.
async fn advance(transaction: &mut PgConnection, shares: &[Share<'_>], inserted: &Inserted) -> anyhow::Result<()> {
    let of = |share: &Share<'_>| {
        let rows = i64::try_from(inserted.get(&share.part.group.number).copied().unwrap_or(0)).unwrap_or(i64::MAX);
        let letters = i64::try_from(share.rejected.len()).unwrap_or(i64::MAX);
        let all = share.writes.len() + share.rejected.iter().filter(|(item, _)| item.read.is_err()).count();
        (rows, i64::try_from(all).unwrap_or(i64::MAX) - rows - letters, letters)
    };
    let counts: Vec<(i64, i64, i64)> = shares.iter().map(of).collect();
    let moved = sqlx::query(
        "update posts_progress as p
         set next_offset = new.next_offset, topic_id = new.topic_id, updated_at = now(), records = p.records + new.records,
             duplicates = p.duplicates + new.duplicates, dead_letters = p.dead_letters + new.dead_letters
         from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[],
                     $9::bigint[])
              as new (topic, partition, found, next_offset, epoch, topic_id, records, duplicates, dead_letters)
         where p.topic = new.topic and p.partition = new.partition and p.next_offset = new.found and p.epoch = new.epoch
           and not p.frozen",
    )
    .bind(shares.iter().map(|share| share.part.group.topic).collect::<Vec<_>>())
    .bind(shares.iter().map(|share| share.part.group.number).collect::<Vec<_>>())
    .bind(shares.iter().map(|share| share.found).collect::<Vec<_>>())
    .bind(shares.iter().map(|share| share.next).collect::<Vec<_>>())
    .bind(shares.iter().map(|share| share.part.epoch).collect::<Vec<_>>())
    .bind(shares.iter().map(|share| share.part.topic_id).collect::<Vec<_>>())
    .bind(counts.iter().map(|count| count.0).collect::<Vec<_>>())
    .bind(counts.iter().map(|count| count.1).collect::<Vec<_>>())
    .bind(counts.iter().map(|count| count.2).collect::<Vec<_>>())
    .execute(&mut *transaction)
    .await
    .context("move the partitions' progress")?;
    // The rows are locked, so nobody can have changed them.
    anyhow::ensure!(moved.rows_affected() == shares.len() as u64, "another writer has moved a partition's progress");
    Ok(())
}
