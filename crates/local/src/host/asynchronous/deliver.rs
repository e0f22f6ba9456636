//! Sending the records of a settled event to the function's destinations.

use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use tracing::{error, info};

use super::{
    Asynchronous,
    event::{Delivery, Event},
    millis,
};
use crate::{
    host::{Origin, find, function::Function},
    template::spec::Destination,
};

/// How long a record is offered to a destination that does not take it.
const DELIVERY_LIMIT: Duration = Duration::from_secs(6 * 3600);

/// The longest wait between two offers.
const LONGEST_DELIVERY_DELAY: Duration = Duration::from_secs(60);

impl Asynchronous {
    /// Sends one after another; what the host's end leaves over is in the journal.
    pub(super) async fn deliver(&self, event: &Event, function: &Function, mut deliveries: Vec<Delivery>) {
        let begin = Utc::now().timestamp_millis();
        let mut attempts = 0_u32;
        while let Some(Delivery { to, record }) = deliveries.first() {
            let sent = match to {
                Destination::Function(arn) => self.pass_on(arn, record.body.clone().into()),
                _ => self.destinations.send(to, record).await,
            };
            let over = Utc::now().timestamp_millis() - begin > millis(DELIVERY_LIMIT);
            match sent {
                Ok(()) => info!(function = function.spec().name, event = event.id, %to, "the record is sent"),
                Err(error) => {
                    let (name, error) = (&function.spec().name, format!("{error:#}"));
                    if !over {
                        error!(function = name, event = event.id, error, "the record is offered again");
                        let factor = 1_u32.checked_shl(attempts).unwrap_or(u32::MAX);
                        let delay = self.config.busy_delay.saturating_mul(factor).min(LONGEST_DELIVERY_DELAY);
                        attempts += 1;
                        if self.wait_until(Utc::now().timestamp_millis() + millis(delay)).await.is_none() {
                            return;
                        }
                        continue;
                    }
                    error!(function = name, event = event.id, error, "the record is dropped");
                }
            }
            attempts = 0;
            deliveries.remove(0);
            self.config.journal.settled(&event.id, &deliveries);
        }
    }

    fn pass_on(&self, arn: &str, payload: Bytes) -> anyhow::Result<()> {
        let Some(function) = find(&self.functions, arn) else {
            anyhow::bail!("there is no function {arn}");
        };
        self.accept(Origin::asynchronous(), function, payload)?;
        Ok(())
    }
}
