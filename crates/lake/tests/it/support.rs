//! A lake of its own for each test: own database, own warehouse, a small schema.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use domain::lake::{CommitLimits, Source};
use lake::{
    Column, ColumnType, Commit, Committer, Config, Lake, Newest, Offered, Outcome, Reader, SegmentBuilder, TableSchema,
    Value,
};
use pg::testing::TestDatabase;
use uuid::Uuid;

pub(crate) const SCHEMA: TableSchema = TableSchema {
    columns: &[
        Column::required("id", ColumnType::Text),
        Column::required("kind", ColumnType::Text),
        Column::required("at", ColumnType::Timestamp),
        Column::optional("number", ColumnType::Long),
        Column::optional("document", ColumnType::Document),
    ],
    time: 2,
    key: 0,
};
pub(crate) const LIMITS: CommitLimits = CommitLimits { bytes: 64 << 20, segments: 1_000, age: Duration::ZERO };
pub(crate) const HOUR: i64 = 3_600_000_000;
pub(crate) const DAY: i64 = 24 * HOUR;
/// Time of offset 0; each offset is a second later.
pub(crate) const BEGIN: i64 = 20_000 * DAY;

/// One runtime for all tests: storage keeps its connections in a static, and they die with the runtime they began in.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

/// Runs a test in a world of its own.
pub(crate) fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    RUNTIME.block_on(async {
        let database = pg::testing::database().await;
        test(World::new(&database).await).await;
        database.drop_database().await;
    });
}

/// A test's own lake. Its database stays behind when the test fails.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) lake: Lake,
    pub(crate) pool: sqlx::PgPool,
    pub(crate) url: String,
}

impl World {
    async fn new(database: &TestDatabase) -> Self {
        let lake = Lake::new(config(), &SCHEMA, database.pool.clone());
        Self { lake, pool: database.pool.clone(), url: database.url.clone() }
    }

    pub(crate) async fn committer(&self) -> Committer {
        Committer::open(self.lake.clone(), &self.url).await.unwrap()
    }

    /// Offers these offsets of partition 0 as a writer does, once.
    pub(crate) async fn offer(&self, offsets: &[i64]) -> anyhow::Result<Option<Outcome>> {
        self.offer_to(0, offsets).await
    }

    pub(crate) async fn offer_to(&self, partition: i32, offsets: &[i64]) -> anyhow::Result<Option<Outcome>> {
        let offered = Offered { source: source(partition), topic: "events".to_owned(), offsets: offsets.to_vec() };
        let mut plan = self.lake.plan(&[offered]).await?;
        let Some(part) = plan.partitions.first_mut() else { return Ok(None) };
        let mut segment = SegmentBuilder::new(&SCHEMA)?;
        for offset in part.keep.iter().map(|&position| offsets[position]) {
            let (id, kind) = (id(partition, offset), if offset % 2 == 0 { "even" } else { "odd" });
            let document = format!("{{\"offset\":{offset}}}");
            segment.push(&[
                Value::Text(&id),
                Value::Text(kind),
                Value::Timestamp(time(offset)),
                Value::Long(offset),
                Value::Text(&document),
            ])?;
            part.records += 1;
        }
        let segment = segment.finish()?;
        Ok(Some(self.lake.stage(&plan, segment.as_ref()).await?))
    }

    /// Stages these offsets of partition 0.
    pub(crate) async fn stage(&self, offsets: impl IntoIterator<Item = i64>) {
        let offsets: Vec<i64> = offsets.into_iter().collect();
        assert_eq!(self.offer(&offsets).await.unwrap(), Some(Outcome::Staged));
    }

    /// All ids, newest first.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let newest = Newest { since: i64::MIN, equal: None, limit: 100_000 };
        let rows = Reader::new(self.lake.clone()).newest(&newest).await.unwrap().rows;
        rows.iter().map(|row| row.text(0).unwrap().to_owned()).collect()
    }

    /// Asserts that exactly these offsets of partition 0 are to be read, each once.
    pub(crate) async fn assert_offsets(&self, expected: impl DoubleEndedIterator<Item = i64>) {
        let expected: Vec<String> = expected.rev().map(|offset| id(0, offset)).collect();
        assert_eq!(self.ids().await, expected);
    }

    /// A whole commit.
    pub(crate) async fn commit(&self, committer: &Committer) -> u64 {
        let planned = committer.plan(&LIMITS).await.unwrap();
        let written = committer.write(planned, 128 << 20).await.unwrap();
        let Commit::Done(committed) = committer.commit(written).await.unwrap() else { panic!("the commit was lost") };
        committer.mark(&committed, chrono::Utc::now()).await.unwrap();
        committed.records
    }

    pub(crate) async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        sqlx::raw_sql(sql).execute(&self.pool).await.unwrap();
    }
}

pub(crate) fn source(partition: i32) -> Source {
    Source { cluster_id: "cluster".into(), topic_id: "topic".into(), partition }
}

/// Keys are ordered as offsets are.
pub(crate) fn id(partition: i32, offset: i64) -> String {
    format!("{partition}-{offset:06}")
}

pub(crate) fn time(offset: i64) -> i64 {
    BEGIN + offset * 1_000_000
}

fn config() -> Config {
    let mut config = Config::read("test", "rows", |name| std::env::var(name).ok());
    let missing = "AWS_ENDPOINT_URL is not set: run `make test`, or eval \"$(millrace env)\" of a running stack first";
    config.s3.endpoint.as_ref().expect(missing);
    config.warehouse = format!("s3://millrace-lake/tests/{}", Uuid::new_v4());
    config
}
