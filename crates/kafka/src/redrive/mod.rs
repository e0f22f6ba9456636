//! Dead letters back to the topics that they came from, after a fix.
//!
//! A letter is sent, acknowledged, and only then passed by: who is killed half-way sends at most what was not yet passed
//! by once more. How far earlier runs came is in consumer groups: [`GROUP`], and one for each rule that was redriven alone,
//! so that letters of other rules stay, and none is sent twice.
//!
//! Deliberately absent: whether the fix helps. A letter that fails again is a new letter, behind the end that this run
//! saw when it began, so no run goes round in circles.

mod letter;
mod positions;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use crate::{Message, Producer, admin};
use anyhow::{Context, bail, ensure};
use chrono::{DateTime, TimeDelta, Utc};

pub use self::letter::{Letter, Stored};
use self::{positions::Positions, reader::Reader};

/// The consumer group that holds how far redrives of all rules came; that of one rule has `.<rule>` behind it.
pub const GROUP: &str = "millrace-redrive";

/// Letters that are named in the summary when they cannot be sent.
const NAMED: usize = 20;

/// Kafka forgets the position of a group that commits nothing for seven days. Without one, a letter that is older than
/// this may have been sent by a run that is forgotten.
const REMEMBERED: TimeDelta = TimeDelta::days(6);

/// What is to be sent.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The topic of dead letters, or of failed invocations' records.
    pub topic: String,
    /// Only letters of this rule.
    pub rule: Option<String>,
    /// Stop when so many are sent.
    pub limit: Option<u64>,
    /// Send nothing, commit nothing, and say what would be sent.
    pub dry_run: bool,
    /// Begin with the oldest letter, whatever was sent before.
    pub from_beginning: bool,
    /// Send to this topic instead of each letter's own.
    pub to: Option<String>,
}

/// What was sent, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Letters by their rule and the topic that they went to.
    pub sent: BTreeMap<(String, String), u64>,
    /// Letters of other rules, which stay for another redrive.
    pub others: u64,
    /// Letters that a redrive of their rule alone has sent before.
    pub before: u64,
    /// Records that are no letters, or whose original bytes cannot be had.
    pub unreadable: u64,
    /// The first of them: where it is, and why.
    pub named: Vec<String>,
}

impl Summary {
    /// All letters that were sent.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.sent.values().sum()
    }
}

/// Letters that no redrive of all rules has sent.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// All letters that the topic has.
    pub letters: i64,
    /// Those that wait.
    pub waiting: i64,
    /// The oldest of them.
    pub oldest: Vec<Stored>,
}

/// What a redrive would look at, and its oldest letters, `most` of them; `None` when there is no such topic.
///
/// # Errors
/// When the broker does not answer.
pub async fn waiting(kafka: &crate::Config, topic: &str, most: usize) -> anyhow::Result<Option<Waiting>> {
    let options = Options { topic: topic.to_owned(), ..Options::default() };
    if !admin::topics(kafka).await?.contains_key(topic) {
        return Ok(None);
    }
    let positions = Positions::load(kafka, &options).await?;
    let mut reader = Reader::open(kafka, topic, &positions)?;
    let mut oldest = Vec::new();
    while oldest.len() < most {
        // librdkafka's calls block.
        let stored = tokio::task::block_in_place(|| reader.next())?;
        if stored.is_empty() {
            break;
        }
        oldest.extend(stored);
    }
    oldest.sort_by_key(|letter: &Stored| letter.timestamp_ms);
    oldest.truncate(most);
    Ok(Some(Waiting { letters: positions.letters(), waiting: positions.waiting(), oldest }))
}

/// Sends the letters between the position and the end that the topic has now; `progress` is told after each commit.
///
/// # Errors
/// When a topic does not exist, or the broker does not answer. What was acknowledged before is passed by.
pub async fn run(
    kafka: &crate::Config,
    options: &Options,
    now: DateTime<Utc>,
    mut progress: impl FnMut(&Summary, i64),
) -> anyhow::Result<Summary> {
    let topics: BTreeSet<String> = admin::topics(kafka).await?.into_keys().collect();
    let mut run = Run {
        kafka,
        options,
        producer: Producer::new(kafka)?,
        positions: Positions::load(kafka, options).await?,
        topics,
        now,
        summary: Summary::default(),
    };
    ensure!(run.topics.contains(&options.topic), "topic {} does not exist", options.topic);
    let mut reader = Reader::open(kafka, &options.topic, &run.positions)?;
    loop {
        // librdkafka's calls block.
        let stored = tokio::task::block_in_place(|| reader.next())?;
        let end = stored.is_empty();
        let (messages, passed) = run.decide(stored).await?;
        if !options.dry_run {
            run.producer.send_all(messages).await.context("send letters again")?;
            tokio::task::block_in_place(|| reader.commit(passed))?;
        }
        progress(&run.summary, reader.left());
        if end || run.is_full() {
            return Ok(run.summary);
        }
    }
}

struct Run<'a> {
    kafka: &'a crate::Config,
    options: &'a Options,
    producer: Producer,
    positions: Positions,
    topics: BTreeSet<String>,
    now: DateTime<Utc>,
    summary: Summary,
}

impl Run<'_> {
    fn is_full(&self) -> bool {
        self.options.limit.is_some_and(|limit| self.summary.total() >= limit)
    }

    /// What of these is sent, and the offsets after the last that is passed by, by partition.
    async fn decide(&mut self, stored: Vec<Stored>) -> anyhow::Result<(Vec<Message>, BTreeMap<i32, i64>)> {
        let (mut messages, mut passed) = (Vec::new(), BTreeMap::new());
        for record in stored {
            if self.is_full() {
                break;
            }
            let (partition, offset, time_ms) = (record.partition, record.offset, record.timestamp_ms);
            self.remembered(partition, offset, time_ms)?;
            match Letter::read(record) {
                Err(reason) => {
                    self.summary.unreadable += 1;
                    if self.summary.named.len() < NAMED {
                        self.summary.named.push(format!("{}/{partition}/{offset}: {reason}", self.options.topic));
                    }
                }
                Ok(letter) if self.options.rule.as_ref().is_some_and(|rule| *rule != letter.rule) => {
                    self.summary.others += 1;
                }
                Ok(letter) if self.positions.has_sent(self.kafka, &letter.rule, partition, offset).await? => {
                    self.summary.before += 1;
                }
                Ok(letter) => {
                    let rule = letter.rule.clone();
                    let message = letter.message(self.options.to.as_deref());
                    self.accepts(&message.topic, partition, offset)?;
                    *self.summary.sent.entry((rule, message.topic.clone())).or_default() += 1;
                    messages.push(message);
                }
            }
            passed.insert(partition, offset + 1);
        }
        Ok((messages, passed))
    }

    /// Refuses what may have been sent by a run whose position Kafka has forgotten.
    fn remembered(&self, partition: i32, offset: i64, time_ms: i64) -> anyhow::Result<()> {
        let old = DateTime::from_timestamp_millis(time_ms).is_some_and(|time| self.now - time > REMEMBERED);
        if self.options.from_beginning || !old || self.positions.is_known(partition) {
            return Ok(());
        }
        bail!(
            "{}/{partition}/{offset} is older than {} days and this topic has no position of an earlier redrive: Kafka \
             forgets positions after seven days. Nothing more is sent; --from-beginning sends it, and all behind it, again",
            self.options.topic,
            REMEMBERED.num_days()
        )
    }

    fn accepts(&self, to: &str, partition: i32, offset: i64) -> anyhow::Result<()> {
        let letter = || format!("{}/{partition}/{offset}", self.options.topic);
        ensure!(to != self.options.topic, "{} would go to its own topic; --to names another", letter());
        ensure!(self.topics.contains(to), "{} is for topic {to}, which does not exist; --to names another", letter());
        Ok(())
    }
}
