//! Makes the template's queues, topics and buckets, as a deploy would. Each step may be done again.

use anyhow::Context;
use aws_sdk_sqs::types::QueueAttributeName;

use super::{Destinations, clients::Clients, explained};
use crate::template::spec::{Application, QueueSpec, SnsTopicSpec};

impl Destinations {
    /// Makes what the template names and is not there. Does nothing without `AWS_ENDPOINT_URL`: what is missing in a
    /// real account is made by a deploy.
    ///
    /// # Errors
    /// When a service refuses or does not answer; the message names the resource.
    pub async fn prepare(&self, application: &Application) -> anyhow::Result<Vec<String>> {
        let Application { queues, sns_topics, buckets, .. } = application;
        let nothing = queues.is_empty() && sns_topics.is_empty() && buckets.is_empty();
        if nothing || !self.variables.contains_key("AWS_ENDPOINT_URL") {
            return Ok(Vec::new());
        }
        let clients = self.clients().await;
        let mut made = Vec::new();
        for queue in queues {
            make_queue(clients, queue).await.with_context(|| format!("make the queue {}", queue.name))?;
            made.push(format!("queue {}", queue.name));
        }
        for topic in sns_topics {
            make_topic(clients, topic).await.with_context(|| format!("make the SNS topic {}", topic.name))?;
            made.push(format!("SNS topic {}", topic.name));
        }
        for bucket in buckets {
            make_bucket(clients, bucket).await.with_context(|| format!("make the bucket {bucket}"))?;
            made.push(format!("bucket {bucket}"));
        }
        Ok(made)
    }
}

/// A queue that is there with other attributes refuses to be made with new ones, so that they are set afterwards.
async fn make_queue(clients: &Clients, queue: &QueueSpec) -> anyhow::Result<()> {
    let mut request = clients.sqs.create_queue().queue_name(&queue.name);
    if queue.name.ends_with(".fifo") {
        request = request.attributes(QueueAttributeName::FifoQueue, "true");
    }
    let made = request.send().await.map_err(explained)?;
    if queue.attributes.is_empty() {
        return Ok(());
    }
    let mut request = clients.sqs.set_queue_attributes().set_queue_url(made.queue_url().map(str::to_owned));
    for (name, value) in &queue.attributes {
        request = request.attributes(QueueAttributeName::from(name.as_str()), value);
    }
    request.send().await.map(drop).map_err(explained).context("set its attributes")
}

async fn make_topic(clients: &Clients, topic: &SnsTopicSpec) -> anyhow::Result<()> {
    let mut request = clients.sns.create_topic().name(&topic.name);
    if topic.name.ends_with(".fifo") {
        request = request.attributes("FifoTopic", "true");
    }
    let made = request.send().await.map_err(explained)?;
    for queue in &topic.queues {
        let subscribe = clients.sns.subscribe().set_topic_arn(made.topic_arn().map(str::to_owned));
        let subscribed = subscribe.protocol("sqs").endpoint(queue).send().await;
        subscribed.map_err(explained).with_context(|| format!("subscribe {queue}"))?;
    }
    Ok(())
}

async fn make_bucket(clients: &Clients, bucket: &str) -> anyhow::Result<()> {
    match clients.s3.create_bucket().bucket(bucket).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_bucket_already_owned_by_you()) => Ok(()),
        Err(error) => Err(explained(error)),
    }
}
