//! A lake of its own for each test: own database, own warehouse, and rows of any schema. The tests of this crate, the
//! writer's, the committer's and the queries' share it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test support: a test fails by panicking"
)]

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use arrow::array::{Array, StringArray};
use domain::lake::{CommitLimits, Source};
use futures::TryStreamExt;
use uuid::Uuid;

use crate::{
    CatalogConfig, Column, ColumnType, Commit, Committer, Config, Lake, Newest, Offered, Outcome, Reader,
    SegmentBuilder, TableSchema, Value, catalog,
};

/// A small table: each kind of column that has a way of its own through Parquet.
pub const SCHEMA: TableSchema = TableSchema {
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

/// A commit of all that waits.
pub const LIMITS: CommitLimits = CommitLimits { bytes: 64 << 20, segments: 1_000, age: Duration::ZERO };
/// Microseconds.
pub const DAY: i64 = 24 * 3_600_000_000;
/// Time of offset 0; each offset is a second later.
pub const BEGIN: i64 = 20_000 * DAY;

/// One runtime for all tests: storage keeps its connections in a static, and they die with the runtime they began in.
pub static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

/// Runs a test in a world of its own, whose table has [`SCHEMA`].
pub fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world_of("test", "rows", &SCHEMA, test);
}

/// Runs a test in a world of its own, whose table is this one.
pub fn in_world_of<F: Future<Output = ()>>(
    namespace: &str,
    table: &str,
    schema: &'static TableSchema,
    test: impl FnOnce(World) -> F,
) {
    let sql = |url: &str| CatalogConfig::Sql { uri: url.to_owned() };
    in_world_with(namespace, table, schema, sql, test);
}

/// Runs a test in a world of its own, whose table is in the catalog that `catalog` makes of its database's address.
pub fn in_world_with<F: Future<Output = ()>>(
    namespace: &str,
    table: &str,
    schema: &'static TableSchema,
    catalog: impl FnOnce(&str) -> CatalogConfig,
    test: impl FnOnce(World) -> F,
) {
    RUNTIME.block_on(async {
        let database = pg::testing::database().await;
        let mut config = Config::read(namespace, table, |name| std::env::var(name).ok());
        assert!(
            config.s3.endpoint.is_some(),
            "AWS_ENDPOINT_URL is not set: run `make test`, or eval \"$(millrace env)\" of a running stack first"
        );
        config.warehouse = format!("s3://millrace-lake/tests/{}", Uuid::new_v4());
        let lake = Lake::new(config, schema, database.pool.clone());
        let catalog = catalog(&database.url);
        test(World { lake, schema, catalog, pool: database.pool.clone(), url: database.url.clone() }).await;
        database.drop_database().await;
    });
}

/// A test's own lake. Its database stays behind when the test fails.
#[derive(Clone)]
pub struct World {
    /// The table.
    pub lake: Lake,
    /// Its columns.
    pub schema: &'static TableSchema,
    /// Where the table is.
    pub catalog: CatalogConfig,
    /// The test's database.
    pub pool: sqlx::PgPool,
    /// Its address.
    pub url: String,
}

impl World {
    /// A committer of its own connections.
    pub async fn committer(&self) -> Committer {
        Committer::open(self.lake.clone(), &self.catalog).await.unwrap()
    }

    /// Offers these offsets of partition 0 as a writer does, once. `None` when nothing of them was new.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn offer(&self, offsets: &[i64]) -> anyhow::Result<Option<Outcome>> {
        self.offer_to(&source(0), offsets).await
    }

    /// [`World::offer`] for any partition of any topic.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer.
    pub async fn offer_to(&self, source: &Source, offsets: &[i64]) -> anyhow::Result<Option<Outcome>> {
        let push = |offset, segment: &mut SegmentBuilder| push_row(self.schema, source, offset, segment);
        self.offer_rows(source, offsets, push).await
    }

    /// [`World::offer`] with rows that the caller makes: `push` adds an offset's row to the segment. Rows are pushed
    /// in the order of their offsets.
    ///
    /// # Errors
    /// When Postgres or S3 does not answer, or a row does not fit.
    pub async fn offer_rows(
        &self,
        source: &Source,
        offsets: &[i64],
        mut push: impl FnMut(i64, &mut SegmentBuilder) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<Outcome>> {
        let offered = Offered { source: source.clone(), topic: "events".to_owned(), offsets: offsets.to_vec() };
        let mut plan = self.lake.plan(&[offered]).await?;
        let Some(part) = plan.partitions.first_mut() else { return Ok(None) };
        let mut segment = self.lake.segment()?;
        for &position in &part.keep {
            push(offsets[position], &mut segment)?;
            part.records += 1;
        }
        let segment = segment.finish()?;
        Ok(Some(self.lake.stage(&plan, segment.as_ref()).await?))
    }

    /// Stages these offsets of partition 0.
    pub async fn stage(&self, offsets: impl IntoIterator<Item = i64>) {
        let offsets: Vec<i64> = offsets.into_iter().collect();
        assert_eq!(self.offer(&offsets).await.unwrap(), Some(Outcome::Staged));
    }

    /// All ids, newest first, as a query reads them: committed and staged.
    pub async fn ids(&self) -> Vec<String> {
        let newest = Newest { since: i64::MIN, equal: None, limit: 100_000 };
        let rows = Reader::new(self.lake.clone()).newest(&newest).await.unwrap();
        rows.iter().map(|row| row.text(self.schema.key).unwrap().to_owned()).collect()
    }

    /// All ids of the table's current snapshot, as another engine reads them, sorted.
    pub async fn committed_ids(&self) -> Vec<String> {
        let catalog = catalog::open(&self.lake.config, &self.catalog).await.unwrap();
        let table = catalog.load_table(&catalog::ident(&self.lake.config)).await.unwrap();
        let scan = table.scan().select([self.schema.name(self.schema.key)]).build().unwrap();
        let batches: Vec<_> = scan.to_arrow().await.unwrap().try_collect().await.unwrap();
        let mut ids = Vec::new();
        for batch in batches {
            let column = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap();
            ids.extend((0..column.len()).map(|row| column.value(row).to_owned()));
        }
        ids.sort();
        ids
    }

    /// Asserts that exactly these offsets of partition 0 are to be read, each once.
    pub async fn assert_offsets(&self, expected: impl DoubleEndedIterator<Item = i64>) {
        let expected: Vec<String> = expected.rev().map(|offset| id(&source(0), offset)).collect();
        assert_eq!(self.ids().await, expected);
    }

    /// A whole commit; how many rows it appended.
    pub async fn commit(&self, committer: &Committer) -> u64 {
        let planned = committer.plan(&LIMITS).await.unwrap();
        let written = committer.write(planned, 128 << 20).await.unwrap();
        let Commit::Done(committed) = committer.commit(written).await.unwrap() else { panic!("the commit was lost") };
        committer.mark(&committed, chrono::Utc::now()).await.unwrap();
        committed.records
    }

    /// A number from the test's database.
    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// Runs statements in the test's database.
    pub async fn execute(&self, sql: &str) {
        sqlx::raw_sql(sql).execute(&self.pool).await.unwrap();
    }
}

/// A partition of the tests' topic.
pub fn source(partition: i32) -> Source {
    Source { cluster_id: "cluster".into(), topic_id: "topic".into(), partition }
}

/// The key of an offset's row, another for each incarnation of a topic. Keys of a partition are ordered as offsets are.
pub fn id(source: &Source, offset: i64) -> String {
    format!("{}-{}-{offset:06}", source.topic_id, source.partition)
}

/// The time of an offset's row.
pub fn time(offset: i64) -> i64 {
    BEGIN + offset * 1_000_000
}

/// A row with a value in each column, whatever the columns are.
///
/// # Errors
/// When the segment is of another schema.
pub fn push_row(
    schema: &TableSchema,
    source: &Source,
    offset: i64,
    segment: &mut SegmentBuilder,
) -> anyhow::Result<()> {
    let (id, document) = (id(source, offset), format!("{{\"offset\":{offset}}}"));
    let values = schema.columns.iter().enumerate().map(|(position, column)| match column.kind {
        ColumnType::Text if position == schema.key => Value::Text(&id),
        ColumnType::Text => Value::Text(if offset % 2 == 0 { "even" } else { "odd" }),
        ColumnType::Document => Value::Text(&document),
        ColumnType::Long => Value::Long(offset),
        ColumnType::Int => Value::Int(source.partition),
        ColumnType::Bool => Value::Bool(offset % 2 == 0),
        ColumnType::Double => Value::Double(0.5),
        ColumnType::Timestamp => Value::Timestamp(time(offset)),
    });
    segment.push(&values.collect::<Vec<_>>())
}
