//! Where each partition stands: which topic it is of, how far the stage has come, and what is pending.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use domain::numbers::Fault;
use kafka::{Found, TopicIdentity};
use kit::kafka::Record;
use sha2::{Digest, Sha256};

use crate::Runner;
use crate::batch::Group;
use crate::session::Session;

/// One partition.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub cluster_id: String,
    pub topic_id: String,
    pub partition: i32,
    /// The stage wants this offset next.
    pub next_offset: i64,
    /// The batch that is stored and not known to be published.
    pub pending: Option<i64>,
    /// The lock's key.
    pub key: i64,
}

/// What this process has last done: where a batch goes on from there, nobody has to be asked. An error forgets it.
#[derive(Default)]
pub(crate) struct Seats(Mutex<HashMap<(String, i32), Seat>>);

impl Seats {
    /// The seat of a group that goes on where the last one ended.
    pub(crate) fn of(&self, group: &Group<'_>) -> Option<Seat> {
        let seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seats.get(&(group.topic.to_owned(), group.partition)).filter(|seat| seat.next_offset == group.first()).cloned()
    }

    pub(crate) fn remember(&self, topic: &str, seat: Seat) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((topic.to_owned(), seat.partition), seat);
    }

    pub(crate) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Runner {
    /// Which topic a name means now; the broker is asked.
    pub(crate) async fn identify(&self, topic: &str) -> anyhow::Result<TopicIdentity> {
        let identifier = self.identifier.get_or_try_init(|| async { kafka::Identifier::new(&self.kafka) }).await?;
        identifier.identify(topic).await
    }

    /// Takes a partition's lock, and reads where it stands; `None` when another session has it.
    pub(crate) async fn sit(
        &self,
        session: &mut Session,
        group: &Group<'_>,
        identity: &TopicIdentity,
    ) -> anyhow::Result<Option<Seat>> {
        let TopicIdentity { cluster_id, topic_id } = identity.clone();
        let number = i16::from(self.stage.number);
        let key = lock_of(number, &cluster_id, &topic_id, group.partition);
        let held: bool = sqlx::query_scalar("select pg_try_advisory_lock($1)")
            .bind(key)
            .fetch_one(session.connection()?)
            .await
            .context("lock a partition")?;
        if !held {
            return Ok(None);
        }
        // A statement of its own, begun when the lock is held, sees all that its last holder did.
        let (next_offset, pending): (i64, Option<i64>) = sqlx::query_as(
            "with made as (
                 insert into number_progress (stage, cluster_id, topic_id, partition, topic, next_offset)
                 values ($1, $2, $3, $4, $5, 0) on conflict do nothing
                 returning next_offset, pending)
             select * from made
             union all
             select next_offset, pending from number_progress
             where stage = $1 and cluster_id = $2 and topic_id = $3 and partition = $4",
        )
        .bind(number)
        .bind(&cluster_id)
        .bind(&topic_id)
        .bind(group.partition)
        .bind(group.topic)
        .fetch_one(session.connection()?)
        .await
        .context("read a partition's progress")?;
        Ok(Some(Seat { cluster_id, topic_id, partition: group.partition, next_offset, pending, key }))
    }

    /// Why the group's records are none of this topic; `None` when they are. Records that do not go on where the progress ends
    /// follow a hole, which Kafka has, or are of a topic that was deleted and made again since they were read.
    pub(crate) async fn foreign(&self, seat: &Seat, group: &Group<'_>) -> anyhow::Result<Option<Fault>> {
        let last: Option<&&Record> = group.records.values().next_back();
        let Some(record) = last.filter(|_| group.first() > seat.next_offset) else { return Ok(None) };
        let lookup = self.lookup.get_or_try_init(|| async { kafka::Lookup::new(&self.kafka) }).await?;
        let is_there = match lookup.at(group.topic, group.partition, record.offset).await? {
            Found::Record { key, value, .. } => key == record.key && value == record.value,
            Found::Gone => true,
            Found::Beyond => false,
        };
        let reason = || "the topic was deleted and made again, and has another record at this offset, or none";
        Ok((!is_there).then(|| Fault { rule: "topic", reason: reason().to_owned() }))
    }
}

/// The key of the advisory lock that the owner of a partition holds: 64 bits of a hash.
#[must_use]
pub fn lock_of(stage: i16, cluster_id: &str, topic_id: &str, partition: i32) -> i64 {
    let hash = Sha256::digest(format!("numbers {stage} {cluster_id} {topic_id} {partition}"));
    hash.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_of_each_stage_has_a_lock_of_its_own() {
        let mut keys: Vec<i64> = (1..6)
            .flat_map(|stage| (0..8).flat_map(move |partition| ["a", "b"].map(|id| lock_of(stage, "c", id, partition))))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 80);
    }
}
