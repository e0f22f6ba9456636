//! Replays in Postgres: which attempts of which messages they are. Stored before anything is sent.

use chrono::{DateTime, Utc};
use domain::numbers::Stage;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::find::Chosen;

/// A replay as it is stored.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Replay {
    pub(crate) id: Uuid,
    /// What was asked for, as JSON.
    pub(crate) request: String,
    pub(crate) from_stage: i16,
    pub(crate) messages: i32,
    pub(crate) next: Option<String>,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) sent_at: Option<DateTime<Utc>>,
}

/// The replay of this id, when there is one.
pub(crate) async fn load(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<Replay>> {
    sqlx::query_as(
        "select id, request, from_stage, messages, next, requested_at, sent_at from number_replays where id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
}

/// Numbers are given one request at a time, so that no two give the same.
const ONE_AT_A_TIME: &str = "select pg_advisory_xact_lock(hashtext('number_attempts'))";

const ATTEMPTS: &str = "
    insert into number_attempts (message_id, attempt, replay)
    select c.id, 1 + greatest(
        (select coalesce(max(a.attempt), 0) from number_attempts a where a.message_id = c.id),
        (select coalesce(max(n.attempt), 0) from number_stages n where n.message_id = c.id)), $2
    from unnest($1::uuid[]) as c(id)";

/// Stores a replay of these messages, unless there is one of its id.
pub(crate) async fn store(pool: &PgPool, id: Uuid, request: &str, stage: &Stage, chosen: &Chosen) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    sqlx::query(ONE_AT_A_TIME).execute(&mut *transaction).await?;
    let stored = sqlx::query(
        "insert into number_replays (id, request, from_stage, messages, next) values ($1, $2, $3, $4, $5)
         on conflict (id) do nothing",
    );
    let messages = i32::try_from(chosen.ids.len()).unwrap_or(i32::MAX);
    let stored = stored.bind(id).bind(request).bind(i16::from(stage.number)).bind(messages).bind(&chosen.next);
    if stored.execute(&mut *transaction).await?.rows_affected() == 1 {
        sqlx::query(ATTEMPTS).bind(&chosen.ids).bind(id).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// The attempts of a replay.
pub(crate) async fn attempts(pool: &PgPool, id: Uuid) -> sqlx::Result<Vec<(Uuid, i32)>> {
    let query = "select a.message_id, a.attempt from number_attempts a left join inputs1 i using (message_id)
                 where a.replay = $1 order by i.submitted_at, a.message_id";
    sqlx::query_as(query).bind(id).fetch_all(pool).await
}

/// Notes that Kafka has all of them.
pub(crate) async fn sent(pool: &PgPool, id: Uuid) -> sqlx::Result<DateTime<Utc>> {
    let query =
        "update number_replays set sent_at = coalesce(sent_at, clock_timestamp()) where id = $1 returning sent_at";
    sqlx::query_scalar(query).bind(id).fetch_one(pool).await
}
