//! The topic as Kafka has it now: which one it is, how long, and how far the writer's group has come.

use anyhow::Context;
use kafka::admin::{Inspector, PartitionState};
use kafka::{Identifier, TopicIdentity};
use tokio::sync::OnceCell;

use crate::Watched;
use crate::state::Chain;

/// The topic of that name that exists now.
#[derive(Debug, Clone)]
pub(crate) struct LiveTopic {
    pub(crate) name: String,
    pub(crate) identity: TopicIdentity,
    pub(crate) partitions: Vec<PartitionState>,
}

impl LiveTopic {
    /// Whether what was staged came from this incarnation of the topic.
    pub(crate) fn is_of(&self, chain: &Chain) -> bool {
        self.identity.cluster_id == chain.cluster_id && self.identity.topic_id == chain.topic_id
    }
}

/// Asks for the topic; connects with the first question and keeps its connections.
pub(crate) struct Topic {
    kafka: kafka::Config,
    name: String,
    group: String,
    clients: OnceCell<(Inspector, Identifier)>,
}

impl Topic {
    pub(crate) fn new(kafka: kafka::Config, watched: &Watched) -> Self {
        Self { kafka, name: watched.topic.clone(), group: watched.group.clone(), clients: OnceCell::new() }
    }

    async fn clients(&self) -> anyhow::Result<&(Inspector, Identifier)> {
        let make = || async { Ok((Inspector::new(&self.kafka, &self.group)?, Identifier::new(&self.kafka)?)) };
        self.clients.get_or_try_init(make).await
    }

    /// The topic; `None` when there is none of this name.
    pub(crate) async fn read(&self) -> anyhow::Result<Option<LiveTopic>> {
        let (inspector, identifier) = self.clients().await?;
        let Some(partitions) = inspector.partitions(&self.name).await? else { return Ok(None) };
        let identity = identifier.identify(&self.name).await.with_context(|| format!("identify {}", self.name))?;
        Ok(Some(LiveTopic { name: self.name.clone(), identity, partitions }))
    }

    /// Whether there is a topic of this name.
    pub(crate) async fn exists(&self) -> anyhow::Result<bool> {
        Ok(self.clients().await?.0.partitions(&self.name).await?.is_some())
    }
}
