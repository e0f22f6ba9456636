//! What a page costs at any depth, as Postgres tells it (`POSTGRES_SHARD_1_URL`).

use chrono::DateTime;
use domain::posts::{Id, Position};
use serde_json::Value as Json;

use super::*;

/// Page 10,000 of ten posts.
const POSTS: i64 = 110_000;
const DEPTH: i64 = 100_000;

/// The n-th newest post.
fn position(n: i64) -> Position {
    Position { micros: 1_795_000_000_000_000 - n * 1_000, id: Id::from_bytes([0; 16]) }
}

async fn fill(shard: &PgPool) {
    let newest = DateTime::from_timestamp_micros(position(0).micros).unwrap();
    sqlx::query(
        "insert into posts (user_id, content, created_at, partition)
         select 'u' || (n % 50), 'post ' || n, $2 - n * interval '1 millisecond', n % 16 from generate_series(1, $1) n",
    )
    .bind(POSTS)
    .bind(newest)
    .execute(shard)
    .await
    .unwrap();
    sqlx::query(
        "insert into post_counters (post_id, comments, likes, partition) select id, 1, 2, partition from posts",
    )
    .execute(shard)
    .await
    .unwrap();
    sqlx::query("analyze").execute(shard).await.unwrap();
}

/// Blocks that the statement has looked at, and its plan.
async fn blocks(shard: &PgPool, question: &Question) -> (i64, String) {
    let statement = format!("explain (analyze, buffers, format json) {}", question.statement());
    let (partitions, bound): (Vec<i32>, _) =
        ((0..16).collect(), sqlx::query_scalar::<_, sqlx::types::Json<Json>>(&statement));
    let bound = bound.bind(&partitions).bind(TOPIC);
    let time = |position: &Position| DateTime::from_timestamp_micros(position.micros).unwrap();
    let bound = match question {
        Question::Posts { before, most } => bound.bind(time(before)).bind(uuid(before.id)).bind(*most),
        Question::UserPosts { user, before, most } => {
            bound.bind(time(before)).bind(uuid(before.id)).bind(*most).bind(user.clone())
        }
        other => panic!("{other:?} has no pages over shards"),
    };
    let plan = bound.fetch_one(shard).await.unwrap().0;
    let of = |name: &str| plan[0]["Plan"][name].as_i64().unwrap();
    (of("Shared Hit Blocks") + of("Shared Read Blocks"), plan.to_string())
}

#[tokio::test]
async fn page_10_000_costs_what_page_1_costs() {
    let database = pg::testing::shard(1).await;
    fill(&database.pool).await;
    let posts = |before| Question::Posts { before, most: 11 };
    let of_user = |before| Question::UserPosts { user: "u1".into(), before, most: 11 };
    for (index, first, deep) in [
        ("posts_newest", posts(Position::LAST), posts(position(DEPTH))),
        ("posts_of_user", of_user(Position::LAST), of_user(position(DEPTH))),
    ] {
        // Bind values change, the statement does not: the sixth and later use one plan for all.
        for _ in 0..8 {
            blocks(&database.pool, &first).await;
        }
        let ((first, _), (deep, plan)) = (blocks(&database.pool, &first).await, blocks(&database.pool, &deep).await);
        assert!(plan.contains(index) && !plan.contains("Seq Scan on posts"), "{plan}");
        assert!(first < 200 && deep < 200, "{index}: page 1 looks at {first} blocks, page 10,000 at {deep}: {plan}");
    }
    database.drop_database().await;
}
