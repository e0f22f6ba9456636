//! The steps of one move at its two shards.

use std::time::Instant;

use anyhow::{Context, ensure};
use chrono::Utc;
use domain::posts::moves::Step;
use sqlx::PgPool;
use uuid::Uuid;

use crate::crash::point;
use crate::piece::{self, Columns, Digest, Piece};
use crate::record::{Counts, Master, Open};
use crate::seat::{Hopeless, Mark, take};
use crate::table::{Key, Place, TABLES, Table};
use crate::work::Settings;

/// A move, and the pools to its shards.
pub(crate) struct Moving<'a> {
    pub(crate) master: &'a Master<'a>,
    pub(crate) open: Open,
    pub(crate) source: PgPool,
    pub(crate) target: PgPool,
    pub(crate) settings: &'a Settings,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Part {
    /// Else this much of the step is done.
    pub(crate) is_done: bool,
    pub(crate) place: Place,
    pub(crate) counts: Counts,
}

const DONE: Part = Part {
    is_done: true,
    place: Place { table: 0, after: None },
    counts: Counts { copied: 0, verified: 0, deleted: 0 },
};

impl Moving<'_> {
    /// Does the step, or a part of it that takes about a second.
    ///
    /// # Errors
    /// [`Hopeless`] and [`crate::seat::Fenced`] in its chain; else when a shard or the master does not answer.
    pub(crate) async fn perform(&mut self, step: Step) -> anyhow::Result<Part> {
        match step {
            Step::Prepare => self.prepare().await,
            Step::Copy => self.pieces(Self::copy).await,
            Step::Freeze => self.freeze().await,
            Step::Verify => self.pieces(Self::verify).await,
            Step::Admit => self.admit().await,
            Step::Switch => {
                self.master.switch(&self.open, Utc::now()).await?;
                point("switch.switched");
                Ok(DONE)
            }
            Step::Depart => self.depart().await,
            Step::Clean => self.clean().await,
            Step::Thaw => self.thaw().await,
            Step::Undo => self.undo().await,
            Step::Done | Step::Failed => Ok(DONE),
        }
    }

    fn token(&self) -> i64 {
        self.master.lease.token()
    }

    async fn prepare(&self) -> anyhow::Result<Part> {
        migrate(&self.source).await.context("bring the source up to date")?;
        migrate(&self.target).await.context("bring the target up to date")?;
        point("prepare.migrated");
        let (here, there) = tokio::try_join!(piece::columns(&self.source), piece::columns(&self.target))?;
        if here != there {
            return Err(Hopeless(format!("the shards' tables differ: {here:?} and {there:?}")).into());
        }
        self.are_two().await?;
        take(&self.target, &self.open, self.token(), Mark::Frozen).await?.commit().await?;
        point("prepare.seated");
        Ok(DONE)
    }

    /// One database under two names would be emptied: asked before anything is deleted. A lock that one connection has taken is there for the other.
    async fn are_two(&self) -> anyhow::Result<()> {
        let (mut source, mut target) = tokio::try_join!(self.source.begin(), self.target.begin())?;
        // A key of its own: a mover that has lost its lease may ask the same at the same time.
        let (lock, key) = ("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", Uuid::new_v4().to_string());
        for transaction in [&mut source, &mut target] {
            let free: bool = sqlx::query_scalar(lock).bind(&key).fetch_one(&mut **transaction).await?;
            if !free {
                return Err(Hopeless("source and target are one database".into()).into());
            }
        }
        Ok(())
    }

    /// Goes through all tables in pieces until the step is done or its time is over.
    async fn pieces(
        &self,
        work: impl AsyncFn(&Self, &Piece<'_>, &Columns, &mut Counts) -> anyhow::Result<()>,
    ) -> anyhow::Result<Part> {
        self.are_two().await?;
        let (began, mut part) = (Instant::now(), Part { place: self.open.place.clone(), is_done: false, ..DONE });
        let columns = piece::columns(&self.source).await?;
        while let Some(table) = TABLES.get(part.place.table) {
            let piece = self.piece(table, part.place.after.take()).await?;
            work(self, &piece, &columns, &mut part.counts).await?;
            part.place = match piece.until {
                Some(key) => Place { after: Some(key), ..part.place },
                None => Place { table: part.place.table + 1, after: None },
            };
            if began.elapsed() > self.settings.budget {
                break;
            }
        }
        part.is_done = part.place.table >= TABLES.len();
        Ok(part)
    }

    async fn piece<'t>(&self, table: &'t Table, after: Option<Key>) -> anyhow::Result<Piece<'t>> {
        Piece::behind(&self.source, table, self.open.partition, after, self.settings.piece_rows).await
    }

    /// Makes the target's rows of the piece those of the source.
    async fn copy(&self, piece: &Piece<'_>, columns: &Columns, counts: &mut Counts) -> anyhow::Result<()> {
        let mut target = take(&self.target, &self.open, self.token(), Mark::Frozen).await?;
        let rows = piece.replace(&self.source, &mut target, columns).await?;
        target.commit().await?;
        point("copy.piece-copied");
        counts.copied += rows;
        Ok(())
    }

    /// The target is asked first: a partition is not frozen for a shard that is away.
    async fn freeze(&self) -> anyhow::Result<Part> {
        take(&self.target, &self.open, self.token(), Mark::Frozen).await?.commit().await.context("ask the target")?;
        point("freeze.target-taken");
        let source = take(&self.source, &self.open, self.token(), Mark::Frozen).await?;
        source.expect_epoch(&[self.open.from_epoch])?;
        source.commit().await?;
        point("freeze.frozen");
        Ok(DONE)
    }

    /// Compares the piece; one that differs is copied once more.
    async fn verify(&self, piece: &Piece<'_>, columns: &Columns, counts: &mut Counts) -> anyhow::Result<()> {
        let (mut here, mut there) = self.digests(piece, columns).await?;
        if here != there {
            let mut target = take(&self.target, &self.open, self.token(), Mark::Frozen).await?;
            counts.copied += piece.replace(&self.source, &mut target, columns).await?;
            target.commit().await?;
            point("verify.piece-copied");
            (here, there) = self.digests(piece, columns).await?;
        }
        if here != there {
            let behind = piece.after.as_ref().map_or_else(|| "the beginning".to_owned(), |key| key.join(", "));
            let found = format!("{} rows at the source, {} at the target", here.rows, there.rows);
            return Err(Hopeless(format!("{} differ behind {behind}: {found}", piece.table.name)).into());
        }
        point("verify.pieces-equal");
        counts.verified += u64::try_from(here.rows).unwrap_or_default();
        Ok(())
    }

    async fn digests(&self, piece: &Piece<'_>, columns: &Columns) -> anyhow::Result<(Digest, Digest)> {
        tokio::try_join!(piece.digest(&self.source, columns), piece.digest(&self.target, columns))
    }

    async fn admit(&mut self) -> anyhow::Result<Part> {
        let (reserved, epoch) = self.master.reserve(&self.open, Utc::now()).await?;
        self.open = reserved;
        point("admit.reserved");
        let source = take(&self.source, &self.open, self.token(), Mark::Frozen).await?;
        source.expect_epoch(&[self.open.from_epoch])?;
        let seat = source.seat.clone();
        source.commit().await?;
        let mut target = take(&self.target, &self.open, self.token(), Mark::Frozen).await?;
        target.admit(&seat, epoch).await?;
        target.commit().await?;
        point("admit.admitted");
        Ok(DONE)
    }

    async fn depart(&self) -> anyhow::Result<Part> {
        let epoch = self.epoch()?;
        let mut source = take(&self.source, &self.open, self.token(), Mark::Frozen).await?;
        source.expect_epoch(&[self.open.from_epoch, epoch])?;
        source.depart(epoch).await?;
        source.commit().await?;
        point("depart.departed");
        Ok(DONE)
    }

    async fn clean(&self) -> anyhow::Result<Part> {
        let epoch = self.epoch()?;
        self.delete(&self.source, &[epoch], "clean.piece-deleted").await
    }

    async fn thaw(&self) -> anyhow::Result<Part> {
        let source = take(&self.source, &self.open, self.token(), Mark::Thawed).await?;
        source.expect_epoch(&[self.open.from_epoch])?;
        source.commit().await?;
        point("thaw.thawed");
        Ok(DONE)
    }

    async fn undo(&self) -> anyhow::Result<Part> {
        let is_there: Option<String> = sqlx::query_scalar("select to_regclass('posts_progress')::text")
            .fetch_one(&self.target)
            .await
            .context("reach the target")?;
        match is_there {
            Some(_) => self.delete(&self.target, &[], "undo.piece-deleted").await,
            // It never got its tables.
            None => Ok(DONE),
        }
    }

    /// Deletes the partition's rows at a shard where it is not, a piece a transaction.
    async fn delete(&self, at: &PgPool, epochs: &[i64], crash: &'static str) -> anyhow::Result<Part> {
        self.are_two().await?;
        let (began, mut counts) = (Instant::now(), Counts::default());
        loop {
            let mut taken = take(at, &self.open, self.token(), Mark::Frozen).await?;
            if !epochs.is_empty() {
                taken.expect_epoch(epochs)?;
            }
            let rows = i64::from(self.settings.piece_rows);
            let deleted = piece::delete(&mut taken, self.open.partition, rows).await?;
            taken.commit().await?;
            if deleted == 0 {
                return Ok(Part { counts, ..DONE });
            }
            counts.deleted += deleted;
            point(crash);
            if began.elapsed() > self.settings.budget {
                return Ok(Part { is_done: false, counts, ..DONE });
            }
        }
    }

    fn epoch(&self) -> anyhow::Result<i64> {
        self.open.progress.epoch.with_context(|| format!("move {} was switched without an epoch", self.open.id))
    }
}

/// Brings a shard to its newest version; a new one gets its tables.
pub(crate) async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    // A connection of its own: a migration that fails leaves its advisory lock with the session.
    let mut connection = pool.acquire().await.context("reach the shard")?.detach();
    let migrated = pg::migrations::POSTS_SHARD.run(&mut connection).await.context("apply migrations/posts-shard");
    sqlx::Connection::close(connection).await.context("leave the shard")?;
    migrated?;
    let tables = piece::columns(pool).await?.len();
    ensure!(tables == TABLES.len(), "the shard has {tables} of {} tables", TABLES.len());
    Ok(())
}
