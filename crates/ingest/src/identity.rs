//! Which topic a topic's name means now. Neither the cluster's id nor the topic's is in Lambda's event.
//!
//! Asking the broker for each batch would cost more than the batch, so an answer is kept; but only for batches that
//! continue their watermarks exactly. Before anything is trimmed or passed over, the broker is asked again: the offsets
//! of a topic that was made anew must not be compared with the watermark of the old one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::join_all;
use kafka::{Identifier, TopicIdentity};
use tokio::sync::OnceCell;

/// How long an answer is kept at most.
const KEPT: Duration = Duration::from_secs(30);

/// The identities of topics, by name.
pub(crate) struct Identities {
    kafka: kafka::Config,
    /// Made with the first question.
    identifier: OnceCell<Identifier>,
    known: Mutex<HashMap<String, (TopicIdentity, Instant)>>,
}

/// An answer about several topics. Topics that the broker does not know are missing.
pub(crate) struct Answer {
    pub identities: HashMap<String, TopicIdentity>,
    /// Whether the broker was asked for all of them just now.
    pub fresh: bool,
}

impl Identities {
    pub(crate) fn new(kafka: kafka::Config) -> Self {
        Self { kafka, identifier: OnceCell::new(), known: Mutex::default() }
    }

    /// The identity of each topic; with `fresh`, asked for now.
    ///
    /// # Errors
    /// When none of them can be had.
    pub(crate) async fn of(&self, topics: &[&str], fresh: bool) -> anyhow::Result<Answer> {
        let mut identities = if fresh { HashMap::new() } else { self.kept(topics) };
        let missing: Vec<&str> = topics.iter().copied().filter(|topic| !identities.contains_key(*topic)).collect();
        let fresh = missing.len() == topics.len();
        let identifier = self.identifier.get_or_try_init(|| async { Identifier::new(&self.kafka) }).await?;
        let asked = join_all(missing.iter().map(|topic| identifier.identify(topic))).await;
        let mut last_error = None;
        for (topic, identity) in missing.into_iter().zip(asked) {
            match identity {
                Ok(identity) => {
                    let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.insert(topic.to_owned(), (identity.clone(), Instant::now()));
                    identities.insert(topic.to_owned(), identity);
                }
                Err(error) => {
                    tracing::warn!(kafka.topic = topic, error = format!("{error:#}"), "topic identity is unknown");
                    last_error = Some(error);
                }
            }
        }
        match last_error {
            Some(error) if identities.is_empty() => Err(error).context("read the topics' identities"),
            _ => Ok(Answer { identities, fresh }),
        }
    }

    fn kept(&self, topics: &[&str]) -> HashMap<String, TopicIdentity> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = topics.iter().filter_map(|topic| {
            let (identity, asked) = known.get(*topic)?;
            (asked.elapsed() < KEPT).then(|| ((*topic).to_owned(), identity.clone()))
        });
        kept.collect()
    }
}
