//! Leases against a real Postgres.

use std::time::Duration;

use pg::{Lease, testing};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn one_holder_at_a_time_and_a_larger_token_for_the_next() {
    let db = testing::database().await;
    let first = Lease::acquire(&db.pool, "poller", "a", LONG).await.unwrap().unwrap();
    assert!(Lease::acquire(&db.pool, "poller", "b", LONG).await.unwrap().is_none(), "a holds it");
    first.renew(&db.pool).await.unwrap();
    let token = first.token();
    first.release(&db.pool).await.unwrap();
    let second = Lease::acquire(&db.pool, "poller", "b", LONG).await.unwrap().unwrap();
    assert!(second.token() > token);
    db.drop_database().await;
}

#[tokio::test]
async fn a_holder_whose_lease_has_expired_is_fenced_off() {
    let db = testing::database().await;
    let slow = Lease::acquire(&db.pool, "committer", "slow", Duration::ZERO).await.unwrap().unwrap();
    let next = Lease::acquire(&db.pool, "committer", "next", LONG).await.unwrap().unwrap();
    assert!(slow.renew(&db.pool).await.is_err());
    let mut transaction = db.pool.begin().await.unwrap();
    assert!(slow.fence(&mut *transaction).await.is_err());
    next.fence(&mut *transaction).await.unwrap();
    transaction.rollback().await.unwrap();
    slow.release(&db.pool).await.unwrap();
    next.renew(&db.pool).await.expect("releasing an old lease leaves the new holder alone");
    db.drop_database().await;
}

#[tokio::test]
async fn a_success_is_noted_by_the_holder_and_by_nobody_after_it() {
    let db = testing::database().await;
    let noted = async || {
        let query = sqlx::query_scalar::<_, bool>("select succeeded_at is not null from leases where name = 'worker'");
        query.fetch_one(&db.pool).await.unwrap()
    };
    let slow = Lease::acquire(&db.pool, "worker", "slow", Duration::ZERO).await.unwrap().unwrap();
    let next = Lease::acquire(&db.pool, "worker", "next", LONG).await.unwrap().unwrap();
    slow.succeed(&db.pool).await.unwrap();
    assert!(!noted().await);
    next.succeed(&db.pool).await.unwrap();
    next.release(&db.pool).await.unwrap();
    assert!(noted().await, "it outlives the lease");
    db.drop_database().await;
}
