//! The committer's loop against real Postgres (`DATABASE_URL`), S3 (`AWS_ENDPOINT_URL`) and a REST catalog
//! (`ICEBERG_REST_URI`). Its crash points are tested in the lake crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, its helpers too"
)]

use std::time::Duration;

use domain::lake::CommitLimits;
use ingest::{CommitWorker, Settings, Summary};
use kit::Invocation;
use lake::testing::{World, in_world_of, in_world_with};
use lake::{Authorization, CatalogConfig, RestConfig, github};
use lake_committer::handle;
use uuid::Uuid;

fn in_world<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    in_world_of(github::NAMESPACE, github::TABLE, &github::SCHEMA, test);
}

/// A committer that commits whatever is `age` old and ends after half a second of quiet.
fn worker(world: &World, age: Duration) -> CommitWorker {
    let settings = Settings {
        limits: CommitLimits { bytes: 1 << 20, segments: 4, age },
        file_bytes: 1 << 20,
        idle: Duration::from_millis(500),
        maintain_commits: 16,
        maintenance: lake::Maintenance::default(),
    };
    CommitWorker::new(world.lake.clone(), world.pool.clone(), world.catalog.clone(), settings)
}

async fn invoke(worker: &CommitWorker) -> Summary {
    let event: serde_json::Value =
        serde_json::from_str(include_str!("../../../events/lake-committer/schedule.json")).unwrap();
    handle(worker, event, &Invocation::for_test(Duration::from_secs(60))).await.unwrap()
}

#[test]
fn what_waits_is_committed_and_the_same_event_again_commits_nothing() {
    in_world(|world| async move {
        world.stage(0..10).await;
        world.stage(10..15).await;
        let worker = worker(&world, Duration::ZERO);
        let summary = invoke(&worker).await;
        assert_eq!((summary.held_lease, summary.commits, summary.records), (true, 1, 15));
        assert_eq!(world.ids().await.len(), 15);
        let again = invoke(&worker).await;
        assert_eq!((again.commits, again.records), (0, 0), "no empty commits");
        assert_eq!(world.ids().await.len(), 15);
    });
}

#[test]
fn many_segments_are_committed_at_once_and_few_wait_for_their_age() {
    in_world(|world| async move {
        for n in 0..9 {
            world.stage(n * 5..n * 5 + 5).await;
        }
        let summary = invoke(&worker(&world, Duration::from_secs(3600))).await;
        assert_eq!((summary.commits, summary.records), (2, 40), "four segments a commit; the ninth waits");
        assert_eq!(world.ids().await.len(), 45, "and is read all the same");
    });
}

#[test]
fn of_two_committers_at_once_one_does_the_work() {
    in_world(|world| async move {
        world.stage(0..10).await;
        let (first, second) = (worker(&world, Duration::ZERO), worker(&world, Duration::ZERO));
        let (a, b) = tokio::join!(invoke(&first), invoke(&second));
        assert_eq!(u8::from(a.held_lease) + u8::from(b.held_lease), 1);
        assert_eq!(a.commits + b.commits, 1);
        assert_eq!(world.ids().await.len(), 10);
    });
}

#[test]
fn the_table_is_kept_between_commits_and_an_engine_that_keeps_it_is_left_to_it() {
    for (maintain_commits, kept) in [(4, true), (0, false)] {
        in_world(|world| async move {
            for n in 0..20 {
                world.stage([n]).await;
            }
            let settings = Settings {
                limits: CommitLimits { bytes: 1 << 20, segments: 1, age: Duration::ZERO },
                file_bytes: 1 << 20,
                idle: Duration::from_millis(500),
                maintain_commits,
                maintenance: lake::Maintenance { snapshots: 5, ..lake::Maintenance::default() },
            };
            let worker = CommitWorker::new(world.lake.clone(), world.pool.clone(), world.catalog.clone(), settings);
            let event = serde_json::Value::Null;
            let summary = handle(&worker, event, &Invocation::for_test(Duration::from_secs(60))).await.unwrap();
            assert_eq!((summary.commits, summary.records), (20, 20));
            let upkeep = summary.upkeep;
            assert_eq!((upkeep.files_joined >= 8, upkeep.snapshots_expired >= 10), (kept, kept), "{upkeep:?}");
            assert_eq!(world.ids().await.len(), 20);
            assert_eq!(world.count("select records from lake_tables").await, 20);
        });
    }
}

#[test]
fn a_rest_catalog_gets_the_same_commits_and_is_left_unmaintained() {
    let uri = std::env::var("ICEBERG_REST_URI").expect("ICEBERG_REST_URI is not set: run `make test`");
    let authorization = Authorization::Credential("millrace:secret".to_owned());
    let catalog = CatalogConfig::Rest(RestConfig { uri, authorization, ..RestConfig::default() });
    let namespace = format!("committer_{}", Uuid::new_v4().simple());
    in_world_with(
        &namespace,
        github::TABLE,
        &github::SCHEMA,
        |_| catalog,
        async |world| {
            let worker = worker(&world, Duration::ZERO);
            for n in 0..3 {
                world.stage(n * 5..n * 5 + 5).await;
                let summary = invoke(&worker).await;
                assert_eq!((summary.commits, summary.records), (1, 5));
            }
            assert_eq!((world.ids().await.len(), world.committed_ids().await.len()), (15, 15));
        },
    );
}
