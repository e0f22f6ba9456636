//! Where a mapping's broker is, and the way to it.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use lapin::{
    Connection, ConnectionProperties, ErrorKind,
    protocol::{AMQPErrorKind, AMQPSoftError},
    uri::AMQPUri,
};

use super::login;
use crate::{mapping, template::spec::MqMappingSpec};

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A connection on which nothing is heard for so long is dead, in seconds.
const HEARTBEAT: u16 = 20;

/// The broker of one mapping.
#[derive(Debug, Clone)]
pub struct Broker {
    uri: AMQPUri,
    secret: String,
    connection_name: String,
    /// What the stack knows of AWS.
    variables: BTreeMap<String, String>,
}

impl Broker {
    /// The broker of `RABBITMQ_URL`, which plays the part of every Amazon MQ broker, with the mapping's virtual host.
    ///
    /// # Errors
    /// When there is no `RABBITMQ_URL`, or it is no AMQP URL.
    pub fn of_stack(spec: &MqMappingSpec, variables: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let url = variables.get("RABBITMQ_URL").context("it needs RabbitMQ, and none runs: RABBITMQ_URL is not set")?;
        let parsed: Result<AMQPUri, String> = url.parse();
        // The URL holds a password.
        let mut uri = parsed.ok().context("RABBITMQ_URL is no URL of the form amqp://user:password@host:port")?;
        uri.vhost.clone_from(&spec.virtual_host);
        uri.query.heartbeat = Some(HEARTBEAT);
        let variables = variables.iter().filter(|(name, _)| name.starts_with("AWS_"));
        Ok(Self {
            uri,
            secret: spec.secret.clone(),
            connection_name: format!("millrace {}", spec.logical_id),
            variables: variables.map(|(name, value)| (name.clone(), value.clone())).collect(),
        })
    }

    /// Connects with the login of the mapping's secret. The secret is read each time, so that a new one is found.
    ///
    /// # Errors
    /// When the secret is no login, or the broker does not answer or refuses.
    pub(super) async fn connect(&self) -> anyhow::Result<Connection> {
        let secrets = mapping::secrets(&self.variables).await;
        let mut uri = self.uri.clone();
        uri.authority.userinfo = login::login(secrets.as_ref(), &self.secret, &self.uri.authority.userinfo).await?;
        let place = format!("{}:{}, virtual host {}", uri.authority.host, uri.authority.port, uri.vhost);
        let properties = ConnectionProperties::default().with_connection_name(self.connection_name.as_str().into());
        let connected = tokio::time::timeout(CONNECT_LIMIT, Connection::connect_uri(uri, properties)).await;
        connected.context("no answer in time").and_then(|made| Ok(made?)).with_context(|| format!("connect to {place}"))
    }

    /// Messages of the queue that are ready, as a connection of its own sees them.
    ///
    /// # Errors
    /// When there is no such queue, or the broker does not answer or refuses.
    pub(super) async fn ready_messages(&self, queue: &str) -> anyhow::Result<u32> {
        let connection = self.connect().await?;
        let channel = connection.create_channel().await?;
        let passive = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        let found = channel.queue_declare(queue.into(), passive, lapin::types::FieldTable::default()).await;
        let _ = connection.close(200, "done".into()).await;
        Ok(found?.message_count())
    }
}

/// Whether the broker has said that there is no such thing.
pub(super) fn is_not_found(error: &lapin::Error) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(error) => matches!(error.kind(), AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND)),
        _ => false,
    }
}
