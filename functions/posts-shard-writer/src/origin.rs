//! Which topic the records are of: one that was deleted and made again begins at 0.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use anyhow::Context;
use kafka::{Found, Identifier, Lookup};
use kit::kafka::Record;

use crate::Writer;

impl Writer {
    /// The ids of these topics, by name. A broker that does not answer has not made a topic again meanwhile as far as
    /// anybody can tell, so the last answer stands in.
    ///
    /// # Errors
    /// When a topic's id was never read and cannot be now.
    pub(crate) async fn identify(&self, topics: &[&str]) -> anyhow::Result<BTreeMap<String, String>> {
        let identifier = self.identifier.get_or_try_init(|| async { Identifier::new(&self.kafka) }).await?;
        let mut identities = BTreeMap::new();
        for topic in topics {
            let asked = identifier.identify(topic).await;
            let mut known = self.identities.lock().unwrap_or_else(PoisonError::into_inner);
            let id = match (asked, known.get(*topic)) {
                (Ok(identity), _) => identity.topic_id,
                (Err(error), Some(id)) => {
                    tracing::warn!(kafka.topic = topic, error = format!("{error:#}"), "the topic's last id is taken");
                    id.clone()
                }
                (Err(error), None) => return Err(error).context("ask which topic the records are of"),
            };
            known.insert((*topic).to_owned(), id.clone());
            identities.insert((*topic).to_owned(), id);
        }
        Ok(identities)
    }

    /// Whether the topic has this record at its offset, or had it: a record that is gone by now may have been there.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub(crate) async fn is_of_this_topic(&self, record: &Record) -> anyhow::Result<bool> {
        let lookup = self.lookup.get_or_try_init(|| async { Lookup::new(&self.kafka) }).await?;
        Ok(match lookup.at(&record.topic, record.partition, record.offset).await? {
            Found::Record { value, key, .. } => value == record.value && key == record.key,
            Found::Gone => true,
            Found::Beyond => false,
        })
    }
}
