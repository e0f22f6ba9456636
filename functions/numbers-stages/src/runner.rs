//! A batch's way through a stage: decode, trim, compute, store, publish. It knows nothing of what a stage computes.

use std::collections::{HashMap, HashSet};

use domain::numbers::{Stage, Tag};
use kafka::{Identifier, Log, Lookup, Producer, TopicIdentity};
use kit::Invocation;
use kit::kafka::{BatchResponse, KafkaEvent};
use kit::metrics::Metrics;
use sqlx::PgPool;
use tokio::sync::OnceCell;

use crate::batch::{Group, group};
use crate::compute::{Clock, compute};
use crate::crash;
use crate::publish::{Ends, Output};
use crate::seats::{Seat, Seats};
use crate::session::{Session, Sessions};
use crate::store::{self, Part, Pending};

/// How often a partition is tried that has come further than it was thought to be.
const ATTEMPTS: usize = 4;

/// Runs one stage; nothing of it connects before the first batch.
pub struct Runner {
    pub(crate) stage: &'static Stage,
    /// The topic that it writes.
    pub(crate) output: String,
    pool: PgPool,
    pub(crate) kafka: kafka::Config,
    sessions: Sessions,
    seats: Seats,
    pub(crate) ends: Ends,
    pub(crate) producer: OnceCell<Producer>,
    pub(crate) log: OnceCell<Log>,
    pub(crate) identifier: OnceCell<Identifier>,
    pub(crate) lookup: OnceCell<Lookup>,
}

impl Runner {
    /// A stage between this database and this cluster. It reads whatever topics its batches are of, and writes to the stage's
    /// own, with `prefix` before its name.
    #[must_use]
    pub fn new(stage: &'static Stage, prefix: &str, pool: PgPool, kafka: kafka::Config) -> Self {
        Self {
            stage,
            output: format!("{prefix}{}", stage.output_topic()),
            pool,
            kafka,
            sessions: Sessions::default(),
            seats: Seats::default(),
            ends: Ends::default(),
            producer: OnceCell::new(),
            log: OnceCell::new(),
            identifier: OnceCell::new(),
            lookup: OnceCell::new(),
        }
    }

    /// Passes what of the batch is new through the stage.
    ///
    /// # Errors
    /// When Postgres or Kafka does not answer: nothing is done then, or something that the next delivery finds and goes on with.
    pub async fn handle(&self, event: &KafkaEvent, invocation: &Invocation) -> anyhow::Result<BatchResponse> {
        let clock = Clock::new(invocation);
        let mut session = self.sessions.take(&self.pool).await?;
        let done = self.run(&mut session, &group(&event.records), &clock).await;
        match &done {
            Ok(_) => self.sessions.keep(session),
            Err(_) => {
                // The session ends here, and with it its locks.
                self.seats.forget();
                self.ends.forget();
            }
        }
        done
    }

    async fn run(
        &self,
        session: &mut Session,
        groups: &[Group<'_>],
        clock: &Clock<'_>,
    ) -> anyhow::Result<BatchResponse> {
        let mut response = BatchResponse::default();
        let mut left: Vec<&Group<'_>> = groups.iter().collect();
        for attempt in 0..ATTEMPTS {
            let mut parts = Vec::with_capacity(left.len());
            let mut identities: HashMap<&str, TopicIdentity> = HashMap::new();
            for group in &left {
                // What this process has last done is believed once; the transaction finds out when it was wrong.
                let seat = match self.seats.of(group).filter(|_| attempt == 0) {
                    Some(seat) => Some(seat),
                    None => {
                        let identity = match identities.get(group.topic) {
                            Some(identity) => identity.clone(),
                            None => self.identify(group.topic).await?,
                        };
                        identities.insert(group.topic, identity.clone());
                        self.sit(session, group, &identity).await?
                    }
                };
                match seat {
                    None => response.fail(group.topic, group.partition, group.first()),
                    Some(seat) => parts.extend(self.part(session, group, seat, clock, &mut response).await?),
                }
            }
            let pending = self.pass(session, &mut parts, clock).await?;
            left = remaining(&parts, &pending);
            if left.is_empty() {
                return Ok(response);
            }
        }
        left.iter().for_each(|group| response.fail(group.topic, group.partition, group.first()));
        Ok(response)
    }

    /// What of a group is new, computed; `None` when there is nothing to be stored.
    async fn part<'a>(
        &self,
        session: &mut Session,
        group: &'a Group<'a>,
        seat: Seat,
        clock: &Clock<'_>,
        response: &mut BatchResponse,
    ) -> anyhow::Result<Option<Part<'a>>> {
        if let Some(batch) = seat.pending {
            self.recover(session, batch, clock).await?;
        }
        if let Some(fault) = self.foreign(&seat, group).await? {
            let letters: Vec<_> =
                group.records.values().map(|record| kafka::dead_letter_of(record, fault.rule, &fault.reason)).collect();
            self.count(0, 0, letters.len(), clock);
            self.send_letters(letters).await?;
            return Ok(None);
        }
        let mut new = group.records.range(seat.next_offset..).map(|(_, record)| *record).peekable();
        let Some(first_offset) = new.peek().map(|record| record.offset) else { return Ok(None) };
        let computed = compute(self.stage, &seat, new, clock);
        let last = group.records.keys().next_back().copied().unwrap_or(first_offset);
        let next_offset = computed.stopped_at.unwrap_or(last + 1);
        if computed.stopped_at.is_some() {
            response.fail(group.topic, group.partition, next_offset);
        }
        if next_offset == first_offset {
            return Ok(None);
        }
        let (out_partition, out_from) = self.outlet(group.partition).await?;
        Ok(Some(Part { group, seat, first_offset, next_offset, computed, out_partition, out_from }))
    }

    /// Stores and publishes; afterwards no lock is held. The parts that it returns are done.
    async fn pass(
        &self,
        session: &mut Session,
        parts: &mut [Part<'_>],
        clock: &Clock<'_>,
    ) -> anyhow::Result<Vec<Pending>> {
        self.send_letters(parts.iter().flat_map(|part| &part.computed.letters).cloned().collect()).await?;
        if parts.is_empty() {
            store::published(session, &[], clock.now(), true).await?;
            return Ok(Vec::new());
        }
        let pending = store::store(session, self.stage, parts, &self.output, clock).await?;
        crash::point("stage.stored");
        let outputs = self.outputs(session, parts, &pending).await?;
        self.publish(&self.output, outputs).await?;
        crash::point("stage.published");
        let batches: Vec<(i64, i32)> = pending.iter().map(|batch| (batch.id, batch.records)).collect();
        store::published(session, &batches, clock.now(), true).await?;
        crash::point("stage.marked");
        for batch in &pending {
            let Some(part) = parts.get(batch.at) else { continue };
            let records = usize::try_from(batch.records).unwrap_or(0);
            self.count(records, part.computed.rows.len().saturating_sub(records), part.computed.letters.len(), clock);
            self.seats
                .remember(part.group.topic, Seat { next_offset: part.next_offset, pending: None, ..part.seat.clone() });
        }
        Ok(pending)
    }

    /// What is to be published: the outputs of the rows that were new.
    async fn outputs(
        &self,
        session: &mut Session,
        parts: &mut [Part<'_>],
        pending: &[Pending],
    ) -> anyhow::Result<Vec<Output>> {
        let length = |batch: &&Pending| parts.get(batch.at).map_or(0, |part| part.computed.rows.len());
        let doubtful: Vec<i64> = pending
            .iter()
            .filter(|batch| usize::try_from(batch.records).is_ok_and(|records| records < length(batch)))
            .map(|batch| batch.id)
            .collect();
        let new = match doubtful.as_slice() {
            [] => HashSet::new(),
            doubtful => store::new_messages(session, self.stage, doubtful).await?,
        };
        let mut outputs = Vec::new();
        for batch in pending {
            let Some(part) = parts.get_mut(batch.at) else { continue };
            let is_doubtful = doubtful.contains(&batch.id);
            let rows = part.computed.rows.iter_mut();
            for row in rows.filter(|row| !is_doubtful || new.contains(&(batch.id, row.record.offset))) {
                let tag = Tag { source: None, ..std::mem::take(&mut row.tag) };
                let (key, value) = (row.record.key.clone(), std::mem::take(&mut row.output));
                outputs.push(Output { partition: part.out_partition, key, value, tag });
            }
        }
        Ok(outputs)
    }

    fn count(&self, records: usize, duplicates: usize, dead_letters: usize, clock: &Clock<'_>) {
        Metrics::new("Millrace/Numbers", clock.received_at())
            .dimension("stage", self.stage.number.to_string())
            .count("records", records as u64)
            .count("duplicates", duplicates as u64)
            .count("dead_letters", dead_letters as u64)
            .emit();
    }
}

/// The groups of the parts that were not stored.
fn remaining<'a>(parts: &[Part<'a>], pending: &[Pending]) -> Vec<&'a Group<'a>> {
    let stored = |at: &usize| pending.iter().any(|batch| batch.at == *at);
    parts.iter().enumerate().filter(|(at, _)| !stored(at)).map(|(_, part)| part.group).collect()
}
