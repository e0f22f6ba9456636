//! A fresh, migrated database for one test, on a server of the environment.

use sqlx::{Connection, Executor, PgConnection, PgPool, migrate::Migrator};
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
pub async fn database() -> TestDatabase {
    database_of("DATABASE_URL", &migrations::METADATA).await
}

/// Creates a database on the server that `POSTGRES_SHARD_<number>_URL` names, with all of `migrations/posts-shard` applied.
///
/// # Panics
/// As [`database`].
pub async fn shard(number: usize) -> TestDatabase {
    database_of(&format!("POSTGRES_SHARD_{number}_URL"), &migrations::POSTS_SHARD).await
}

/// Creates an empty database on the server that `variable` names, and applies `migrations`.
///
/// # Panics
/// As [`database`].
#[allow(clippy::panic, clippy::expect_used, reason = "this is test support")]
pub async fn database_of(variable: &str, migrations: &Migrator) -> TestDatabase {
    let Ok(server_url) = std::env::var(variable) else {
        panic!("{variable} is not set: run `make test`, or eval \"$(millrace env)\" of a running stack first");
    };
    let name = format!("test_{}", Uuid::now_v7().simple());
    let mut server = PgConnection::connect(&server_url).await.expect("connect to the server");
    server.execute(format!("create database {name}").as_str()).await.expect("create the test's database");
    let (base, _) = server_url.rsplit_once('/').expect("an address that ends in a database name");
    let url = format!("{base}/{name}");
    let pool = crate::connect(&Config::new(Secret::new(&url))).await.expect("connect to the test's database");
    migrations.run(&pool).await.expect("apply the migrations");
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
        let mut server = PgConnection::connect(&self.server_url).await.expect("connect to the server");
        let statement = format!("drop database if exists {} with (force)", self.name);
        server.execute(statement.as_str()).await.expect("drop the test's database");
    }
}
