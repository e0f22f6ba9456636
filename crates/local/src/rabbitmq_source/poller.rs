//! The poller: connects, collects, delivers, waits after failures, and connects again.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{batch::Batch, session::Session, shared::Shared};
use crate::host::{InvokeError, Origin};

/// The first wait after a failure; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// The longest wait after a batch that failed.
const LONGEST_DELAY: Duration = Duration::from_secs(10);

/// The longest wait for a broker or a queue that is not there.
const LONGEST_ABSENCE: Duration = Duration::from_secs(2);

/// How soon a batch is offered again to a function that is throttled or stopped.
const BUSY_DELAY: Duration = Duration::from_millis(500);

pub(super) struct Poller {
    shared: Arc<Shared>,
    stop: CancellationToken,
    /// Attempts that failed since the last success.
    failures: u32,
}

impl Poller {
    pub(super) fn new(shared: Arc<Shared>, stop: CancellationToken) -> Self {
        Self { shared, stop, failures: 0 }
    }

    /// Works until it is stopped; a running invocation ends first and its batch is settled. `first` hears of the first
    /// connection or failure.
    pub(super) async fn run(mut self, first: oneshot::Sender<()>) {
        let mut first = Some(first);
        let mut absences = 0;
        while !self.stop.is_cancelled() {
            let opened = tokio::select! {
                () = self.stop.cancelled() => return,
                opened = Session::open(Arc::clone(&self.shared)) => opened,
            };
            let ended = match opened {
                Ok(mut session) => {
                    self.shared.clear_problem();
                    first.take().map(|first| first.send(()));
                    absences = 0;
                    let ended = self.work(&mut session).await;
                    session.close().await;
                    ended
                }
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                self.shared.set_problem(&error);
                first.take().map(|first| first.send(()));
                absences += 1;
                self.pause(delay(absences, LONGEST_ABSENCE)).await;
            }
        }
    }

    /// Delivers batches until it is stopped or the settings want another consumer.
    async fn work(&mut self, session: &mut Session) -> anyhow::Result<()> {
        while !self.stop.is_cancelled() && !session.is_outdated() {
            if let Some(batch) = session.collect(&self.stop).await? {
                self.deliver(session, &batch).await?;
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, session: &Session, batch: &Batch) -> anyhow::Result<()> {
        let shared = Arc::clone(&self.shared);
        let origin = Origin::mapping(&shared.spec.logical_id).attempt(self.failures + 1);
        let payload = shared.envelope.payload(batch);
        let result = loop {
            let result = shared.host.invoke(&origin, &shared.spec.function, payload.clone()).await;
            // Stopped by hand: to return the batch again and again would use up its queue's delivery limit.
            if !matches!(result, Err(InvokeError::Stopped(_))) {
                break result;
            }
            if self.pause(BUSY_DELAY).await {
                return Ok(());
            }
        };
        let len = batch.len() as u64;
        shared.count(|statistics| {
            statistics.invocations += 1;
            statistics.delivered += len;
        });
        let pause = match result {
            Ok(outcome) if outcome.is_success() => {
                self.failures = 0;
                session.acknowledge(batch).await?;
                shared.count(|statistics| {
                    statistics.records += len;
                    statistics.newest_done_ms = statistics.newest_done_ms.max(batch.newest_ms);
                });
                return Ok(());
            }
            Ok(_) => {
                self.failures = self.failures.saturating_add(1);
                delay(self.failures, LONGEST_DELAY)
            }
            Err(InvokeError::Throttled) => BUSY_DELAY,
            Err(error) => {
                warn!(mapping = shared.spec.logical_id, %error, "the batch goes back to its queue");
                self.failures = self.failures.saturating_add(1);
                delay(self.failures, LONGEST_DELAY)
            }
        };
        shared.count(|statistics| statistics.failures += 1);
        session.give_back(batch).await?;
        self.pause(pause).await;
        Ok(())
    }

    /// Waits; true when it was stopped meanwhile.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => true,
            () = tokio::time::sleep(pause) => false,
        }
    }
}

fn delay(failures: u32, longest: Duration) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_DELAY.saturating_mul(doubled).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits = [1, 2, 3, 7, 40, u32::MAX].map(|failures| delay(failures, LONGEST_DELAY).as_millis());
        assert_eq!(waits, [200, 400, 800, 10_000, 10_000, 10_000]);
    }
}
