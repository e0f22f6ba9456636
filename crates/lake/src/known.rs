//! What Postgres knows of a topic's name: the staged watermarks of each incarnation that the topic has had.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use domain::lake::incarnation::{Incarnation, former_id};
use domain::lake::{Source, Watermarks};
use sqlx::{PgConnection, Row};

use crate::Lake;

/// How long after its last staging batches of an incarnation may still come. Lambda asks for a batch again within the
/// records' age that the mapping allows, which is less.
const RECENT_SECONDS: f64 = 24.0 * 3600.0;

/// The staged watermarks of all incarnations of some topics, as of one moment; made by [`Lake::known`].
#[derive(Debug, Clone, Default)]
pub struct Known {
    watermarks: Watermarks,
    /// By topic: the incarnations, in the order in which anything of them was first staged.
    topics: BTreeMap<String, Vec<Staged>>,
}

#[derive(Debug, Clone)]
struct Staged {
    cluster_id: String,
    topic_id: String,
    recent: bool,
}

/// A topic's name, and how many incarnations of it are known.
pub(crate) type Incarnations = BTreeMap<String, i64>;

impl Lake {
    /// Reads what is staged of these topics, by name: of the current incarnations, and of all that were before.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn known(&self, topics: &[&str]) -> anyhow::Result<Known> {
        let rows = sqlx::query(
            "select cluster_id, topic_id, partition, topic, next_offset,
                    updated_at > now() - make_interval(secs => $3) as recent
               from lake_watermarks where table_name = $1 and topic = any($2) order by first_staged_at, topic_id",
        )
        .bind(&self.table_name)
        .bind(topics)
        .bind(RECENT_SECONDS)
        .fetch_all(&self.pool)
        .await
        .context("read the staged watermarks")?;
        let mut known = Known::default();
        for row in rows {
            known.add(&row).context("read a staged watermark")?;
        }
        Ok(known)
    }
}

impl Known {
    fn add(&mut self, row: &sqlx::postgres::PgRow) -> sqlx::Result<()> {
        let source = Source {
            cluster_id: row.try_get("cluster_id")?,
            topic_id: row.try_get("topic_id")?,
            partition: row.try_get("partition")?,
        };
        let recent: bool = row.try_get("recent")?;
        let staged = self.topics.entry(row.try_get("topic")?).or_default();
        let same = |of: &&mut Staged| of.cluster_id == source.cluster_id && of.topic_id == source.topic_id;
        if let Some(of) = staged.iter_mut().find(same) {
            of.recent |= recent;
        } else {
            let (cluster_id, topic_id) = (source.cluster_id.clone(), source.topic_id.clone());
            staged.push(Staged { cluster_id, topic_id, recent });
        }
        self.watermarks.insert(source, row.try_get("next_offset")?);
        Ok(())
    }

    /// The staged watermark of a partition; `None` when nothing of it was staged.
    pub fn watermark(&self, source: &Source) -> Option<i64> {
        self.watermarks.get(source).copied()
    }

    /// Of `current`'s partition: the incarnation of `topic` that `current` names, and the one before it.
    pub fn incarnations(&self, topic: &str, current: &Source) -> (Incarnation, Option<Incarnation>) {
        let all = || self.topics.get(topic).into_iter().flatten().filter(|of| of.cluster_id == current.cluster_id);
        let incarnation = |topic_id: String| Incarnation {
            watermark: self.watermark(&Source { topic_id: topic_id.clone(), ..current.clone() }),
            recent: all().any(|of| of.topic_id == topic_id && of.recent),
            topic_id,
        };
        let ids: Vec<String> = all().map(|of| of.topic_id.clone()).collect();
        (incarnation(current.topic_id.clone()), former_id(&current.topic_id, &ids).map(incarnation))
    }

    /// How many incarnations of these topics are known.
    pub(crate) fn count(&self, topics: BTreeSet<&str>) -> Incarnations {
        let count = |topic: &str| self.topics.get(topic).map_or(0, Vec::len);
        topics.into_iter().map(|topic| (topic.to_owned(), i64::try_from(count(topic)).unwrap_or(i64::MAX))).collect()
    }
}

/// Whether no other incarnation of these topics was staged since: when the first records of a partition are registered,
/// they may be of a topic that somebody else staged meanwhile under another id. Until the transaction ends nobody else
/// stages the first of a partition of these topics.
pub(crate) async fn unchanged(
    transaction: &mut PgConnection,
    table: &str,
    incarnations: &Incarnations,
) -> anyhow::Result<bool> {
    for (topic, expected) in incarnations {
        sqlx::query("select pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))")
            .bind(table)
            .bind(topic)
            .execute(&mut *transaction)
            .await
            .context("lock a topic's incarnations")?;
        let found: i64 = sqlx::query_scalar(
            "select count(distinct (cluster_id, topic_id)) from lake_watermarks where table_name = $1 and topic = $2",
        )
        .bind(table)
        .bind(topic)
        .fetch_one(&mut *transaction)
        .await
        .context("count a topic's incarnations")?;
        if found != *expected {
            return Ok(false);
        }
    }
    Ok(true)
}
