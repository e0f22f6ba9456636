//! The writer's steps: plan (trim), then stage (store the object, register it, move the watermarks).

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use domain::lake::{OffsetRange, Source, Trimmed, trim};
use futures::stream;
use iceberg::io::FileIO;
use sqlx::PgPool;
use uuid::Uuid;

use crate::config::Config;
use crate::crash;
use crate::known::{Incarnations, Known};
use crate::repeats::rows::Fresh;
use crate::repeats::{Keys, RepeatLimits, Repeats, RowKey, Seen, Verdict};
use crate::schema::TableSchema;
use crate::segment::{Segment, SegmentBuilder};
use crate::staging::{self, ObjectRow, Registration, StagedRange};

/// How often watermarks are read that others move meanwhile.
const ATTEMPTS: usize = 10;

/// One table's storage and its rows in Postgres. Connects to nothing until it is used; cheap to clone.
#[derive(Clone)]
pub struct Lake {
    pub(crate) config: Config,
    pub(crate) schema: &'static TableSchema,
    pub(crate) table_name: String,
    pub(crate) pool: PgPool,
    pub(crate) storage: FileIO,
    pub(crate) repeats: Repeats,
}

/// What a batch holds of one partition.
#[derive(Debug, Clone)]
pub struct Offered {
    /// The partition.
    pub source: Source,
    /// The topic's name.
    pub topic: String,
    /// The offset of each record, in the order of the batch.
    pub offsets: Vec<i64>,
}

/// What of a batch is new; made by [`Lake::plan`].
#[derive(Debug, Clone)]
pub struct Plan {
    /// In the order offered; partitions with nothing new are left out.
    pub partitions: Vec<PlannedPartition>,
    /// The topics of which a partition is staged for the first time.
    incarnations: Incarnations,
}

/// What of one partition is new. Before staging each record that is kept must be accounted for: with [`Lake::admit`],
/// which tells rows from duplicates, with [`PlannedPartition::reject`], or by hand.
#[derive(Debug, Clone)]
pub struct PlannedPartition {
    /// Position in what was offered.
    pub offered: usize,
    /// Positions in [`Offered::offsets`] to keep.
    pub keep: Vec<usize>,
    /// Rows of this partition that are in the segment.
    pub records: u64,
    /// Records of this partition that the table has already, under other offsets.
    pub duplicates: u64,
    rejected: BTreeMap<&'static str, u64>,
    source: Source,
    seen: Seen,
    /// Keys of the rows that were admitted.
    keys: Keys,
    /// False when rows were admitted on a window that another batch has changed.
    current: bool,
    expected: Option<i64>,
    range: OffsetRange,
    gap: u64,
}

/// How staging ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Registered; the watermarks have moved.
    Staged,
    /// Another writer staged a part of this first. Nothing has changed: plan again.
    Outrun,
}

impl Lake {
    /// The table that `config` names, with these columns.
    pub fn new(config: Config, schema: &'static TableSchema, pool: PgPool) -> Self {
        let (table_name, storage) = (config.table_name(), config.file_io());
        Self { table_name, storage, config, schema, pool, repeats: Repeats::new(RepeatLimits::default()) }
    }

    /// `namespace.table`.
    pub fn name(&self) -> &str {
        &self.table_name
    }

    /// A segment of this table, to be filled.
    ///
    /// # Errors
    /// When Parquet does not take the schema.
    pub fn segment(&self) -> anyhow::Result<SegmentBuilder> {
        SegmentBuilder::new(self.schema)
    }

    /// Remembers keys within these limits instead of the default ones, and none of those seen so far.
    #[must_use]
    pub fn with_repeats(self, limits: RepeatLimits) -> Self {
        Self { repeats: Repeats::new(limits), ..self }
    }

    /// Reads the staged watermarks, trims what was offered, and brings the windows of repeats up to date.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn plan(&self, offered: &[Offered]) -> anyhow::Result<Plan> {
        let topics: Vec<&str> = offered.iter().map(|part| part.topic.as_str()).collect();
        for _ in 0..ATTEMPTS {
            if let Some(plan) = self.plan_after(&self.known(&topics).await?, offered).await? {
                return Ok(plan);
            }
        }
        bail!("the staged watermarks moved {ATTEMPTS} times while a batch was planned")
    }

    /// Plans what was offered because of what was `known`; `None` when that is no longer so. A partition of a topic's
    /// name is offered once, in whatever incarnation.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn plan_after(&self, known: &Known, offered: &[Offered]) -> anyhow::Result<Option<Plan>> {
        let ends = staging::ends(&self.pool, &self.table_name, offered).await?;
        if offered.iter().zip(&ends).any(|(part, end)| known.watermark(&part.source) != end.watermark) {
            return Ok(None);
        }
        let new = offered.iter().filter(|part| known.watermark(&part.source).is_none());
        let incarnations = known.count(new.map(|part| part.topic.as_str()).collect());
        let mut partitions = Vec::new();
        for (position, (part, end)) in offered.iter().zip(ends).enumerate() {
            let Trimmed { keep, range, gap } = trim(end.watermark, &part.offsets);
            let Some(range) = range else { continue };
            let seen = Seen {
                topic: part.topic.clone(),
                partition: part.source.partition,
                place: end.repeats,
                span: self.repeats.limits.span(end.partitions),
                now: end.now,
            };
            self.repeats.refresh(&self.pool, &self.table_name, &seen).await?;
            partitions.push(PlannedPartition {
                offered: position,
                keep,
                records: 0,
                duplicates: 0,
                rejected: BTreeMap::new(),
                source: part.source.clone(),
                seen,
                keys: Keys::default(),
                current: true,
                expected: end.watermark,
                range,
                gap: u64::try_from(gap).unwrap_or(0),
            });
        }
        Ok(Some(Plan { partitions, incarnations }))
    }

    /// Decides which of a partition's good records become rows: for each key, in the order of the records, whether it
    /// is neither in the window of repeats nor among the keys before it. Counts the others as duplicates. Call it once a
    /// plan and partition.
    pub fn admit(&self, part: &mut PlannedPartition, keys: impl Iterator<Item = RowKey>) -> Vec<bool> {
        let Verdict { is_new, keys, current } = self.repeats.judge(&part.seen, keys);
        let rows = is_new.iter().filter(|is_new| **is_new).count();
        part.records += rows as u64;
        part.duplicates += (is_new.len() - rows) as u64;
        part.keys = keys;
        part.current = current;
        is_new
    }

    /// Stores the segment's object and registers it with the plan's ranges: rows and watermarks in one transaction.
    /// `segment` is `None` when all kept records are dead letters (acknowledged by the broker before this call).
    ///
    /// # Errors
    /// When S3 or Postgres does not answer: an object that was stored but not registered is an orphan, no query and no
    /// commit sees it. When the plan does not account for each record that it keeps: that is a fault in the caller.
    pub async fn stage(&self, plan: &Plan, segment: Option<&Segment>) -> anyhow::Result<Outcome> {
        plan.partitions.iter().try_for_each(PlannedPartition::check)?;
        if plan.partitions.iter().any(|part| !part.current) {
            return Ok(Outcome::Outrun);
        }
        let object = match segment {
            Some(segment) => {
                let object = self.store(segment).await?;
                crash::point("stage.object-stored");
                Some(object)
            }
            None => None,
        };
        let ranges: Vec<StagedRange> = plan.partitions.iter().map(PlannedPartition::staged).collect();
        let fresh: Vec<Fresh> = plan.partitions.iter().filter_map(PlannedPartition::fresh).collect();
        let registration = Registration { object: object.as_ref(), ranges: &ranges, fresh: &fresh };
        let registered = staging::register(&self.pool, &self.table_name, registration, &plan.incarnations).await?;
        if let Some(at) = registered {
            crash::point("stage.registered");
            fresh.iter().for_each(|fresh| self.repeats.remember(fresh, at));
            return Ok(Outcome::Staged);
        }
        if let Some(object) = object
            && let Err(error) = self.delete(&object.path).await
        {
            tracing::warn!(error = format!("{error:#}"), lake.object = object.path, "left an orphan behind");
        }
        Ok(Outcome::Outrun)
    }

    /// Stores a segment's object without registering it.
    async fn store(&self, segment: &Segment) -> anyhow::Result<ObjectRow> {
        let path = format!("{}/{}.parquet", self.config.segment_prefix(), Uuid::now_v7());
        self.write(&path, segment.bytes.clone()).await?;
        Ok(ObjectRow { path, bytes: segment.bytes.len() as u64, records: segment.records, time: segment.time })
    }

    pub(crate) async fn write(&self, path: &str, bytes: Bytes) -> anyhow::Result<()> {
        let output = self.storage.new_output(path).with_context(|| format!("write {path}"))?;
        output.write(bytes).await.with_context(|| format!("write {path}"))
    }

    pub(crate) async fn read(&self, path: &str) -> anyhow::Result<Bytes> {
        let input = self.storage.new_input(path).with_context(|| format!("read {path}"))?;
        input.read().await.with_context(|| format!("read {path}"))
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.storage.delete(path).await.with_context(|| format!("delete {path}"))
    }

    /// Deletes objects, many with each request. One that is gone already is no error.
    pub(crate) async fn delete_all(&self, paths: Vec<String>) -> anyhow::Result<()> {
        self.storage.delete_stream(stream::iter(paths)).await.context("delete objects")
    }
}

impl PlannedPartition {
    /// Counts a record that went to the dead-letter topic because of `rule`.
    pub fn reject(&mut self, rule: &'static str) {
        *self.rejected.entry(rule).or_default() += 1;
    }

    /// Records of this partition that went to the dead-letter topic, by the rule that they broke.
    pub fn rejected(&self) -> &BTreeMap<&'static str, u64> {
        &self.rejected
    }

    /// A record that is in none of the counters would be lost without a trace.
    fn check(&self) -> anyhow::Result<()> {
        let (kept, rejected) = (self.keep.len() as u64, self.rejected.values().sum::<u64>());
        let accounted = self.records + self.duplicates + rejected;
        ensure!(
            accounted == kept,
            "partition {} of {} keeps {kept} records, accounted for are {} rows, {} duplicates and {rejected} dead letters",
            self.source.partition,
            self.seen.topic,
            self.records,
            self.duplicates
        );
        Ok(())
    }

    /// The keys that the segment brings.
    fn fresh(&self) -> Option<Fresh> {
        (self.keys.len() > 0).then(|| Fresh {
            topic: self.seen.topic.clone(),
            partition: self.seen.partition,
            place: self.seen.place.after(self.keys.len()),
            span: self.seen.span,
            keys: self.keys.clone(),
        })
    }

    fn staged(&self) -> StagedRange {
        StagedRange {
            source: self.source.clone(),
            topic: self.seen.topic.clone(),
            expected: self.expected,
            range: self.range,
            records: self.records,
            duplicates: self.duplicates,
            rejected: self.rejected.clone(),
            gap: self.gap,
        }
    }
}
