//! A consumer whose brokers were all away, and that may not find them by itself when they are back: [`kafka::remind`]
//! says why.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use tracing::warn;

use super::{group::Group, shared::Shared};

/// How often the consumer is told its brokers again.
const EVERY: Duration = Duration::from_secs(5);

/// For how long after it has last noticed that nobody answers. It notices with each attempt to connect.
const FOR: Duration = Duration::from_secs(60);

/// Since when a consumer is alone.
#[derive(Debug, Default)]
pub(super) struct Alone {
    noticed: Option<Instant>,
    told: Option<Instant>,
}

impl Alone {
    /// Looks whether the consumer is alone, and tells it its brokers when it is time.
    pub(super) fn look(&mut self, consumer: &BaseConsumer<Group>, shared: &Shared) {
        let first = self.noticed.is_none();
        if self.is_due(consumer.context().take_alone(), Instant::now()) {
            kafka::remind(consumer.client(), &shared.kafka);
        }
        if first && self.noticed.is_some() {
            warn!(topic = shared.spec.topic, "no broker answers");
        }
    }

    fn is_due(&mut self, alone: bool, now: Instant) -> bool {
        if alone {
            self.noticed = Some(now);
            self.told.get_or_insert(now);
        }
        if self.noticed.is_none_or(|noticed| now - noticed > FOR) {
            *self = Self::default();
        }
        let due = self.told.is_some_and(|told| now - told >= EVERY);
        if due {
            self.told = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_was_alone_is_told_its_brokers_for_a_minute() {
        let (mut alone, began) = (Alone::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert!(!alone.is_due(false, at(0)), "nothing was away");
        assert!(!alone.is_due(true, at(10)), "it may find them by itself");
        let told: Vec<u64> = (11..100).filter(|second| alone.is_due(*second < 20, at(*second))).collect();
        assert_eq!((told.first(), told.last(), told.len()), (Some(&15), Some(&75), 13));
        assert_eq!(alone.noticed, None);
    }
}
