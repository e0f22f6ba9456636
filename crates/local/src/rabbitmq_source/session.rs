//! One connection to the broker with one consumer: it collects batches and settles them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context, anyhow};
use lapin::{
    Channel, Connection,
    message::{Delivery, DeliveryResult},
    options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions},
    types::FieldTable,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    batch::{Batch, Message},
    broker::is_not_found,
    shared::Shared,
};
use crate::host::PAYLOAD_LIMIT;

/// How long saying goodbye may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

pub(super) struct Session {
    shared: Arc<Shared>,
    connection: Connection,
    channel: Channel,
    deliveries: mpsc::UnboundedReceiver<DeliveryResult>,
    /// The batch size that the consumer was made for.
    prefetch: usize,
    /// A message that did not fit into the batch before it.
    carried: Option<Message>,
}

impl Session {
    /// Connects and begins to consume. The broker gives out no more messages than a batch has, which bounds the memory.
    pub(super) async fn open(shared: Arc<Shared>) -> anyhow::Result<Self> {
        let connection = shared.broker.connect().await?;
        let channel = connection.create_channel().await.context("open a channel")?;
        let prefetch = shared.settings().batch_size;
        let count = u16::try_from(prefetch).context("a batch has at most 10000 messages")?;
        channel.basic_qos(count, BasicQosOptions::default()).await.context("limit what the broker gives out")?;
        shared.held.store(0, Ordering::Release);
        let queue = shared.spec.queue.as_str();
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await;
        let consumer = consumer.map_err(|error| match is_not_found(&error) {
            true => anyhow!("queue {queue} does not exist in virtual host {} yet", shared.spec.virtual_host),
            false => anyhow!(error).context(format!("consume queue {queue}")),
        })?;
        // Bounded by what the broker gives out.
        let (sender, deliveries) = mpsc::unbounded_channel();
        let counter = Arc::clone(&shared);
        consumer.set_delegate(move |delivery: DeliveryResult| {
            if matches!(delivery, Ok(Some(_))) {
                counter.held.fetch_add(1, Ordering::AcqRel);
            }
            // Nobody receives any more when the session is over; the broker takes back what it gave out.
            let _ = sender.send(delivery);
            std::future::ready(())
        });
        Ok(Self { shared, connection, channel, deliveries, prefetch, carried: None })
    }

    /// Whether the settings want another consumer.
    pub(super) fn is_outdated(&self) -> bool {
        self.shared.settings().batch_size != self.prefetch
    }

    /// Collects one batch, until it is full, its window is over, or the next message would make it exceed 6 MB. `None`
    /// when it was interrupted before the first message.
    ///
    /// # Errors
    /// When the connection, the channel or the queue is gone.
    pub(super) async fn collect(&mut self, stop: &CancellationToken) -> anyhow::Result<Option<Batch>> {
        let shared = Arc::clone(&self.shared);
        let settings = shared.settings();
        let space = PAYLOAD_LIMIT - shared.envelope.len();
        let mut batch = Batch::default();
        let mut deadline = None;
        if let Some(message) = self.carried.take() {
            batch.push(&message);
            deadline = Some(Instant::now() + settings.window);
        }
        while batch.len() < settings.batch_size {
            let window = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let delivery = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                delivery = self.deliveries.recv() => delivery,
                () = shared.changed.notified(), if batch.len() == 0 => break,
                () = window => break,
            };
            let delivery =
                delivery.context("the consumer has ended")?.context("the connection to the broker is lost")?;
            let delivery = delivery.context("the broker has ended the consumer: is the queue gone?")?;
            if !shared.spec.filters.matches(Some(&delivery.data)) {
                self.pass_over(&delivery).await?;
                continue;
            }
            let message = Message::new(&delivery);
            if message.json.len() > space {
                self.refuse(&delivery).await?;
            } else if batch.len() > 0 && batch.encoded_len() + message.json.len() > space {
                self.carried = Some(message);
                break;
            } else {
                batch.push(&message);
                deadline.get_or_insert_with(|| Instant::now() + settings.window);
            }
        }
        Ok((batch.len() > 0).then_some(batch))
    }

    /// A message that no event can hold is rejected: its queue's dead-letter exchange has it then, or nobody.
    async fn refuse(&self, delivery: &Delivery) -> anyhow::Result<()> {
        let spec = &self.shared.spec;
        error!(
            mapping = spec.logical_id,
            queue = spec.source(),
            bytes = delivery.data.len(),
            message_id = delivery.properties.message_id().as_ref().map(ToString::to_string),
            "the message's event is over 6 MB: it is rejected, to the queue's dead-letter exchange if it has one"
        );
        self.shared.count(|statistics| statistics.given_up += 1);
        let reject = BasicRejectOptions { requeue: false };
        self.channel.basic_reject(delivery.delivery_tag, reject).await.context("reject a message")?;
        self.settled(1);
        Ok(())
    }

    /// A message that the filters do not let pass is done.
    async fn pass_over(&self, delivery: &Delivery) -> anyhow::Result<()> {
        self.shared.count(|statistics| statistics.filtered += 1);
        let ack = self.channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default());
        ack.await.context("acknowledge a message that was filtered out")?;
        self.settled(1);
        Ok(())
    }

    /// The batch is done.
    ///
    /// # Errors
    /// When the broker does not hear it; the batch comes again then.
    pub(super) async fn acknowledge(&self, batch: &Batch) -> anyhow::Result<()> {
        let options = BasicAckOptions { multiple: true };
        self.channel.basic_ack(batch.last_tag, options).await.context("acknowledge a batch")?;
        self.settled(batch.len());
        Ok(())
    }

    /// Gives the batch back to its queue.
    ///
    /// # Errors
    /// When the broker does not hear it; it takes the batch back anyway, with the connection that is lost.
    pub(super) async fn give_back(&self, batch: &Batch) -> anyhow::Result<()> {
        let options = BasicNackOptions { multiple: true, requeue: true };
        self.channel.basic_nack(batch.last_tag, options).await.context("return a batch")?;
        self.settled(batch.len());
        Ok(())
    }

    fn settled(&self, count: usize) {
        self.shared.held.fetch_sub(i64::try_from(count).unwrap_or_default(), Ordering::AcqRel);
    }

    /// Says goodbye; whatever is not settled goes back to the queue.
    pub(super) async fn close(self) {
        let _ = tokio::time::timeout(CLOSE_LIMIT, self.connection.close(200, "the mapping ends".into())).await;
        self.shared.held.store(0, Ordering::Release);
    }
}
