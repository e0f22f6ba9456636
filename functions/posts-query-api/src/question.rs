//! What a shard can be asked. Each question is one statement, which gives the state of the shard's partitions (the stamp)
//! and the rows of the same moment.

use domain::posts::{Id, Position, TOPIC};
use sqlx::PgPool;
use sqlx::types::Uuid;

/// The state of each partition that was asked for, in the order of numbers; one of which the shard has nothing is not among
/// them.
pub(crate) type Stamp = Vec<State>;

/// Number, epoch, next offset, records. Of a topic that was made again offsets come again; the number of records grows on.
pub(crate) type State = (i32, i64, i64, i64);

/// A question; the answer is JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    /// Posts before a position, newest first.
    Posts { before: Position, most: i64 },
    /// A user's, in the same way.
    UserPosts { user: String, before: Position, most: i64 },
    /// A post with the first comments and likes, or null.
    Post { id: Id, most: i64 },
    /// A post's comments behind a position, oldest first; null when there is no such post.
    Comments { post: Id, after: Position, most: i64 },
    /// What a user has written and got.
    Stats { user: String },
}

/// The rows of all statements below stand beside this. An array of arrays, because it is compared and not shown.
const STAMP: &str =
    "(select coalesce(jsonb_agg(jsonb_build_array(partition, epoch, next_offset, records) order by partition), '[]')
     from posts_progress where topic = $2 and partition = any($1))::text";

/// A post of a list. Times are microseconds since 1970.
const POST: &str = "p.id, p.user_id, p.content, (extract(epoch from p.created_at) * 1000000)::bigint as created_at,
     coalesce(c.comments, 0) as comments, coalesce(c.likes, 0) as likes";

/// The partition of a post. Not `any`: rows of one partition come out of the index in order.
const ONE: &str = "($1::integer[])[1]";

impl Question {
    fn rows(&self) -> String {
        match self {
            Self::Posts { .. } => format!(
                "(select coalesce(json_agg(r), '[]') from (select {POST} from (
                     select * from posts where partition = any($1) and (created_at, id) < ($3, $4)
                     order by created_at desc, id desc limit $5) p
                 left join post_counters c on c.post_id = p.id order by p.created_at desc, p.id desc) r)"
            ),
            Self::UserPosts { .. } => format!(
                "(select coalesce(json_agg(r), '[]') from (select {POST} from (
                     select * from posts where user_id = $6 and partition = any($1) and (created_at, id) < ($3, $4)
                     order by created_at desc, id desc limit $5) p
                 left join post_counters c on c.post_id = p.id order by p.created_at desc, p.id desc) r)"
            ),
            Self::Post { .. } => format!(
                "(select json_build_object('post', row_to_json(r),
                     'comments', (select coalesce(json_agg(x), '[]') from (
                         select id, user_id, content, (extract(epoch from created_at) * 1000000)::bigint as created_at
                         from comments where partition = {ONE} and post_id = $3
                         order by created_at, id limit $4) x),
                     'likes', (select coalesce(json_agg(x), '[]') from (
                         select user_id, (extract(epoch from created_at) * 1000000)::bigint as created_at
                         from likes where partition = {ONE} and post_id = $3 order by user_id limit $4) x))
                 from (select {POST} from posts p left join post_counters c on c.post_id = p.id
                       where p.id = $3 and p.partition = {ONE}) r)"
            ),
            Self::Comments { .. } => format!(
                "(select coalesce(json_agg(x), '[]') from (
                     select id, user_id, content, (extract(epoch from created_at) * 1000000)::bigint as created_at
                     from comments where partition = {ONE} and post_id = p.id and (created_at, id) > ($4, $5)
                     order by created_at, id limit $6) x) from posts p where p.id = $3 and p.partition = {ONE}"
            ),
            Self::Stats { .. } => "(select json_build_object(
                     'posts', count(*), 'comments_received', coalesce(sum(c.comments), 0),
                     'likes_received', coalesce(sum(c.likes), 0),
                     'first_post_at', (extract(epoch from min(p.created_at)) * 1000000)::bigint,
                     'last_post_at', (extract(epoch from max(p.created_at)) * 1000000)::bigint,
                     'comments', (select count(*) from comments where user_id = $3 and partition = any($1)),
                     'likes', (select count(*) from likes where user_id = $3 and partition = any($1)))
                 from posts p left join post_counters c on c.post_id = p.id
                 where p.user_id = $3 and p.partition = any($1))"
                .to_owned(),
        }
    }

    /// The whole statement: stamp and rows, as text.
    pub(crate) fn statement(&self) -> String {
        match self {
            Self::Comments { .. } => format!("select {STAMP}, (select {})::text", self.rows()),
            _ => format!("select {STAMP}, {}::text", self.rows()),
        }
    }

    /// Asks a shard about these partitions.
    pub(crate) async fn ask(&self, shard: &PgPool, partitions: &[i32]) -> Result<(Stamp, String), sqlx::Error> {
        let statement = self.statement();
        let query = sqlx::query_as::<_, (String, Option<String>)>(&statement).bind(partitions).bind(TOPIC);
        let time = |position: &Position| chrono::DateTime::from_timestamp_micros(position.micros).unwrap_or_default();
        let query = match self {
            Self::Posts { before, most } => query.bind(time(before)).bind(uuid(before.id)).bind(*most),
            Self::UserPosts { user, before, most } => {
                query.bind(time(before)).bind(uuid(before.id)).bind(*most).bind(user)
            }
            Self::Post { id, most } => query.bind(uuid(*id)).bind(*most),
            Self::Comments { post, after, most } => {
                query.bind(uuid(*post)).bind(time(after)).bind(uuid(after.id)).bind(*most)
            }
            Self::Stats { user } => query.bind(user),
        };
        let (stamp, rows) = query.fetch_one(shard).await?;
        Ok((read(&stamp)?, rows.unwrap_or_else(|| "null".to_owned())))
    }
}

fn uuid(id: Id) -> Uuid {
    Uuid::from_bytes(id.to_bytes())
}

/// The stamp alone.
pub(crate) async fn stamp(shard: &PgPool, partitions: &[i32]) -> Result<Stamp, sqlx::Error> {
    let text: String =
        sqlx::query_scalar(&format!("select {STAMP}")).bind(partitions).bind(TOPIC).fetch_one(shard).await?;
    read(&text)
}

fn read(stamp: &str) -> Result<Stamp, sqlx::Error> {
    serde_json::from_str(stamp).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
