//! Asks shards, all at once: each within its time, past its cache and its circuit breaker, and only for the partitions that
//! the master's map gives it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use domain::posts::breaker::{Breaker, THRESHOLD, Verdict};
use domain::posts::{Assignment, Partition, ShardId, Token};
use futures::future::join_all;
use shards::{Away, Shard, Shards};
use sqlx::PgPool;
use tracing::warn;

use crate::cache::{self, Cache, Kept};
use crate::fence;
use crate::missing::Reason;
use crate::parts::{Failure, Gathered, Part, Target, gathered, numbers, targets};
use crate::question::{self, Question, Stamp};

/// How often the map is read again for one request when a shard knows a newer one.
const MAPS: u32 = 4;
/// Between two looks at the map, or at a shard's progress; each is twice the last one.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(80);
/// After so long the map is read again while a write is waited for: its partition may have moved.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What one request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// An answer of a shard.
    pub shard: Duration,
    /// Until a write is readable.
    pub wait: Duration,
    /// Answers that are kept.
    pub cache_entries: usize,
    /// Bytes of all of them.
    pub cache_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let (shard, wait) = (Duration::from_secs(1), Duration::from_secs(5));
        Self { shard, wait, cache_entries: 2_000, cache_bytes: 16 << 20 }
    }
}

/// An instance's way to the shards.
#[derive(Debug)]
pub(crate) struct Reader {
    shards: Shards,
    limits: Limits,
    breakers: Mutex<BTreeMap<ShardId, Breaker>>,
    cache: Mutex<Cache<(ShardId, Question), Stamp>>,
}

/// A reader waits once for a shard that is away, and then leaves it alone: its breaker is one failure short of open.
const CLOSED: Breaker = Breaker { failures: THRESHOLD - 1, open_until: None, probe_until: None };

impl Reader {
    pub(crate) fn new(shards: Shards, limits: Limits) -> Self {
        let cache = Cache::new(cache::Limits { entries: limits.cache_entries, bytes: limits.cache_bytes });
        Self { shards, limits, breakers: Mutex::default(), cache: Mutex::new(cache) }
    }

    /// Asks every shard that has one of the partitions that are wanted: one, or all. Writes named by `tokens` are waited
    /// for, as far as they are in these partitions.
    pub(crate) async fn gather(
        &self,
        question: &Question,
        wanted: Option<Partition>,
        tokens: &[Token],
    ) -> Result<Gathered, Failure> {
        let mut directory = self.shards.directory().await.map_err(Failure::NoMap)?;
        let until = Instant::now() + self.limits.wait;
        let mut rounds = 0;
        loop {
            // In the last round a partition that is between two shards is left out, and the others are read.
            let last = rounds == MAPS;
            let targets = targets(&directory, wanted);
            let asked = targets.iter().map(|target| self.ask(target, question, (tokens, until), last));
            let parts = join_all(asked).await;
            let outdated = parts.iter().any(|part| matches!(part, Part::Outdated));
            // A write that a shard does not have yet may be at another one by now.
            let waits = parts.iter().any(|part| matches!(part, Part::NotYet(_))) && Instant::now() < until;
            if last || !outdated && !waits {
                return gathered(directory.map.epoch(), &targets, parts);
            }
            tokio::time::sleep(pause(rounds)).await;
            rounds += u32::from(outdated);
            match self.shards.refresh().await {
                Ok(newer) => directory = newer,
                Err(error) => {
                    warn!(error = format!("{error:#}"), "the map may be an old one, and the master does not answer");
                    rounds = if outdated { MAPS } else { rounds };
                }
            }
        }
    }

    /// Whether each shard answers, past breakers and cache.
    pub(crate) async fn probe(&self) -> anyhow::Result<Vec<(String, Option<Reason>)>> {
        let directory = self.shards.directory().await?;
        let probes = directory.shards.values().map(|shard| async {
            let stamp = async { question::stamp(&self.pool(shard)?, &[]).await };
            let reason = match tokio::time::timeout(self.limits.shard, stamp).await {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(Away::of(&error).into()),
                Err(_) => {
                    self.shards.renew(shard.id);
                    Some(Reason::Slow)
                }
            };
            (shard.name.clone(), reason)
        });
        Ok(join_all(probes).await)
    }

    /// One shard's part, whatever becomes of the shard.
    async fn ask(
        &self,
        target: &Target<'_>,
        question: &Question,
        (tokens, until): (&[Token], Instant),
        last: bool,
    ) -> Part {
        let shard = target.shard;
        let of_target = |token: &&Token| target.partitions.iter().any(|(partition, _)| *partition == token.partition);
        let tokens: Vec<Token> = tokens.iter().filter(of_target).copied().collect();
        let away = |reason| tokens.first().map_or(Part::Missing(reason), |token| Part::Lost(*token));
        let breaker = self.breakers().get(&shard.id).copied().unwrap_or(CLOSED);
        if breaker.verdict(Utc::now()) == Verdict::Open {
            return away(Reason::Resting);
        }
        let limit = self.limits.shard + if tokens.is_empty() { Duration::ZERO } else { LOOK_AGAIN };
        let reading = self.read(target, question, (&tokens, until), last);
        let reason = match tokio::time::timeout(limit, reading).await {
            Ok(Ok(part)) => {
                self.breakers().insert(shard.id, CLOSED);
                return part;
            }
            Ok(Err(error)) => {
                warn!(shard = shard.name, %error, "a shard does not answer");
                Away::of(&error).into()
            }
            Err(_) => {
                warn!(shard = shard.name, limit_ms = limit.as_millis(), "a shard does not answer in time");
                Reason::Slow
            }
        };
        if reason != Reason::Failed {
            self.shards.renew(shard.id);
        }
        self.breakers().insert(shard.id, breaker.failed(Utc::now()));
        away(reason)
    }

    async fn read(
        &self,
        target: &Target<'_>,
        question: &Question,
        (tokens, until): (&[Token], Instant),
        last: bool,
    ) -> Result<Part, sqlx::Error> {
        let pool = self.pool(target.shard)?;
        let key = (target.shard.id, question.clone());
        let kept = self.cache().get(&key);
        let mut assigned = target.partitions.clone();
        let mut without = Vec::new();
        // With nothing to compare and nothing to wait for, the answer's own stamp will do.
        if kept.is_some() || !tokens.is_empty() || last {
            let stamp = match self.stored(&pool, &assigned, tokens, until).await? {
                Ok(stamp) => stamp,
                Err(token) => return Ok(Part::NotYet(token)),
            };
            without = fence::outdated(&assigned, &stamp);
            match kept.filter(|kept| kept.stamp == stamp) {
                _ if !without.is_empty() && !last => return Ok(Part::Outdated),
                Some(kept) if without.is_empty() => return Ok(Part::Rows { rows: kept.answer, hit: true, without }),
                _ => assigned.retain(|(partition, _)| !without.contains(partition)),
            }
        }
        if assigned.is_empty() {
            return Ok(Part::Missing(Reason::Moving));
        }
        let (stamp, rows) = question.ask(&pool, &numbers(&assigned)).await?;
        if !fence::outdated(&assigned, &stamp).is_empty() {
            return Ok(Part::Outdated);
        }
        let rows: Arc<str> = rows.into();
        if without.is_empty() {
            self.cache().put(&key, Kept { stamp, answer: Arc::clone(&rows) });
        }
        Ok(Part::Rows { rows, hit: false, without })
    }

    /// The shard's state once it has stored the writes, or the write that it had not stored in time.
    async fn stored(
        &self,
        pool: &PgPool,
        assigned: &[(Partition, Assignment)],
        tokens: &[Token],
        until: Instant,
    ) -> Result<Result<Stamp, Token>, sqlx::Error> {
        let deadline = until.min(Instant::now() + LOOK_AGAIN);
        for round in 0.. {
            let stamp = question::stamp(pool, &numbers(assigned)).await?;
            match fence::not_stored(tokens, &stamp) {
                None => return Ok(Ok(stamp)),
                Some(token) if Instant::now() >= deadline => return Ok(Err(token)),
                Some(_) => tokio::time::sleep(pause(round)).await,
            }
        }
        Err(sqlx::Error::PoolTimedOut)
    }

    fn pool(&self, shard: &Shard) -> Result<PgPool, sqlx::Error> {
        self.shards.pool(shard).map_err(|error| sqlx::Error::Configuration(error.into()))
    }

    fn breakers(&self) -> MutexGuard<'_, BTreeMap<ShardId, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache<(ShardId, Question), Stamp>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause(round: u32) -> Duration {
    (FIRST_PAUSE * 2_u32.saturating_pow(round.min(10))).min(LONGEST_PAUSE)
}
