//! A batch that its owner has stored and perhaps published: what of it the next topic lacks is published.

use std::collections::HashSet;

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::numbers::{MessageId, Tag};
use sqlx::FromRow;
use uuid::Uuid;

use crate::Runner;
use crate::compute::Clock;
use crate::publish::Output;
use crate::session::Session;
use crate::store;

#[derive(FromRow)]
struct Stored {
    message_id: Uuid,
    attempt: i32,
    output: String,
    submitted_at: DateTime<Utc>,
    key: Option<Vec<u8>>,
    traceparent: Option<String>,
    times: String,
}

impl Runner {
    /// Publishes what is missing of a pending batch. Its partition's lock is held, so nobody else is about to.
    pub(crate) async fn recover(&self, session: &mut Session, batch: i64, clock: &Clock<'_>) -> anyhow::Result<()> {
        let (topic, partition, from): (String, i32, i64) =
            sqlx::query_as("select out_topic, out_partition, out_from from number_batches where id = $1")
                .bind(batch)
                .fetch_one(session.connection()?)
                .await
                .with_context(|| format!("read batch {batch}"))?;
        let rows: Vec<Stored> = sqlx::query_as(
            "select message_id, attempt, output, submitted_at, key, traceparent, times from number_stages
             where stage = $1 and batch = $2 order by \"offset\"",
        )
        .bind(i16::from(self.stage.number))
        .bind(batch)
        .fetch_all(session.connection()?)
        .await
        .with_context(|| format!("read the rows of batch {batch}"))?;
        let records = i32::try_from(rows.len()).unwrap_or(i32::MAX);
        let there: HashSet<(MessageId, u32)> = self.published_since(&topic, partition, from).await?;
        let missing: Vec<Output> =
            rows.into_iter().filter(|row| !there.contains(&row.name())).map(|row| row.output(partition)).collect();
        tracing::warn!(
            numbers.stage = self.stage.number,
            numbers.batch = batch,
            numbers.records = records,
            numbers.missing = missing.len(),
            "a batch was left half done; its missing outputs are published"
        );
        self.publish(&topic, missing).await?;
        store::published(session, &[(batch, records)], clock.now(), false).await
    }

    async fn published_since(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
    ) -> anyhow::Result<HashSet<(MessageId, u32)>> {
        let records = self.log().await?.since(topic, partition, from).await?;
        let tags = records
            .iter()
            .map(|headers| Tag::read(headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))));
        // What another has posted there may have no id, or none that is one.
        Ok(tags.flatten().filter_map(|tag| Some((tag.id?, tag.attempt))).collect())
    }
}

impl Stored {
    fn name(&self) -> (MessageId, u32) {
        (MessageId(self.message_id.into_bytes()), self.attempt.cast_unsigned())
    }

    fn output(self, partition: i32) -> Output {
        let (id, attempt) = self.name();
        let tag = Tag {
            id: Some(id),
            attempt,
            submitted_at_ms: Some(self.submitted_at.timestamp_millis()),
            times: self.times,
            traceparent: self.traceparent,
            source: None,
        };
        Output { partition, key: self.key, value: self.output, tag }
    }
}
