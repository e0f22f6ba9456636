//! The one place that sends to SQS, SNS and S3: records of failures and results, dead letters; and that makes the queues,
//! topics and buckets of the template.
//!
//! Deliberately absent: when something is sent, what is in it, and how often it is tried. Kafka topics and functions,
//! which are destinations too, are reached by who knows the cluster and the host.

mod clients;
mod prepare;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, bail};
use aws_sdk_sns::types::MessageAttributeValue as SnsAttribute;
use aws_sdk_sqs::{error::DisplayErrorContext, types::MessageAttributeValue as SqsAttribute};
use tokio::sync::OnceCell;

use self::clients::Clients;
use crate::template::spec::Destination;

/// What is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Record {
    /// The message, or the object.
    pub body: String,
    /// Message attributes of queues and topics; a bucket has none.
    pub attributes: Vec<Attribute>,
    /// The object's key in a bucket; queues and topics have none.
    pub key: String,
}

/// A message attribute.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attribute {
    /// `ErrorCode`.
    pub name: String,
    /// `String` or `Number`.
    pub kind: String,
    /// Its value, not empty.
    pub value: String,
}

impl Attribute {
    /// A text. Queues refuse an empty one, so that it becomes a hyphen.
    #[must_use]
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        let value: String = value.into();
        let value = if value.is_empty() { "-".to_owned() } else { value };
        Self { name: name.to_owned(), kind: "String".to_owned(), value }
    }

    /// A number.
    #[must_use]
    pub fn number(name: &str, value: u32) -> Self {
        Self { name: name.to_owned(), kind: "Number".to_owned(), value: value.to_string() }
    }
}

/// Reaches queues, topics and buckets. Cheap to clone; nothing connects before the first record.
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    variables: Arc<BTreeMap<String, String>>,
    clients: Arc<OnceCell<Clients>>,
}

impl Destinations {
    /// With the endpoint, region and credentials of these variables (`AWS_*`); what they lack comes from where the
    /// AWS SDK looks.
    #[must_use]
    pub fn new(variables: &BTreeMap<String, String>) -> Self {
        let of_aws = variables.iter().filter(|(name, _)| name.starts_with("AWS_"));
        let variables = of_aws.map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { variables: Arc::new(variables), clients: Arc::default() }
    }

    /// Sends one record, tried up to three times within 20 s.
    ///
    /// # Errors
    /// When it was not taken, with the service's reason. The caller decides whether it is tried again.
    pub async fn send(&self, to: &Destination, record: &Record) -> anyhow::Result<()> {
        let clients = self.clients().await;
        match to {
            Destination::SqsQueue(arn) => send_message(clients, arn, record).await,
            Destination::SnsTopic(arn) => publish(clients, arn, record).await,
            Destination::S3Bucket(name) => put_object(clients, name, record).await,
            Destination::KafkaTopic(_) | Destination::Function(_) => bail!("{to} is not reached here"),
        }
        .with_context(|| format!("send a record to {to}"))
    }

    async fn clients(&self) -> &Clients {
        self.clients.get_or_init(|| Clients::new(&self.variables)).await
    }
}

/// An SDK's error with all its causes.
fn explained(error: impl std::error::Error) -> anyhow::Error {
    anyhow::anyhow!("{}", DisplayErrorContext(error))
}

async fn send_message(clients: &Clients, arn: &str, record: &Record) -> anyhow::Result<()> {
    let mut parts = arn.rsplit(':');
    let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let found = clients.sqs.get_queue_url().queue_name(name).queue_owner_aws_account_id(account).send().await;
    let found = found.map_err(explained).context("find the queue")?;
    let mut message =
        clients.sqs.send_message().set_queue_url(found.queue_url().map(str::to_owned)).message_body(&record.body);
    for Attribute { name, kind, value } in &record.attributes {
        let attribute = SqsAttribute::builder().data_type(kind).string_value(value).build()?;
        message = message.message_attributes(name, attribute);
    }
    message.send().await.map(drop).map_err(explained)
}

async fn publish(clients: &Clients, arn: &str, record: &Record) -> anyhow::Result<()> {
    let mut message = clients.sns.publish().topic_arn(arn).message(&record.body);
    for Attribute { name, kind, value } in &record.attributes {
        let attribute = SnsAttribute::builder().data_type(kind).string_value(value).build()?;
        message = message.message_attributes(name, attribute);
    }
    message.send().await.map(drop).map_err(explained)
}

async fn put_object(clients: &Clients, bucket: &str, record: &Record) -> anyhow::Result<()> {
    let body = record.body.clone().into_bytes().into();
    let object = clients.s3.put_object().bucket(bucket).key(&record.key).content_type("application/json").body(body);
    object.send().await.map(drop).map_err(explained)
}
