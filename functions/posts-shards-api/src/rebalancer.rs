//! Wakes posts-rebalancer.

use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_lambda::types::InvocationType;

/// Lambda queues an asynchronous invocation at once, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(2);

/// The function that carries moves out.
#[derive(Debug, Clone)]
pub struct Rebalancer {
    lambda: aws_sdk_lambda::Client,
    function: String,
}

impl Rebalancer {
    /// The function of this name.
    #[must_use]
    pub fn new(aws: &SdkConfig, function: String) -> Self {
        Self { lambda: aws_sdk_lambda::Client::new(aws), function }
    }

    /// Has it invoked soon; one that works already finds the new moves itself.
    pub(crate) async fn start(&self) -> anyhow::Result<()> {
        let invoke = self.lambda.invoke().function_name(&self.function).invocation_type(InvocationType::Event);
        let invoked = tokio::time::timeout(PATIENCE, invoke.send()).await;
        invoked.context("lambda does not answer in time")?.with_context(|| format!("invoke {}", self.function))?;
        Ok(())
    }
}
