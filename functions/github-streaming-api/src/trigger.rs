//! The writer's trigger: Lambda's event source mapping, which reads the topic for it.

use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_lambda::{
    Client,
    config::{Builder, timeout::TimeoutConfig},
    types::EventSourceMappingConfiguration,
};
use chrono::{DateTime, Utc};
use tokio::time::{Instant, sleep};

use crate::{Watched, change::Change};

/// A call with its retries; well within the function's time.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a change waits for the end of the one before: Lambda refuses both at once.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Finds the mapping and changes it.
pub(crate) struct Trigger {
    client: Client,
    function: String,
    topic: String,
}

/// A mapping as Lambda describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) uuid: String,
    /// Lambda's word: `Enabled`, `Disabling` ...
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) last_result: Option<String>,
    pub(crate) changed_at: Option<DateTime<Utc>>,
    pub(crate) batch_size: i32,
    pub(crate) window_seconds: i32,
}

/// No change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Another change is still on its way.
    #[error("the mapping is still {0}")]
    Busy(String),
    /// The function has no mapping of the topic.
    #[error("{0} has no event source mapping of the topic")]
    Missing(String),
    #[error("lambda does not answer")]
    Away(#[source] anyhow::Error),
}

impl Trigger {
    pub(crate) fn new(config: &SdkConfig, watched: &Watched) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(TIMEOUT).build();
        let client = Client::from_conf(Builder::from(config).timeout_config(timeouts).build());
        Self { client, function: watched.writer.clone(), topic: watched.topic.clone() }
    }

    /// As it is now; `None` when the function has no mapping of the topic.
    pub(crate) async fn read(&self) -> anyhow::Result<Option<Mapping>> {
        let listed = self.client.list_event_source_mappings().function_name(&self.function).send().await;
        let listed = listed.with_context(|| format!("list the mappings of {}", self.function))?;
        let of_topic = |mapping: &&EventSourceMappingConfiguration| mapping.topics().contains(&self.topic);
        Ok(listed.event_source_mappings().iter().find(of_topic).map(describe))
    }

    /// Makes the change; what is so already is not asked for. One that Lambda refuses because another is on its way is
    /// tried again for a while.
    pub(crate) async fn change(&self, change: &Change) -> Result<Mapping, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.read().await.map_err(Failure::Away)?;
            let found = found.ok_or_else(|| Failure::Missing(self.function.clone()))?;
            if !change.is_needed(&found) {
                return Ok(found);
            }
            if let Some(changed) = self.update(&found.uuid, change).await.map_err(Failure::Away)? {
                return Ok(changed);
            }
            if Instant::now() >= deadline {
                return Err(Failure::Busy(found.state));
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// `None` when the mapping is still changing.
    async fn update(&self, uuid: &str, change: &Change) -> anyhow::Result<Option<Mapping>> {
        let update = self
            .client
            .update_event_source_mapping()
            .uuid(uuid)
            .set_enabled(change.enabled)
            .set_batch_size(change.batch_size)
            .set_maximum_batching_window_in_seconds(change.window_seconds);
        match update.send().await {
            Ok(answer) => {
                let of_answer = EventSourceMappingConfiguration::builder()
                    .set_uuid(answer.uuid)
                    .set_state(answer.state)
                    .set_state_transition_reason(answer.state_transition_reason)
                    .set_last_processing_result(answer.last_processing_result)
                    .set_last_modified(answer.last_modified)
                    .set_batch_size(answer.batch_size)
                    .set_maximum_batching_window_in_seconds(answer.maximum_batching_window_in_seconds);
                Ok(Some(describe(&of_answer.build())))
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("update mapping {uuid}")),
        }
    }
}

fn describe(mapping: &EventSourceMappingConfiguration) -> Mapping {
    let changed_at = mapping.last_modified.and_then(|at| DateTime::from_timestamp(at.secs(), at.subsec_nanos()));
    Mapping {
        uuid: mapping.uuid.clone().unwrap_or_default(),
        state: mapping.state.clone().unwrap_or_default(),
        reason: mapping.state_transition_reason.clone(),
        last_result: mapping.last_processing_result.clone(),
        changed_at,
        batch_size: mapping.batch_size.unwrap_or_default(),
        window_seconds: mapping.maximum_batching_window_in_seconds.unwrap_or_default(),
    }
}
