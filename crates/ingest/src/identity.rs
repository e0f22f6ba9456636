//! Which topic a topic's name means now. Neither the cluster's id nor the topic's is in Lambda's event, so the broker is
//! asked for each batch: one small request, while Postgres is asked for its watermarks.

use std::collections::HashMap;

use anyhow::Context;
use futures::future::join_all;
use kafka::{Identifier, TopicIdentity};
use tokio::sync::OnceCell;

/// The identities of topics, by name. Topics that the broker does not know are missing.
pub(crate) type Identities = HashMap<String, TopicIdentity>;

/// Asks the broker what its topics are.
pub(crate) struct Identify {
    kafka: kafka::Config,
    /// Made with the first question.
    identifier: OnceCell<Identifier>,
}

impl Identify {
    pub(crate) fn new(kafka: kafka::Config) -> Self {
        Self { kafka, identifier: OnceCell::new() }
    }

    /// The identity of each topic, now.
    ///
    /// # Errors
    /// When none of them can be had.
    pub(crate) async fn of(&self, topics: &[&str]) -> anyhow::Result<Identities> {
        let identifier = self.identifier.get_or_try_init(|| async { Identifier::new(&self.kafka) }).await?;
        let answers = join_all(topics.iter().map(|topic| identifier.identify(topic))).await;
        let mut identities = HashMap::new();
        let mut last_error = None;
        for (topic, answer) in topics.iter().zip(answers) {
            match answer {
                Ok(identity) => {
                    identities.insert((*topic).to_owned(), identity);
                }
                Err(error) => {
                    tracing::warn!(kafka.topic = topic, error = format!("{error:#}"), "topic identity is unknown");
                    last_error = Some(error);
                }
            }
        }
        match last_error {
            Some(error) if identities.is_empty() => Err(error).context("read the topics' identities"),
            _ => Ok(identities),
        }
    }
}
