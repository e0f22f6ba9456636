//! The committer's loop against real Postgres (`DATABASE_URL`) and S3 (`AWS_ENDPOINT_URL`). Its crash points are
//! tested in the lake crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use domain::lake::{CommitLimits, Source};
use ingest::{CommitWorker, Settings, Summary};
use kit::{Invocation, Secret};
use lake::{Config, Lake, Newest, Offered, Reader, SegmentBuilder, Value, github};
use lake_committer::handle;
use pg::testing::TestDatabase;
use sqlx::PgPool;
use uuid::Uuid;

/// One runtime for all tests: storage keeps its connections in a static, and they die with the runtime they began in.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

struct World {
    lake: Lake,
    pool: PgPool,
    url: String,
}

fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    RUNTIME.block_on(async {
        let database = pg::testing::database().await;
        test(World::new(&database).await).await;
        database.drop_database().await;
    });
}

impl World {
    async fn new(database: &TestDatabase) -> Self {
        let mut config = Config::read(github::NAMESPACE, github::TABLE, |name| std::env::var(name).ok());
        config.warehouse = format!("s3://millrace-lake/tests/{}", Uuid::new_v4());
        let lake = Lake::new(config, &github::SCHEMA, database.pool.clone());
        Self { lake, pool: database.pool.clone(), url: database.url.clone() }
    }

    /// A committer that commits whatever is `age` old and ends after half a second of quiet.
    fn worker(&self, age: Duration) -> CommitWorker {
        let settings = Settings {
            limits: CommitLimits { bytes: 1 << 20, segments: 4, age },
            file_bytes: 1 << 20,
            idle: Duration::from_millis(500),
        };
        CommitWorker::new(self.lake.clone(), self.pool.clone(), Secret::new(&self.url), settings)
    }

    async fn stage(&self, offsets: std::ops::Range<i64>) {
        let source = Source { cluster_id: "c".into(), topic_id: "t".into(), partition: 0 };
        let offered = Offered { source, topic: "github-events".into(), offsets: offsets.clone().collect() };
        let mut plan = self.lake.plan(&[offered]).await.unwrap();
        let mut segment = SegmentBuilder::new(&github::SCHEMA).unwrap();
        for n in offsets {
            let (id, time) = (n.to_string(), Value::Timestamp(1_795_248_000_000_000 + n));
            let (text, long) = (Value::Text("x"), Value::Long(n));
            let (null, place) = (Value::Null, Value::Int(0));
            segment
                .push(&[
                    Value::Text(&id),
                    text,
                    null,
                    long,
                    text,
                    long,
                    text,
                    null,
                    null,
                    null,
                    time,
                    time,
                    null,
                    text,
                    place,
                    long,
                ])
                .unwrap();
            plan.partitions[0].records += 1;
        }
        let segment = segment.finish().unwrap();
        self.lake.stage(&plan, segment.as_ref()).await.unwrap();
    }

    async fn rows(&self) -> usize {
        let newest = Newest { since: i64::MIN, equal: None, limit: 10_000 };
        Reader::new(self.lake.clone()).newest(&newest).await.unwrap().rows.len()
    }
}

async fn invoke(worker: &CommitWorker) -> Summary {
    let event: serde_json::Value =
        serde_json::from_str(include_str!("../../../events/lake-committer/schedule.json")).unwrap();
    handle(worker, event, &Invocation::for_test(Duration::from_secs(5))).await.unwrap()
}

#[test]
fn what_waits_is_committed_and_the_same_event_again_commits_nothing() {
    in_world(|world| async move {
        world.stage(0..10).await;
        world.stage(10..15).await;
        let worker = world.worker(Duration::ZERO);
        let summary = invoke(&worker).await;
        assert_eq!((summary.held_lease, summary.commits, summary.records), (true, 1, 15));
        assert_eq!(world.rows().await, 15);
        let again = invoke(&worker).await;
        assert_eq!((again.commits, again.records), (0, 0), "no empty commits");
        assert_eq!(world.rows().await, 15);
    });
}

#[test]
fn many_segments_are_committed_at_once_and_few_wait_for_their_age() {
    in_world(|world| async move {
        for n in 0..9 {
            world.stage(n * 5..n * 5 + 5).await;
        }
        let summary = invoke(&world.worker(Duration::from_secs(3600))).await;
        assert_eq!((summary.commits, summary.records), (2, 40), "four segments a commit; the ninth waits");
        assert_eq!(world.rows().await, 45, "and is read all the same");
    });
}

#[test]
fn of_two_committers_at_once_one_does_the_work() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let (first, second) = (world.worker(Duration::ZERO), world.worker(Duration::ZERO));
        let (a, b) = tokio::join!(invoke(&first), invoke(&second));
        assert_eq!(u8::from(a.held_lease) + u8::from(b.held_lease), 1);
        assert_eq!(a.commits + b.commits, 1);
        assert_eq!(world.rows().await, 10);
    });
}
