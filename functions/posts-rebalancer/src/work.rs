//! The loop: while there is something to do, the lease is ours and there is time, the next step of a move.

use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::Utc;
use domain::posts::ShardId;
use domain::posts::moves::{Choice, Progress, Step, choose};
use futures::future::join_all;
use kit::Invocation;
use kit::metrics::Metrics;
use pg::Lease;
use serde::Serialize;
use shards::Shards;
use sqlx::PgPool;
use uuid::Uuid;

use crate::record::{Counts, Master, Open};
use crate::seat::{Fenced, Hopeless};
use crate::step::{Moving, Part, migrate};
use crate::table::Place;

/// The lease outlives a missed renewal, and not by much: a mover that was killed leaves its partition frozen so long.
const LEASE: Duration = Duration::from_secs(10);
/// What is kept back of an invocation's time: enough to end what has begun.
const RESERVE: Duration = Duration::from_secs(10);
/// What a shard without partitions may take before moves go on.
const WELCOME: Duration = Duration::from_secs(3);
/// A step that takes longer has failed: a shard that is there and does not answer.
const STEP: Duration = Duration::from_secs(40);

/// How a mover works.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Rows of a piece: what is copied, compared or deleted at once.
    pub piece_rows: u32,
    /// After so much time in one step what is done of it is recorded.
    pub budget: Duration,
    /// An invocation waits so long for a move that cannot come on yet.
    pub patience: Duration,
    /// While moves are open, an invocation that finds the lease taken stands by for so long, to go on at once when its holder
    /// dies. Somewhat more than a schedule's period, so that there is always one.
    pub standby: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            piece_rows: 5_000,
            budget: Duration::from_secs(1),
            patience: Duration::from_secs(60),
            standby: Duration::from_secs(65),
        }
    }
}

/// What an invocation did.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// False when another one holds the lease; the rest is zero then.
    pub held_lease: bool,
    /// Partitions that belong to another shard now.
    pub switched: u64,
    /// Moves that are over, the undone ones too.
    pub finished: u64,
    /// Rows copied to targets.
    pub rows_copied: u64,
    /// Steps that failed.
    pub failures: u64,
    /// Moves that are not over.
    pub open: usize,
}

/// Moves partitions.
#[derive(Debug)]
pub struct Rebalancer {
    shards: Shards,
    settings: Settings,
}

impl Rebalancer {
    pub(crate) fn new(shards: Shards, settings: Settings) -> Self {
        Self { shards, settings }
    }

    fn pool(&self) -> &PgPool {
        self.shards.master()
    }

    /// Works for as long as the invocation may run and there is something to do.
    ///
    /// # Errors
    /// When the master does not answer, or the lease has passed to another one.
    pub async fn run(&self, invocation: &Invocation) -> anyhow::Result<Summary> {
        let Some(lease) = self.lease(invocation).await? else {
            tracing::info!("another mover holds the lease");
            return Ok(Summary::default());
        };
        let worked = self.work(&lease, invocation).await;
        if worked.is_ok() {
            lease.succeed(self.pool()).await?;
        }
        let released = lease.release(self.pool()).await;
        let summary = worked?;
        released?;
        Ok(summary)
    }

    /// The lease, as soon as nobody has it. Whoever holds it may be about to end, and have looked for moves just before this
    /// one was asked for; or it is dead, and a partition waits frozen for the next one.
    async fn lease(&self, invocation: &Invocation) -> anyhow::Result<Option<Lease>> {
        let (began, holder) = (Instant::now(), Uuid::new_v4().to_string());
        loop {
            let lease = Lease::acquire(self.pool(), "posts-rebalancer", &holder, LEASE).await?;
            if lease.is_some() || began.elapsed() > self.settings.standby || invocation.remaining() <= RESERVE {
                return Ok(lease);
            }
            let open: bool = sqlx::query_scalar("select exists (select from posts_moves where finished_at is null)")
                .fetch_one(self.pool())
                .await
                .context("look for moves")?;
            if !open && began.elapsed() > Duration::from_secs(1) {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn work(&self, lease: &Lease, invocation: &Invocation) -> anyhow::Result<Summary> {
        let master = Master { pool: self.pool(), lease };
        let mut summary = Summary { held_lease: true, ..Summary::default() };
        let mut renewed = Instant::now();
        self.welcome().await?;
        // An invocation of a short timeout still does something.
        let reserve = RESERVE.min(invocation.remaining() / 4);
        loop {
            if renewed.elapsed() > LEASE / 3 {
                lease.renew(self.pool()).await?;
                lease.succeed(self.pool()).await?;
                renewed = Instant::now();
            }
            let moves = master.open().await?;
            summary.open = moves.len();
            let left = invocation.remaining().saturating_sub(reserve);
            let (now, states) = (Utc::now(), moves.iter().map(|open| open.progress).collect::<Vec<Progress>>());
            match choose(&states, master.map_epoch().await?, now) {
                Choice::Do(at, step) if !left.is_zero() => {
                    let open = moves.get(at).context("a move that was chosen")?;
                    self.renewing(lease, self.step(&master, open, step, &mut summary)).await?;
                }
                Choice::Wait(until) => {
                    let pause = (until - now).to_std().unwrap_or_default();
                    if pause >= left.min(self.settings.patience) {
                        return Ok(summary);
                    }
                    tokio::time::sleep(pause.min(Duration::from_secs(1))).await;
                }
                Choice::Do(..) | Choice::Nothing => return Ok(summary),
            }
        }
    }

    /// Gives shards without partitions their tables, so that they are ready before anybody asks for moves. All at once: those
    /// that are away must not hold up moves of others.
    async fn welcome(&self) -> anyhow::Result<()> {
        let directory = self.shards.refresh().await?;
        let holders = directory.map.shards();
        let empty = directory.shards.values().filter(|shard| !holders.contains(&shard.id));
        let welcomed = join_all(empty.map(|shard| async {
            let migrated = async { migrate(&self.shards.pool(shard)?).await };
            (&shard.name, tokio::time::timeout(WELCOME, migrated).await.map_err(anyhow::Error::from).flatten())
        }));
        for (shard, migrated) in welcomed.await {
            if let Err(error) = migrated {
                tracing::warn!(shard, error = format!("{error:#}"), "a shard without partitions is not ready");
            }
        }
        Ok(())
    }

    /// Runs `work`, which may take longer than a lease lasts.
    async fn renewing<T>(&self, lease: &Lease, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(LEASE / 3) => lease.renew(self.pool()).await?,
            }
        }
    }

    /// Does a step, or a part of it, and records what came of it.
    async fn step(&self, master: &Master<'_>, open: &Open, step: Step, summary: &mut Summary) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut moving = match self.moving(master, open).await {
            Ok(moving) => moving,
            Err(error) => return failed(master, open, &error, summary).await,
        };
        let performed = tokio::time::timeout(STEP, moving.perform(step)).await;
        let performed = performed.unwrap_or_else(|_| Err(anyhow::anyhow!("it took more than {} s", STEP.as_secs())));
        match performed.with_context(|| format!("{step} of partition {}", open.partition.number())) {
            Ok(part) => done(master, &moving.open, step, part, summary).await?,
            Err(error) => return failed(master, &moving.open, &error, summary).await,
        }
        tracing::debug!(move_id = open.id, %step, duration_ms = began.elapsed().as_millis(), "a step of a move");
        Ok(())
    }

    async fn moving<'a>(&'a self, master: &'a Master<'a>, open: &Open) -> anyhow::Result<Moving<'a>> {
        let (source, target) = (self.shard(open.from).await?, self.shard(open.to).await?);
        Ok(Moving { master, open: open.clone(), source, target, settings: &self.settings })
    }

    async fn shard(&self, id: ShardId) -> anyhow::Result<PgPool> {
        let known = self.shards.directory().await?;
        let fresh = if known.shards.contains_key(&id) { known } else { self.shards.refresh().await? };
        self.shards.pool(fresh.shards.get(&id).with_context(|| format!("shard {id} is not known"))?)
    }
}

async fn done(master: &Master<'_>, open: &Open, step: Step, part: Part, summary: &mut Summary) -> anyhow::Result<()> {
    let now = Utc::now();
    summary.rows_copied += part.counts.copied;
    // The switch recorded itself.
    if step != Step::Switch {
        let came_on = Progress { failing_since: None, attempts: 0, retry_at: None, ..open.progress };
        let progress = if part.is_done { open.progress.after(step, now) } else { came_on };
        let place = if part.is_done { Place::default() } else { part.place };
        master.record(open, (&progress, &place), part.counts, None, now).await?;
        summary.finished += u64::from(progress.step.is_over());
        if progress.step.is_over() {
            tracing::info!(move_id = open.id, partition = open.partition.number(), step = %progress.step, "a move is over");
        }
        return Ok(());
    }
    summary.switched += 1;
    let pause = open.frozen_at.and_then(|at| (now - at).to_std().ok()).unwrap_or_default();
    Metrics::new("Millrace/Posts", now).count("partitions_moved", 1).duration("move_pause", pause).emit();
    tracing::info!(
        move_id = open.id,
        partition = open.partition.number(),
        from = open.from,
        to = open.to,
        epoch = open.progress.epoch,
        pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
        "a partition has moved"
    );
    Ok(())
}

async fn failed(master: &Master<'_>, open: &Open, error: &anyhow::Error, summary: &mut Summary) -> anyhow::Result<()> {
    let (now, reason) = (Utc::now(), format!("{error:#}"));
    if error.chain().any(|cause| cause.is::<Fenced>()) {
        anyhow::bail!("{reason}");
    }
    let progress = open.progress.failed(is_hopeless(error), now);
    tracing::warn!(
        move_id = open.id,
        error = reason,
        attempts = progress.attempts,
        next = %progress.step,
        "a step of a move failed"
    );
    let place = if progress.step == open.progress.step { open.place.clone() } else { Place::default() };
    master.record(open, (&progress, &place), Counts::default(), Some(&reason), now).await?;
    summary.failures += 1;
    summary.finished += u64::from(progress.step.is_over());
    Ok(())
}

/// What does not become right by trying again: rows that cannot be made equal, and statements that a shard refuses (data,
/// integrity, syntax: classes 22, 23, 42).
fn is_hopeless(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let code = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error).and_then(|e| e.code());
        cause.is::<Hopeless>()
            || code.is_some_and(|code| ["22", "23", "42"].iter().any(|class| code.starts_with(class)))
    })
}
