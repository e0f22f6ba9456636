//! Queues, SNS topics and buckets of a test's own on the real emulator.

use std::{collections::BTreeMap, time::Duration};

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sqs::{
    config::Credentials,
    types::{Message, QueueAttributeName},
};
use serde_json::Value;
use uuid::Uuid;

use super::until;

/// The stack's `AWS_*` variables, as functions get them.
pub(crate) fn variables() -> BTreeMap<String, String> {
    let names = ["AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let value = |name: &str| {
        std::env::var(name).unwrap_or_else(|_| {
            panic!(
                "{name} is not set: run the tests with `make test`, or `bash localstack/with-services.sh cargo test`"
            )
        })
    };
    names.into_iter().map(|name| (name.to_owned(), value(name))).collect()
}

/// Clients of the emulator.
pub(crate) struct Aws {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) s3: aws_sdk_s3::Client,
}

/// A queue.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) arn: String,
    pub(crate) url: String,
}

impl Aws {
    pub(crate) async fn connect() -> Self {
        let variables = variables();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(&variables["AWS_ENDPOINT_URL"])
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .load()
            .await;
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            sqs: aws_sdk_sqs::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
        }
    }

    /// A new queue.
    pub(crate) async fn queue(&self) -> Queue {
        self.queue_named(&name()).await
    }

    /// The queue of this name, made when it is not there.
    pub(crate) async fn queue_named(&self, name: &str) -> Queue {
        let url = self.sqs.create_queue().queue_name(name).send().await.unwrap().queue_url().unwrap().to_owned();
        let wanted = self.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let attributes = wanted.send().await.unwrap();
        let arn = attributes.attributes().unwrap()[&QueueAttributeName::QueueArn].clone();
        Queue { arn, url }
    }

    /// A new SNS topic, by its ARN, whose messages a queue gets.
    pub(crate) async fn topic(&self, queue: &Queue) -> String {
        let arn = self.sns.create_topic().name(name()).send().await.unwrap().topic_arn().unwrap().to_owned();
        self.sns.subscribe().topic_arn(&arn).protocol("sqs").endpoint(&queue.arn).send().await.unwrap();
        arn
    }

    /// A new bucket, by its name.
    pub(crate) async fn bucket(&self) -> String {
        let name = name();
        self.s3.create_bucket().bucket(&name).send().await.unwrap();
        name
    }

    /// Waits for the next message of a queue and takes it.
    pub(crate) async fn receive(&self, queue: &Queue) -> Message {
        until("a message in the queue", async || self.poll(queue).await).await
    }

    /// The next message, if there is one now.
    pub(crate) async fn poll(&self, queue: &Queue) -> Option<Message> {
        let request = self.sqs.receive_message().queue_url(&queue.url).message_attribute_names("All");
        let received = tokio::time::timeout(Duration::from_secs(20), request.send()).await.unwrap().unwrap();
        let message = received.messages().first()?.clone();
        let handle = message.receipt_handle().unwrap();
        self.sqs.delete_message().queue_url(&queue.url).receipt_handle(handle).send().await.unwrap();
        Some(message)
    }

    /// As [`Aws::receive`], with the body as JSON.
    pub(crate) async fn receive_json(&self, queue: &Queue) -> Value {
        serde_json::from_str(self.receive(queue).await.body().unwrap()).unwrap()
    }

    /// Waits for the first object of a bucket: its key and its JSON.
    pub(crate) async fn object(&self, bucket: &str) -> (String, Value) {
        let key = until("an object in the bucket", async || {
            let listed = self.s3.list_objects_v2().bucket(bucket).send().await.unwrap();
            listed.contents().first().and_then(|object| object.key()).map(str::to_owned)
        })
        .await;
        let object = self.s3.get_object().bucket(bucket).key(&key).send().await.unwrap();
        let body = object.body.collect().await.unwrap().into_bytes();
        (key, serde_json::from_slice(&body).unwrap())
    }
}

/// A name that nothing else has.
pub(crate) fn name() -> String {
    format!("runner-{}", Uuid::new_v4().simple())
}
