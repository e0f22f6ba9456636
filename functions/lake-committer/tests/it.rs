//! The committer's loop against real Postgres (`DATABASE_URL`) and S3 (`AWS_ENDPOINT_URL`). Its crash points are
//! tested in the lake crate.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use domain::lake::{CommitLimits, Source};
use kit::{Invocation, Secret};
use lake::{Config, Lake, Newest, Offered, Reader, S3, SegmentBuilder, Value, github};
use lake_committer::{Deps, Settings, Summary, handle};
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
    RUNTIME.block_on(async { test(World::new().await).await });
}

impl World {
    async fn new() -> Self {
        let endpoint = std::env::var("AWS_ENDPOINT_URL").expect(
            "AWS_ENDPOINT_URL is not set: run `make test`, or eval \"$(millrace env)\" of a running stack first",
        );
        let bucket = "millrace-lake-tests";
        // Answers an error when the bucket is there already, which is just as good.
        reqwest::Client::new().put(format!("{endpoint}/{bucket}")).send().await.expect("S3 answers");
        let database = pg::testing::database().await;
        let config = Config {
            warehouse: format!("s3://{bucket}/{}", Uuid::new_v4()),
            catalog: "millrace".into(),
            namespace: github::NAMESPACE.into(),
            table: github::TABLE.into(),
            s3: S3 {
                endpoint: Some(endpoint),
                region: Some("us-east-1".into()),
                access_key_id: Some("test".into()),
                secret_access_key: Some("test".into()),
                session_token: None,
            },
        };
        let lake = Lake::new(config, &github::SCHEMA, database.pool.clone());
        Self { lake, pool: database.pool, url: database.url }
    }

    /// A committer that commits whatever is `age` old and ends after half a second of quiet.
    fn deps(&self, age: Duration) -> Deps {
        let settings = Settings {
            limits: CommitLimits { bytes: 1 << 20, segments: 4, age },
            file_bytes: 1 << 20,
            idle: Duration::from_millis(500),
        };
        Deps::new(self.lake.clone(), self.pool.clone(), Secret::new(&self.url), settings)
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
        Reader::new(self.lake.clone()).newest(&newest).await.unwrap().len()
    }
}

async fn invoke(deps: &Deps) -> Summary {
    let event: serde_json::Value =
        serde_json::from_str(include_str!("../../../events/lake-committer/schedule.json")).unwrap();
    handle(deps, event, &Invocation::for_test(Duration::from_secs(5))).await.unwrap()
}

#[test]
fn what_waits_is_committed_and_the_same_event_again_commits_nothing() {
    in_world(|world| async move {
        world.stage(0..10).await;
        world.stage(10..15).await;
        let deps = world.deps(Duration::ZERO);
        let summary = invoke(&deps).await;
        assert_eq!((summary.held_lease, summary.commits, summary.records), (true, 1, 15));
        assert_eq!(world.rows().await, 15);
        let again = invoke(&deps).await;
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
        let summary = invoke(&world.deps(Duration::from_secs(3600))).await;
        assert_eq!((summary.commits, summary.records), (2, 40), "four segments a commit; the ninth waits");
        assert_eq!(world.rows().await, 45, "and is read all the same");
    });
}

#[test]
fn of_two_committers_at_once_one_does_the_work() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let (first, second) = (world.deps(Duration::ZERO), world.deps(Duration::ZERO));
        let (a, b) = tokio::join!(invoke(&first), invoke(&second));
        assert_eq!(u8::from(a.held_lease) + u8::from(b.held_lease), 1);
        assert_eq!(a.commits + b.commits, 1);
        assert_eq!(world.rows().await, 10);
    });
}
