//! Finds and deletes orphans: objects that a dead or outrun worker wrote, and that nothing knows.
//!
//! All objects of the table are listed, a piece a step; where the search stands is kept in Postgres, so it goes on in
//! the next invocation. An object is an orphan when it is older than any commit lasts, no retained snapshot and no
//! metadata log reaches it, and it is neither a segment with a row nor noted for deletion at its own time.

use std::collections::HashSet;
use std::time::SystemTime;

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use iceberg::spec::SnapshotRef;
use opendal::{EntryMode, Operator};
use sqlx::Row;

use super::replace::Base;
use super::{Maintainer, Upkeep, rows};
use crate::config::Config;
use crate::staging::signed;

/// The places of a table's objects, and what the objects there end in. Others are none of ours.
const AREAS: [(&str, &[&str]); 3] =
    [("data", &[".parquet"]), ("metadata", &[".avro", ".metadata.json"]), ("segments", &[".parquet"])];

/// An object of a listing.
struct Listed {
    path: String,
    bytes: u64,
    modified: DateTime<Utc>,
}

impl Maintainer {
    /// Lists some objects and deletes the orphans among them; once all are listed, nothing until the next search is due.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer; the next step lists the same objects again.
    pub async fn sweep(&self, now: DateTime<Utc>) -> anyhow::Result<Upkeep> {
        if self.settings.sweep_every.is_zero() {
            return Ok(Upkeep::default());
        }
        let Some((area, position)) = self.due().await? else { return Ok(Upkeep::default()) };
        let Some(&(_, ends)) = AREAS.iter().find(|(name, _)| *name == area) else { return Ok(Upkeep::default()) };
        let base = self.base().await?;
        let prefix = match (&base, area) {
            (_, "segments") => format!("{}/", self.lake.config.segment_prefix()),
            (Some(base), area) => format!("{}/{area}/", base.metadata().location()),
            // Without a snapshot, or with its catalog elsewhere, nobody can say what belongs to the table.
            (None, _) => return self.end(area, None, &Upkeep::default()).await,
        };
        let (listed, more) = list(&self.lake.config, &prefix, position, self.settings.sweep_objects).await?;
        let last = listed.last().map(|object| object.path.clone()).filter(|_| more);
        let oldest = now - self.settings.orphan_age;
        let seen = listed.len() as u64;
        let old = listed
            .into_iter()
            .filter(|object| object.modified <= oldest && ends.iter().any(|end| object.path.ends_with(end)));
        let orphans = self.unknown(base.as_ref(), old.collect()).await?;
        let upkeep = Upkeep {
            listed: seen,
            orphans: orphans.len() as u64,
            orphan_bytes: orphans.iter().map(|object| object.bytes).sum(),
            ..Upkeep::default()
        };
        for object in &orphans {
            tracing::info!(
                lake.object = object.path,
                lake.bytes = object.bytes,
                dry_run = self.settings.dry_run,
                "orphan"
            );
        }
        if !self.settings.dry_run {
            let paths: Vec<String> = orphans.into_iter().map(|object| object.path).collect();
            self.lake.delete_all(paths).await?;
        }
        self.end(area, last, &upkeep).await
    }

    /// Those of the objects that nothing knows.
    async fn unknown(&self, base: Option<&Base>, objects: Vec<Listed>) -> anyhow::Result<Vec<Listed>> {
        if objects.is_empty() {
            return Ok(objects);
        }
        let paths: Vec<String> = objects.iter().map(|object| object.path.clone()).collect();
        let mut known: HashSet<String> =
            rows::known(&self.lake.pool, &self.lake.table_name, &paths).await?.into_iter().collect();
        let mut reached = super::reach::Reached::default();
        if let Some(base) = base {
            let metadata = base.metadata();
            let snapshots: Vec<SnapshotRef> = metadata.snapshots().cloned().collect();
            reached = self.reach.lock().await.all(&base.table, &snapshots).await?;
            known.insert(base.pointers.location.clone());
            known.extend(base.pointers.marked.iter().map(|(location, _)| location.clone()));
            known.extend(metadata.metadata_log().iter().map(|entry| entry.metadata_file.clone()));
        }
        Ok(objects.into_iter().filter(|object| !known.contains(&object.path) && !reached.holds(&object.path)).collect())
    }

    /// The area to list now and where to go on: the one under way, else the first whose last search is long enough ago.
    async fn due(&self) -> anyhow::Result<Option<(&'static str, Option<String>)>> {
        let found = sqlx::query(
            "select area, position, position is not null or ended_at is null as running,
                    coalesce(ended_at > now() - make_interval(secs => $2), false) as rests
               from lake_sweeps where table_name = $1",
        )
        .bind(&self.lake.table_name)
        .bind(self.settings.sweep_every.as_secs_f64())
        .fetch_all(&self.lake.pool)
        .await
        .context("read where the search for orphans stands")?;
        let (mut running, mut rests) = (None, HashSet::new());
        for row in &found {
            let area: String = row.try_get("area").context("read a search's area")?;
            if row.try_get("running").context("read a search's state")? {
                let position: Option<String> = row.try_get("position").context("read a search's position")?;
                running = Some((area, position));
            } else if row.try_get("rests").context("read a search's end")? {
                rests.insert(area);
            }
        }
        let named = |name: &str| AREAS.iter().map(|(area, _)| *area).find(|area| *area == name);
        if let Some((area, position)) = running {
            return Ok(named(&area).map(|area| (area, position)));
        }
        Ok(AREAS.iter().map(|(area, _)| *area).find(|area| !rests.contains(*area)).map(|area| (area, None)))
    }

    /// Notes where the search stands: at `position`, or at its end.
    async fn end(&self, area: &str, position: Option<String>, upkeep: &Upkeep) -> anyhow::Result<Upkeep> {
        let row = sqlx::query(
            "insert into lake_sweeps as s (table_name, area, position, began_at, ended_at, listed, orphans, orphan_bytes)
             values ($1, $2, $3, now(), case when $3::text is null then now() end, $4, $5, $6)
             on conflict (table_name, area) do update set
                    position = excluded.position,
                    began_at = case when s.ended_at is null then s.began_at else now() end,
                    ended_at = excluded.ended_at,
                    listed = excluded.listed + case when s.ended_at is null then s.listed else 0 end,
                    orphans = excluded.orphans + case when s.ended_at is null then s.orphans else 0 end,
                    orphan_bytes = excluded.orphan_bytes + case when s.ended_at is null then s.orphan_bytes else 0 end
             returning listed, orphans, orphan_bytes",
        )
        .bind(&self.lake.table_name)
        .bind(area)
        .bind(&position)
        .bind(signed(upkeep.listed))
        .bind(signed(upkeep.orphans))
        .bind(signed(upkeep.orphan_bytes))
        .fetch_one(&self.lake.pool)
        .await
        .context("note where the search for orphans stands")?;
        if position.is_none() {
            let number = |name: &str| row.try_get::<i64, _>(name).unwrap_or(0);
            tracing::info!(
                lake.area = area,
                lake.listed = number("listed"),
                lake.orphans = number("orphans"),
                lake.orphan_bytes = number("orphan_bytes"),
                dry_run = self.settings.dry_run,
                "searched for orphans"
            );
        }
        Ok(*upkeep)
    }
}

/// At most `limit` objects below `prefix` after `position`, in order of their names, and whether there may be more.
async fn list(
    config: &Config,
    prefix: &str,
    position: Option<String>,
    limit: usize,
) -> anyhow::Result<(Vec<Listed>, bool)> {
    let (operator, root, path) = operator(config, prefix)?;
    let mut lister = operator.lister_with(&path).recursive(true).limit(limit.min(1_000));
    if let Some(position) = position {
        let after = position.strip_prefix(&root).context("the search for orphans stands in another bucket")?;
        lister = lister.start_after(after);
    }
    let mut lister = lister.await.with_context(|| format!("list {prefix}"))?;
    let mut listed = Vec::new();
    while let Some(entry) = lister.try_next().await.with_context(|| format!("list {prefix}"))? {
        let metadata = entry.metadata();
        if metadata.mode() != EntryMode::FILE {
            continue;
        }
        // Without a time its age is not known, so it is taken for new.
        let modified = metadata.last_modified().map_or_else(Utc::now, |at| SystemTime::from(at).into());
        listed.push(Listed { path: format!("{root}{}", entry.path()), bytes: metadata.content_length(), modified });
        if listed.len() >= limit {
            return Ok((listed, true));
        }
    }
    Ok((listed, false))
}

/// Access to the bucket of an `s3://` address, the bucket's own address with a slash, and the path in it.
fn operator(config: &Config, address: &str) -> anyhow::Result<(Operator, String, String)> {
    let rest = address.strip_prefix("s3://").with_context(|| format!("{address} does not begin with s3://"))?;
    let (bucket, path) = rest.split_once('/').with_context(|| format!("{address} has no path"))?;
    let s3 = &config.s3;
    let mut builder = opendal::services::S3::default().bucket(bucket);
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.endpoint(endpoint);
    } else {
        builder = builder.enable_virtual_host_style();
    }
    if let Some(region) = &s3.region {
        builder = builder.region(region);
    }
    if let Some(id) = &s3.access_key_id {
        builder = builder.access_key_id(id);
    }
    if let Some(secret) = &s3.secret_access_key {
        builder = builder.secret_access_key(secret);
    }
    if let Some(token) = &s3.session_token {
        builder = builder.session_token(token);
    }
    let operator = Operator::new(builder).context("open the bucket")?.finish();
    Ok((operator, format!("s3://{bucket}/"), path.to_owned()))
}
