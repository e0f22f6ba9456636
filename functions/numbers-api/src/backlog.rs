//! How far a stage is behind its topic: in records, and in seconds of the oldest.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use kafka::{
    Found, Identifier, Lookup,
    admin::{Inspector, PartitionState},
};
use kit::http::Problem;
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

/// How long Kafka may take for one topic.
const LIMIT: Duration = Duration::from_secs(10);

/// Partitions whose oldest record is looked at.
const LOOKED_AT: usize = 32;

/// What a stage has not done yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Backlog {
    /// Records of all partitions.
    pub(crate) records: i64,
    /// Age of the oldest of them; 0 without any, absent when it cannot be read.
    pub(crate) oldest_seconds: Option<f64>,
}

/// Asks Kafka and Postgres.
pub(crate) struct Backlogs {
    inspector: Inspector,
    identifier: Identifier,
    lookup: Lookup,
}

/// A partition with records that are not done: the first of them, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Behind {
    partition: i32,
    next: i64,
    records: i64,
}

impl Backlogs {
    pub(crate) fn new(kafka: &kafka::Config) -> anyhow::Result<Self> {
        Ok(Self {
            inspector: Inspector::new(kafka, "numbers-api")?,
            identifier: Identifier::new(kafka)?,
            lookup: Lookup::new(kafka)?,
        })
    }

    /// Whether Kafka answers and has the topic.
    pub(crate) async fn knows(&self, topic: &str) -> anyhow::Result<()> {
        tokio::time::timeout(LIMIT, self.identifier.identify(topic))
            .await
            .map_err(anyhow::Error::from)
            .flatten()
            .map(drop)
    }

    /// That of the stage that reads `topic`; `None` when there is no such topic.
    pub(crate) async fn of(
        &self,
        pool: &PgPool,
        stage: i16,
        topic: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Backlog>, Problem> {
        let away = |error: anyhow::Error| Problem::away("Kafka cannot be asked how long the topics are", &error);
        let asked = tokio::time::timeout(LIMIT, self.inspector.partitions(topic)).await;
        let states = asked.map_err(anyhow::Error::from).flatten().map_err(away)?;
        let Some(states) = states else { return Ok(None) };
        let identity = self.identifier.identify(topic).await.map_err(away)?;
        let done = sqlx::query_as::<_, (i32, i64)>(
            "select partition, next_offset from number_progress where stage = $1 and cluster_id = $2 and topic_id = $3",
        );
        let done = done.bind(stage).bind(identity.cluster_id).bind(identity.topic_id).fetch_all(pool).await;
        let behind = behind(&states, &done.map_err(crate::away)?.into_iter().collect());
        let records = behind.iter().map(|one| one.records).sum();
        let mut oldest = None;
        for one in behind.iter().take(LOOKED_AT) {
            // What cannot be read now says nothing of the others.
            let Ok(Ok(found)) = tokio::time::timeout(LIMIT, self.lookup.at(topic, one.partition, one.next)).await
            else {
                continue;
            };
            if let Found::Record { timestamp_ms: Some(at), .. } = found {
                oldest = Some(oldest.map_or(at, |oldest: i64| oldest.min(at)));
            }
        }
        Ok(Some(Backlog { records, oldest_seconds: age(records, oldest, now) }))
    }
}

/// Where a stage that came to `done` has something left. What retention has removed is not left.
fn behind(states: &[PartitionState], done: &BTreeMap<i32, i64>) -> Vec<Behind> {
    let of = |state: &PartitionState| {
        let next = done.get(&state.partition).copied().unwrap_or(state.low).max(state.low);
        Behind { partition: state.partition, next, records: (state.high - next).max(0) }
    };
    states.iter().map(of).filter(|behind| behind.records > 0).collect()
}

fn age(records: i64, oldest_ms: Option<i64>, now: DateTime<Utc>) -> Option<f64> {
    if records == 0 {
        return Some(0.0);
    }
    let age = now - DateTime::from_timestamp_millis(oldest_ms?)?;
    Some(age.as_seconds_f64().max(0.0))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_is_left_begins_behind_what_is_done_and_what_is_gone() {
        let state =
            |partition, low, high| PartitionState { topic: "start".into(), partition, low, high, committed: None };
        let states = [state(0, 0, 10), state(1, 5, 9), state(2, 3, 7), state(3, 0, 4)];
        let done = BTreeMap::from([(0, 10), (1, 2), (3, 6)]);
        let found: Vec<_> = behind(&states, &done).iter().map(|one| (one.partition, one.next, one.records)).collect();
        assert_eq!(found, [(1, 5, 4), (2, 3, 4)]);
    }

    #[test]
    fn the_age_is_that_of_the_oldest() {
        let now = DateTime::from_timestamp_millis(1_790_000_000_000).unwrap();
        let at = (now - TimeDelta::milliseconds(2_500)).timestamp_millis();
        assert_eq!(age(3, Some(at), now), Some(2.5));
        assert_eq!((age(0, None, now), age(3, None, now)), (Some(0.0), None));
        assert_eq!(age(1, Some(now.timestamp_millis() + 5_000), now), Some(0.0), "a clock that runs ahead");
    }
}
