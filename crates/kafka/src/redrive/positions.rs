//! How far earlier runs came.

use std::collections::BTreeMap;

use crate::admin::{self, PartitionState};

use super::{GROUP, Options};

/// Where each partition begins, and what runs of single rules have sent behind that.
pub(super) struct Positions {
    topic: String,
    /// The group whose position this run moves.
    pub(super) group: String,
    pub(super) partitions: Vec<Partition>,
    from_beginning: bool,
    /// Committed offsets by rule, then partition; loaded when a letter of the rule is met.
    of_rules: BTreeMap<String, BTreeMap<i32, i64>>,
}

/// One partition's part of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partition {
    pub(super) number: i32,
    /// The oldest that the broker still has.
    low: i64,
    pub(super) first: i64,
    /// The offset after the last.
    pub(super) end: i64,
    /// Whether an earlier run left a position.
    known: bool,
}

impl Positions {
    pub(super) async fn load(kafka: &crate::Config, options: &Options) -> anyhow::Result<Self> {
        let all = admin::partitions(kafka, &options.topic, GROUP).await?;
        let (group, of_rule) = match &options.rule {
            None => (GROUP.to_owned(), Vec::new()),
            Some(rule) => {
                let group = group_of(rule);
                let states = admin::partitions(kafka, &options.topic, &group).await?;
                (group, states)
            }
        };
        let own = committed(&of_rule);
        let partition = |state: &PartitionState| {
            let position = state.committed.max(own.get(&state.partition).copied());
            let position = position.filter(|_| !options.from_beginning);
            // A position behind the end is of a topic of this name that was deleted.
            let position = position.filter(|position| *position <= state.high);
            let first = position.unwrap_or(state.low).max(state.low);
            Partition { number: state.partition, low: state.low, first, end: state.high, known: position.is_some() }
        };
        Ok(Self {
            topic: options.topic.clone(),
            group,
            partitions: all.iter().map(partition).collect(),
            from_beginning: options.from_beginning,
            of_rules: BTreeMap::new(),
        })
    }

    /// Letters that the topic has.
    pub(super) fn letters(&self) -> i64 {
        self.partitions.iter().map(|one| one.end - one.low).sum()
    }

    /// Letters that are not passed by.
    pub(super) fn waiting(&self) -> i64 {
        self.partitions.iter().map(|one| one.end - one.first).sum()
    }

    /// Whether an earlier run left a position in this partition.
    pub(super) fn is_known(&self, partition: i32) -> bool {
        self.partitions.iter().any(|one| one.number == partition && one.known)
    }

    /// Whether a run of this rule alone has sent the letter.
    pub(super) async fn has_sent(
        &mut self,
        kafka: &crate::Config,
        rule: &str,
        partition: i32,
        offset: i64,
    ) -> anyhow::Result<bool> {
        if self.from_beginning {
            return Ok(false);
        }
        if !self.of_rules.contains_key(rule) {
            let states = admin::partitions(kafka, &self.topic, &group_of(rule)).await?;
            self.of_rules.insert(rule.to_owned(), committed(&states));
        }
        let sent = self.of_rules.get(rule).and_then(|offsets| offsets.get(&partition));
        Ok(sent.is_some_and(|next| offset < *next))
    }
}

fn group_of(rule: &str) -> String {
    format!("{GROUP}.{rule}")
}

fn committed(states: &[PartitionState]) -> BTreeMap<i32, i64> {
    let known = states.iter().filter(|state| state.committed.is_some_and(|offset| offset <= state.high));
    known.filter_map(|state| Some((state.partition, state.committed?))).collect()
}
