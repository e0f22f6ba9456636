//! How APIs and function URLs reach the functions of the host.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;

use crate::{
    gateway::{self, Answered, Streaming},
    host::{Host, InvokeError, Origin, Reply},
    metrics::Metrics,
};

/// What an API needs of the stack.
#[derive(Clone)]
pub struct Backend {
    host: Host,
    metrics: Arc<Metrics>,
}

impl Backend {
    /// Over these functions.
    #[must_use]
    pub fn new(host: Host, metrics: Arc<Metrics>) -> Self {
        Self { host, metrics }
    }
}

fn refused(error: &InvokeError) -> gateway::InvokeError {
    match error {
        InvokeError::Throttled => gateway::InvokeError::Throttled,
        InvokeError::PayloadTooLarge { .. } => gateway::InvokeError::TooLarge,
        other => gateway::InvokeError::NotReady(other.to_string()),
    }
}

impl gateway::Invoke for Backend {
    fn metrics(&self, api: &str, functions: &[&str]) -> Option<String> {
        Some(self.metrics.of_api(api, functions))
    }

    fn answered(&self, answered: &Answered<'_>) {
        self.metrics.answered(answered);
    }

    async fn invoke(
        &self,
        origin: &Origin,
        function: &str,
        payload: Bytes,
        timeout: Duration,
    ) -> Result<Bytes, gateway::InvokeError> {
        match tokio::time::timeout(timeout, self.host.invoke(origin, function, payload)).await {
            Err(_) => Err(gateway::InvokeError::Timeout),
            Ok(Ok(outcome)) if outcome.is_success() => Ok(outcome.payload),
            Ok(Ok(_)) => Err(gateway::InvokeError::FunctionError),
            Ok(Err(error)) => Err(refused(&error)),
        }
    }

    async fn stream(&self, origin: &Origin, function: &str, payload: Bytes) -> Result<Streaming, gateway::InvokeError> {
        let reply = self.host.invoke_streaming(origin, function, payload).await.map_err(|error| refused(&error))?;
        let Reply::Stream(stream) = reply else { return Err(gateway::InvokeError::FunctionError) };
        let content_type = stream.head.content_type.clone();
        let parts = futures::stream::unfold(Some(stream), |state| async {
            let mut stream = state?;
            if let Some(part) = stream.next().await {
                return Some((Ok(part), Some(stream)));
            }
            match stream.end().await {
                Ok(outcome) if outcome.is_success() => None,
                // The client sees an answer without its end, which is all that HTTP can say by then.
                _ => Some((Err(std::io::Error::other("the function failed half-way")), None)),
            }
        });
        Ok(Streaming { content_type, parts: parts.boxed() })
    }
}
