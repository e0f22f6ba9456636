//! The poller's schedule in EventBridge Scheduler: what starts and stops it.

use std::time::Duration;

use anyhow::{Context, bail};
use aws_config::SdkConfig;
use aws_sdk_scheduler::{
    Client,
    config::{Builder, timeout::TimeoutConfig},
    operation::get_schedule::GetScheduleOutput,
    types::ScheduleState,
};

/// A call with its retries; well within the function's time.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One schedule, by name, in the default group.
pub(crate) struct Schedule {
    client: Client,
    name: String,
}

/// What is shown of it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) expression: String,
    pub(crate) enabled: bool,
}

impl Schedule {
    pub(crate) fn new(config: &SdkConfig, name: String) -> Self {
        let timeouts = TimeoutConfig::builder().operation_timeout(TIMEOUT).build();
        Self { client: Client::from_conf(Builder::from(config).timeout_config(timeouts).build()), name }
    }

    /// As it is now.
    pub(crate) async fn read(&self) -> anyhow::Result<Shown> {
        Ok(self.show(&self.get().await?))
    }

    /// Enables or disables it; one that is so already stays untouched.
    pub(crate) async fn set(&self, enabled: bool) -> anyhow::Result<Shown> {
        let found = self.get().await?;
        let mut shown = self.show(&found);
        if shown.enabled != enabled {
            self.update(found, enabled).await?;
            shown.enabled = enabled;
        }
        Ok(shown)
    }

    async fn get(&self) -> anyhow::Result<GetScheduleOutput> {
        let answer = self.client.get_schedule().name(&self.name).send().await;
        answer.with_context(|| format!("read schedule {}", self.name))
    }

    /// An update replaces all of a schedule, so everything that was read goes back.
    async fn update(&self, found: GetScheduleOutput, enabled: bool) -> anyhow::Result<()> {
        if found.target.is_none() || found.flexible_time_window.is_none() {
            bail!("schedule {} came without its target or its time window, which an update would lose", self.name);
        }
        self.client
            .update_schedule()
            .name(&self.name)
            .set_group_name(found.group_name)
            .set_schedule_expression(found.schedule_expression)
            .set_schedule_expression_timezone(found.schedule_expression_timezone)
            .set_start_date(found.start_date)
            .set_end_date(found.end_date)
            .set_description(found.description)
            .set_kms_key_arn(found.kms_key_arn)
            .set_target(found.target)
            .set_flexible_time_window(found.flexible_time_window)
            .set_action_after_completion(found.action_after_completion)
            .state(if enabled { ScheduleState::Enabled } else { ScheduleState::Disabled })
            .send()
            .await
            .with_context(|| format!("update schedule {}", self.name))?;
        Ok(())
    }

    fn show(&self, found: &GetScheduleOutput) -> Shown {
        Shown {
            name: self.name.clone(),
            expression: found.schedule_expression.clone().unwrap_or_default(),
            enabled: found.state != Some(ScheduleState::Disabled),
        }
    }
}
