//! Where records go that are given up: the mapping's on-failure destination, or nowhere when it has none.

use std::{future::Future, sync::Arc, time::Duration};

use chrono::Utc;
use kafka::Producer;
use tokio::runtime::Handle;
use tracing::error;

use super::{
    attend::Attention,
    batch::Batch,
    collect::Oversized,
    failure::{self, Failed},
    retry::Condition,
    shared::Shared,
};
use crate::template::spec::Destination;

/// How soon a destination that does not answer is tried again.
const DESTINATION_DELAY: Duration = Duration::from_secs(1);

/// One poller's way to the destination.
pub(super) struct Outlet {
    shared: Arc<Shared>,
    producer: Option<Producer>,
    runtime: Handle,
}

impl Outlet {
    /// Connects to nothing yet.
    pub(super) fn new(shared: Arc<Shared>, runtime: Handle) -> anyhow::Result<Self> {
        let to_kafka = matches!(shared.spec.on_failure, Some(Destination::KafkaTopic(_)));
        let producer = to_kafka.then(|| Producer::new(&shared.kafka)).transpose()?;
        Ok(Self { shared, producer, runtime })
    }

    /// Hands over a batch whose retries or age are used up.
    pub(super) fn give_up(&self, batch: &Batch, condition: Condition, failed: &Failed, attention: &mut Attention<'_>) {
        let shared = &self.shared;
        let records = batch.len();
        shared.count(|statistics| statistics.given_up += records as u64);
        let (mapping, first) = (&shared.spec.logical_id, batch.first_offsets());
        let Some(destination) = &shared.spec.on_failure else {
            error!(
                mapping,
                records,
                condition = condition.name(),
                ?first,
                "records are dropped: the mapping has no on-failure destination"
            );
            return;
        };
        error!(mapping, records, condition = condition.name(), %destination, "records are given up");
        match destination {
            Destination::KafkaTopic(topic) => {
                let messages = failure::messages(topic, batch, &shared.envelope, condition, failed, Utc::now());
                self.produce(&messages, attention);
            }
            _ => self.send(destination, batch, condition, Some(failed), attention),
        }
    }

    /// Hands over a record that no event can hold: to Kafka as it came, because an event around it would not fit there.
    pub(super) fn refuse(&self, record: Oversized, attention: &mut Attention<'_>) {
        self.shared.count(|statistics| statistics.given_up += 1);
        let rule = Condition::RecordTooLarge;
        match &self.shared.spec.on_failure {
            Some(Destination::KafkaTopic(topic)) => {
                let origin = kafka::Origin {
                    topic: &record.topic,
                    partition: record.partition,
                    offset: record.offset,
                    timestamp_ms: record.timestamp_ms,
                };
                let reason = "the record's event would be over 6 MB";
                let (key, value, headers) = (record.key, record.value, record.headers);
                let mut message = kafka::dead_letter(origin, key, value, headers, rule.name(), reason);
                message.topic.clone_from(topic);
                self.produce(&[message], attention);
            }
            Some(destination) => self.send(destination, &record.batch, rule, None, attention),
            None => {}
        }
    }

    fn produce(&self, messages: &[kafka::Message], attention: &mut Attention<'_>) {
        let Some(producer) = &self.producer else { return };
        self.until_taken(attention, || producer.send_all(messages.to_vec()));
    }

    fn send(
        &self,
        to: &Destination,
        batch: &Batch,
        condition: Condition,
        failed: Option<&Failed>,
        attention: &mut Attention<'_>,
    ) {
        let shared = &self.shared;
        let to_bucket = matches!(to, Destination::S3Bucket(_));
        let arn = shared.function_arn();
        let about = failure::About { envelope: &shared.envelope, condition, failed, function_arn: &arn };
        let record = failure::record(batch, &about, &shared.spec.uuid, to_bucket, Utc::now());
        let destinations = shared.host.destinations();
        self.until_taken(attention, || destinations.send(to, &record));
    }

    /// Tries until the destination has everything, or the mapping stops: then nothing is committed and all comes again.
    fn until_taken<F: Future<Output = anyhow::Result<()>>>(
        &self,
        attention: &mut Attention<'_>,
        attempt: impl Fn() -> F,
    ) {
        while let Err(error) = attention.wait(&self.runtime, attempt()) {
            let error = format!("{error:#}");
            error!(mapping = self.shared.spec.logical_id, error, "the on-failure destination does not take records");
            if self.shared.is_stopping() {
                self.shared.abandon();
                return;
            }
            attention.wait(&self.runtime, tokio::time::sleep(DESTINATION_DELAY));
        }
    }
}
