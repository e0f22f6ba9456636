//! Where a consumer group begins when it has no offsets yet.

use std::time::Duration;

use anyhow::Context;
use kafka::{Config, admin};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};

use crate::template::spec::StartingPosition;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Commits the starting position for every partition that has no committed offset, so that a restart before the first
/// batch neither skips nor repeats anything. `TRIM_HORIZON` needs no commit: the oldest record is the consumer's default.
pub(super) async fn pin(config: &Config, topic: &str, group: &str, position: StartingPosition) -> anyhow::Result<()> {
    if position == StartingPosition::TrimHorizon {
        return Ok(());
    }
    let fresh: Vec<_> =
        admin::partitions(config, topic, group).await?.into_iter().filter(|state| state.committed.is_none()).collect();
    if fresh.is_empty() {
        return Ok(());
    }
    let consumer: BaseConsumer = config
        .client()
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .create()
        .context("create a consumer")?;
    let topic = topic.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut wanted = TopicPartitionList::new();
        for state in &fresh {
            let offset = match position {
                StartingPosition::AtTimestamp(ms) => Offset::Offset(ms),
                StartingPosition::Latest | StartingPosition::TrimHorizon => Offset::Offset(state.high),
            };
            wanted.add_partition_offset(&topic, state.partition, offset).context("name a partition")?;
        }
        if matches!(position, StartingPosition::AtTimestamp(_)) {
            wanted = consumer.offsets_for_times(wanted, TIMEOUT).context("look up the starting timestamp")?;
            for state in &fresh {
                // A timestamp after the last record means: from the end on.
                if let Some(mut found) = wanted.find_partition(&topic, state.partition)
                    && !matches!(found.offset(), Offset::Offset(_))
                {
                    found.set_offset(Offset::Offset(state.high)).context("set the starting offset")?;
                }
            }
        }
        consumer.commit(&wanted, CommitMode::Sync).context("commit the starting position")
    })
    .await
    .context("wait for the starting position")?
}
