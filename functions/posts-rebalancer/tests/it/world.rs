//! A master and four shards of a test's own; the fourth is an empty database until a move brings its tables.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::posts::{ShardId, ShardMap};
use kit::{Invocation, Secret};
use pg::testing::{self, TestDatabase};
use posts_rebalancer::{Rebalancer, Settings, Summary};
use sqlx::migrate::Migrator;
use sqlx::{Connection, Executor, PgConnection, PgPool};

pub(crate) struct World {
    pub(crate) master: TestDatabase,
    pub(crate) shards: Vec<TestDatabase>,
    pub(crate) settings: Settings,
}

/// A row of posts_moves, as far as tests look at it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Move {
    pub(crate) step: String,
    pub(crate) error: Option<String>,
    pub(crate) rows_copied: i64,
    pub(crate) rows_verified: i64,
    pub(crate) rows_deleted: i64,
    pub(crate) attempts: i32,
    pub(crate) thaws: i32,
}

/// Few rows a piece and little time a part, so that small tests have many of both.
const SETTINGS: Settings = Settings {
    piece_rows: 7,
    budget: Duration::from_millis(20),
    patience: Duration::from_secs(3),
    standby: Duration::from_secs(1),
};

impl World {
    pub(crate) async fn new() -> Self {
        let (master, nothing) =
            (testing::database().await, Migrator { migrations: Cow::Borrowed(&[]), ..Migrator::DEFAULT });
        let mut shards = Vec::new();
        for number in 1..=3 {
            shards.push(testing::shard(number).await);
        }
        shards.push(testing::database_of("POSTGRES_SHARD_1_URL", &nothing).await);
        for (number, shard) in (1..).zip(&shards) {
            let place = pg::Config::new(Secret::new(&shard.url)).place().unwrap();
            let insert =
                "insert into shard_metadata (id, shard_name, host, port, database_name) values ($1, $2, $3, $4, $5)";
            let insert = sqlx::query(insert).bind(number).bind(format!("shard-{number}")).bind(place.host);
            insert.bind(i32::from(place.port)).bind(place.database).execute(&master.pool).await.unwrap();
        }
        for (partition, assignment) in ShardMap::first(&[1, 2, 3]).unwrap().iter() {
            let insert = sqlx::query("insert into posts_shard_map (partition, shard_id, epoch) values ($1, $2, $3)");
            let insert = insert.bind(partition.number()).bind(assignment.shard).bind(assignment.epoch);
            insert.execute(&master.pool).await.unwrap();
        }
        Self { master, shards, settings: SETTINGS }
    }

    pub(crate) fn shard(&self, id: ShardId) -> &PgPool {
        &self.shards[usize::try_from(id).unwrap() - 1].pool
    }

    /// Where a partition is, and since which epoch.
    pub(crate) async fn at(&self, partition: i32) -> (ShardId, i64) {
        let query = sqlx::query_as("select shard_id, epoch from posts_shard_map where partition = $1");
        query.bind(partition).fetch_one(&self.master.pool).await.unwrap()
    }

    /// What `POST /moves` leaves.
    pub(crate) async fn ask(&self, partition: i32, to: ShardId) -> i64 {
        let insert = "insert into posts_moves (partition, from_shard, to_shard, from_epoch)
             select partition, shard_id, $2, epoch from posts_shard_map where partition = $1 returning id";
        let insert = sqlx::query_scalar(insert).bind(partition).bind(to);
        insert.fetch_one(&self.master.pool).await.unwrap()
    }

    pub(crate) async fn state(&self, id: i64) -> Move {
        let query = sqlx::query_as("select * from posts_moves where id = $1").bind(id);
        query.fetch_one(&self.master.pool).await.unwrap()
    }

    pub(crate) fn rebalancer(&self) -> Rebalancer {
        // The fourth shard's credentials are those of the first: nobody is told of a shard that is added.
        let credentials: BTreeMap<String, pg::Config> = (1..=3)
            .map(|number| (format!("shard-{number}"), pg::Config::new(Secret::new(&self.shards[number - 1].url))))
            .collect();
        posts_rebalancer::rebalancer(self.master.pool.clone(), credentials, self.settings)
    }

    /// One invocation, by an instance of its own.
    pub(crate) async fn invoke(&self) -> anyhow::Result<Summary> {
        let event = serde_json::from_str(include_str!("../../../../events/posts-rebalancer/schedule.json")).unwrap();
        posts_rebalancer::handle(&self.rebalancer(), event, &Invocation::for_test(Duration::from_secs(40))).await
    }

    /// Whoever held the lease is gone.
    pub(crate) async fn expire_lease(&self) {
        self.master.pool.execute("update leases set expires_at = now()").await.unwrap();
    }

    /// The grace for readers is over, and so are pauses between attempts.
    pub(crate) async fn pass_time(&self) {
        let pass = "update posts_moves set switched_at = switched_at - interval '1 minute', retry_at = null
             where finished_at is null";
        self.master.pool.execute(pass).await.unwrap();
    }

    /// Invokes until all moves are over.
    pub(crate) async fn settle(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            self.expire_lease().await;
            if self.invoke().await.unwrap().open == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "moves do not end");
            self.pass_time().await;
        }
    }

    /// The shard's database refuses connections, and ends those that it has.
    pub(crate) async fn lose(&self, id: ShardId) {
        let server = std::env::var(format!("POSTGRES_SHARD_{}_URL", if id == 4 { 1 } else { id })).unwrap();
        let name = self.name(id);
        let mut server = PgConnection::connect(&server).await.unwrap();
        server.execute(format!("alter database {name} allow_connections false").as_str()).await.unwrap();
        let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
        server.execute(end.as_str()).await.unwrap();
    }

    pub(crate) async fn find(&self, id: ShardId) {
        let server = std::env::var(format!("POSTGRES_SHARD_{}_URL", if id == 4 { 1 } else { id })).unwrap();
        let mut server = PgConnection::connect(&server).await.unwrap();
        let allow = format!("alter database {} allow_connections true", self.name(id));
        server.execute(allow.as_str()).await.unwrap();
    }

    fn name(&self, id: ShardId) -> String {
        self.shards[usize::try_from(id).unwrap() - 1].url.rsplit('/').next().unwrap().to_owned()
    }

    pub(crate) async fn count(&self, shard: ShardId, table: &str, partition: i32) -> i64 {
        let count = format!("select count(*) from {table} where partition = $1");
        sqlx::query_scalar(&count).bind(partition).fetch_one(self.shard(shard)).await.unwrap()
    }

    pub(crate) async fn drop(self) {
        self.master.drop_database().await;
        for shard in self.shards {
            shard.drop_database().await;
        }
    }
}
