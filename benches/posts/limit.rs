//! The limit: `COPY` of rows that are text already, all shards at once.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use domain::posts::{ShardMap, Write};
use futures::future::try_join_all;
use pg::testing::TestDatabase;
use sqlx::postgres::PgPoolCopyExt;

use crate::shards;

/// One shard's rows, a table each.
#[derive(Default)]
struct Rows {
    posts: String,
    comments: String,
    likes: String,
}

/// How long it takes until all rows are committed in all shards.
pub(crate) async fn copy(shards: &[TestDatabase], writes: &[Write]) -> anyhow::Result<Duration> {
    let rows = rows(writes, shards);
    let began = Instant::now();
    try_join_all(shards.iter().zip(&rows).map(|(shard, rows)| one(shard, rows))).await?;
    Ok(began.elapsed())
}

async fn one(shard: &TestDatabase, rows: &Rows) -> anyhow::Result<()> {
    for (table, text) in [
        ("posts (partition, id, user_id, created_at, updated_at, content)", &rows.posts),
        ("comments (partition, id, user_id, created_at, updated_at, content, post_id)", &rows.comments),
        ("likes (partition, id, user_id, created_at, post_id)", &rows.likes),
    ] {
        let mut copy = shard.pool.copy_in_raw(&format!("copy {table} from stdin")).await?;
        for chunk in text.as_bytes().chunks(1 << 20) {
            copy.send(chunk).await?;
        }
        copy.finish().await?;
    }
    Ok(())
}

/// Nothing in the writes needs an escape.
fn rows(writes: &[Write], shards: &[TestDatabase]) -> Vec<Rows> {
    let map = ShardMap::first(&shards::ids(shards));
    let mut shards: Vec<Rows> = shards.iter().map(|_| Rows::default()).collect();
    for write in writes {
        let at = map.as_ref().map_or(1, |map| map.at(write.partition()).shard) - 1;
        let Some(rows) = usize::try_from(at).ok().and_then(|at| shards.get_mut(at)) else { continue };
        let partition = write.partition().number();
        let _ = match write {
            Write::Post(p) => {
                let (id, user, time, content) = (p.id, &p.user_id, p.created_at.to_rfc3339(), &p.content);
                writeln!(rows.posts, "{partition}\t{id}\t{user}\t{time}\t{time}\t{content}")
            }
            Write::Comment(c) => {
                let (id, user, time, content) = (c.id, &c.user_id, c.created_at.to_rfc3339(), &c.content);
                writeln!(rows.comments, "{partition}\t{id}\t{user}\t{time}\t{time}\t{content}\t{}", c.post_id)
            }
            Write::Like(l) => {
                let (id, user, time) = (l.id, &l.user_id, l.created_at.to_rfc3339());
                writeln!(rows.likes, "{partition}\t{id}\t{user}\t{time}\t{}", l.post_id)
            }
        };
    }
    shards
}
