//! The migrator against a real Postgres.

use std::time::Duration;

use db_migrator::{Deps, Request, handle};
use kit::Invocation;
use pg::testing;

#[tokio::test]
async fn the_sample_event_twice_changes_nothing_the_second_time() {
    let db = testing::database().await;
    let newest = pg::migrations::METADATA.iter().map(|migration| migration.version).max().unwrap();
    let deps = Deps::new(db.pool.clone());
    for _ in 0..2 {
        let event: Request = serde_json::from_str(include_str!("../../../events/db-migrator/migrate.json")).unwrap();
        let summary = handle(&deps, event, &Invocation::for_test(Duration::from_secs(30))).await.unwrap();
        assert_eq!((summary.applied, summary.version), (0, newest), "testing::database has applied all");
    }
    db.drop_database().await;
}

#[tokio::test]
async fn a_migration_that_fails_half_way_leaves_nothing_and_the_next_run_mends_it() {
    let db = testing::database().await;
    // The database as it was before the newest migration, with something in the way of the whole of it.
    sqlx::query("drop table leases").execute(&db.pool).await.unwrap();
    sqlx::query("delete from _sqlx_migrations where version = 1").execute(&db.pool).await.unwrap();
    sqlx::query("create view leases as select 1 as in_the_way").execute(&db.pool).await.unwrap();
    let deps = Deps::new(db.pool.clone());
    let invocation = Invocation::for_test(Duration::from_secs(30));
    let error = handle(&deps, Request {}, &invocation).await.unwrap_err();
    assert!(format!("{error:#}").contains("leases"), "{error:#}");
    sqlx::query("drop view leases").execute(&db.pool).await.unwrap();
    assert_eq!(handle(&deps, Request {}, &invocation).await.unwrap().applied, 1);
    db.drop_database().await;
}
