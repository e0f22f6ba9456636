//! A fresh, migrated database for one test, on the server that `DATABASE_URL` names.

use sqlx::{Connection, Executor, PgConnection, PgPool};
use uuid::Uuid;

use crate::{Config, migrations};
use kit::Secret;

/// One test's own database. [`TestDatabase::drop_database`] removes it; a failed test leaves its own behind to look at.
#[derive(Debug)]
pub struct TestDatabase {
    /// Connected to the fresh database.
    pub pool: PgPool,
    /// Its address, for a function under test.
    pub url: String,
    name: String,
    server_url: String,
}

/// Creates a database with all of `migrations/metadata` applied.
///
/// # Panics
/// When `DATABASE_URL` is unset or the server refuses: a test must not pass because its database was away.
#[allow(clippy::panic, clippy::expect_used, reason = "this is test support")]
pub async fn database() -> TestDatabase {
    let Ok(server_url) = std::env::var("DATABASE_URL") else {
        panic!("DATABASE_URL is not set: run `make test`, or eval \"$(millrace env)\" of a running stack first");
    };
    let name = format!("test_{}", Uuid::now_v7().simple());
    let mut server = PgConnection::connect(&server_url).await.expect("connect to DATABASE_URL");
    server.execute(format!("create database {name}").as_str()).await.expect("create the test's database");
    let (base, _) = server_url.rsplit_once('/').expect("DATABASE_URL ends in a database name");
    let url = format!("{base}/{name}");
    let pool = crate::connect(&Config::new(Secret::new(&url))).await.expect("connect to the test's database");
    migrations::METADATA.run(&pool).await.expect("apply migrations/metadata");
    TestDatabase { pool, url, name, server_url }
}

/// A pool for what needs one and asks it nothing.
///
/// # Panics
/// Never: nothing connects.
#[allow(clippy::expect_used, reason = "this is test support")]
pub fn nowhere() -> PgPool {
    crate::connect_lazy(&Config::new(Secret::new("postgres://nobody@localhost/none"))).expect("an address that parses")
}

impl TestDatabase {
    /// Closes the pool and drops the database.
    ///
    /// # Panics
    /// When the server refuses.
    #[allow(clippy::expect_used, reason = "this is test support")]
    pub async fn drop_database(self) {
        self.pool.close().await;
        let mut server = PgConnection::connect(&self.server_url).await.expect("connect to DATABASE_URL");
        let statement = format!("drop database if exists {} with (force)", self.name);
        server.execute(statement.as_str()).await.expect("drop the test's database");
    }
}
