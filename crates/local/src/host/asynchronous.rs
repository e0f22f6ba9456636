//! Invocations of type `Event`: accepted at once, run later, tried three times.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use uuid::Uuid;

use super::{function::Function, origin::Origin, outcome::InvokeError};

/// Lambda's limit for an event, 1 MB since 2025.
const EVENT_LIMIT: usize = 1024 * 1024;

/// Lambda waits a minute before the first retry of an event and two before the second.
const RETRY_DELAYS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How soon a throttled event is offered again; Lambda begins at a second and keeps trying for six hours.
const THROTTLED_DELAY: Duration = Duration::from_secs(1);

/// How long a throttled event is kept.
const THROTTLED_ATTEMPTS: u32 = 6 * 3600;

/// The events under way.
#[derive(Debug, Clone, Default)]
pub struct Asynchronous {
    ending: CancellationToken,
}

impl Asynchronous {
    pub(super) fn accept(
        &self,
        origin: Origin,
        function: Arc<Function>,
        payload: Bytes,
    ) -> Result<String, InvokeError> {
        if payload.len() > EVENT_LIMIT {
            return Err(InvokeError::PayloadTooLarge { size: payload.len(), limit: EVENT_LIMIT });
        }
        let ending = self.ending.clone();
        let id = Uuid::new_v4().to_string();
        let event = id.clone();
        tokio::spawn(async move {
            deliver(origin, &function, &payload, &ending).await;
            tracing::debug!(function = function.spec().name, event, "event is done");
        });
        Ok(id)
    }

    pub(super) fn shut_down(&self) {
        self.ending.cancel();
    }
}

async fn deliver(mut origin: Origin, function: &Function, payload: &Bytes, ending: &CancellationToken) {
    let mut delays = RETRY_DELAYS.into_iter();
    let mut throttled = 0;
    loop {
        let delay = match function.invoke(&origin, payload.clone()).await {
            Ok(outcome) if outcome.is_success() => return,
            Ok(_) => {
                origin.attempt += 1;
                delays.next()
            }
            Err(InvokeError::Throttled | InvokeError::Unreachable { .. }) if throttled < THROTTLED_ATTEMPTS => {
                throttled += 1;
                Some(THROTTLED_DELAY)
            }
            Err(failure) => {
                error!(function = function.spec().name, error = %failure, "event is dropped");
                return;
            }
        };
        let Some(delay) = delay else {
            error!(function = function.spec().name, "event is dropped after three attempts");
            return;
        };
        warn!(function = function.spec().name, delay_s = delay.as_secs(), "event is tried again later");
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = ending.cancelled() => return,
        }
    }
}
