//! A test's own master, shards and topic.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::DateTime;
use domain::posts::{Comment, Id, Like, PARTITIONS, Partition, Post, ShardMap, Write, partition_of};
use kit::kafka::{BatchResponse, KafkaEvent, Record};
use kit::{Invocation, Secret};
use pg::testing::{self, TestDatabase};
use posts_shard_writer::{Writer, handle};
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use shards::{Limits, Shards};
use sqlx::PgPool;
use uuid::Uuid;

use crate::proxy::Proxy;

/// The first partition of each shard.
pub(crate) const FIRST: [i32; 3] = [0, 16, 32];

pub(crate) struct World {
    pub(crate) writer: Writer,
    pub(crate) master: TestDatabase,
    pub(crate) shards: Vec<TestDatabase>,
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) kafka: kafka::Config,
    pub(crate) topic: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let Ok(servers) = std::env::var("KAFKA_BOOTSTRAP_SERVERS") else {
            panic!(
                "KAFKA_BOOTSTRAP_SERVERS is not set: run `make test`, or eval \"$(millrace env)\" of a running stack"
            )
        };
        let kafka = kafka::Config::plaintext(servers);
        let topic = format!("writes-{}", Uuid::new_v4());
        for (name, partitions) in [(topic.clone(), i32::from(PARTITIONS)), (format!("{topic}.dlq"), 1)] {
            kafka::admin::create_topic(&kafka, &name, partitions, &BTreeMap::new()).await.unwrap();
        }
        let master = testing::database().await;
        let (mut shards, mut proxies) = (Vec::new(), Vec::new());
        for number in 1..=3 {
            let shard = testing::shard(number).await;
            let place = pg::Config::new(Secret::new(&shard.url)).place().unwrap();
            let proxy = Proxy::open(format!("{}:{}", place.host, place.port)).await;
            sqlx::query(
                "insert into shard_metadata (shard_name, host, port, database_name) values ($1, '127.0.0.1', $2, $3)",
            )
            .bind(format!("shard-{number}"))
            .bind(i32::from(proxy.port))
            .bind(&place.database)
            .execute(&master.pool)
            .await
            .unwrap();
            shards.push(shard);
            proxies.push(proxy);
        }
        for (partition, at) in ShardMap::first(&[1, 2, 3]).unwrap().iter() {
            sqlx::query("insert into posts_shard_map (partition, shard_id, epoch) values ($1, $2, $3)")
                .bind(partition.number())
                .bind(at.shard)
                .bind(at.epoch)
                .execute(&master.pool)
                .await
                .unwrap();
        }
        let writer = writer(&master, &shards, &kafka);
        Self { writer, master, shards, proxies, kafka, topic }
    }

    /// Another instance.
    pub(crate) fn another_writer(&self) -> Writer {
        writer(&self.master, &self.shards, &self.kafka)
    }

    pub(crate) fn record(&self, partition: i32, offset: i64, value: impl Into<Vec<u8>>) -> Record {
        Record {
            topic: self.topic.as_str().into(),
            partition,
            offset,
            timestamp_ms: 1_795_000_000_000 + offset,
            key: None,
            value: Some(value.into()),
            headers: Vec::new(),
        }
    }

    /// Records from `offset` on of one partition.
    pub(crate) fn records(&self, partition: i32, offset: i64, writes: &[Write]) -> Vec<Record> {
        (offset..).zip(writes).map(|(offset, write)| self.record(partition, offset, write.to_json())).collect()
    }

    pub(crate) async fn handle(&self, records: Vec<Record>) -> BatchResponse {
        handle_by(&self.writer, records).await
    }

    /// Delivers again what failed, as Lambda does, until nothing does.
    pub(crate) async fn deliver_until_done(&self, records: &[Record]) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut left = records.to_vec();
        while !left.is_empty() {
            assert!(Instant::now() < deadline, "{} records are left", left.len());
            let response = self.handle(left.clone()).await;
            left.retain(|record| {
                response.failed_from(&self.topic, record.partition).is_some_and(|from| record.offset >= from)
            });
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A number of each shard.
    pub(crate) async fn numbers(&self, query: &str) -> Vec<i64> {
        let mut numbers = Vec::new();
        for shard in &self.shards {
            numbers.push(number(&shard.pool, query).await);
        }
        numbers
    }

    pub(crate) async fn progress(&self, partition: i32) -> Option<i64> {
        let shard = usize::try_from(partition / 16).unwrap();
        sqlx::query_scalar("select next_offset from posts_progress where topic = $1 and partition = $2")
            .bind(&self.topic)
            .bind(partition)
            .fetch_optional(&self.shards[shard].pool)
            .await
            .unwrap()
    }

    /// `error.rule` and `origin.offset` of the dead letters: waits for `count` of them and sees that no more come.
    pub(crate) fn dead_letters(&self, count: usize) -> Vec<(String, String)> {
        let group = format!("test-{}", Uuid::new_v4());
        let mut config = self.kafka.client();
        config.set("group.id", group).set("auto.offset.reset", "earliest").set("enable.partition.eof", "true");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[&format!("{}.dlq", self.topic)]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut letters = Vec::new();
        loop {
            assert!(Instant::now() < deadline, "{} dead letters instead of {count}", letters.len());
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    let headers = message.headers().unwrap();
                    let header = |name: &str| {
                        let found = headers.iter().find(|header| header.key == name).unwrap();
                        String::from_utf8(found.value.unwrap().to_vec()).unwrap()
                    };
                    letters.push((header("error.rule"), header("origin.offset")));
                }
                Some(Err(_)) if letters.len() >= count => {
                    letters.sort();
                    return letters;
                }
                _ => {}
            }
        }
    }

    /// What must hold whatever has happened: counters are what there is to be counted.
    pub(crate) async fn assert_counters_are_exact(&self) {
        let wrong = "select count(*) from (
                select post_id, count(*) filter (where kind = 'c') as comments, count(*) filter (where kind = 'l') as likes
                from (select post_id, 'c' as kind from comments union all select post_id, 'l' from likes) as rows
                group by post_id) as counted
            full join post_counters as kept using (post_id)
            where counted.comments is distinct from kept.comments or counted.likes is distinct from kept.likes";
        assert_eq!(self.numbers(wrong).await, [0, 0, 0]);
    }

    pub(crate) async fn end(self) {
        for name in [self.topic.clone(), format!("{}.dlq", self.topic)] {
            kafka::admin::delete_topic(&self.kafka, &name).await.unwrap();
        }
        for database in self.shards.into_iter().chain([self.master]) {
            database.drop_database().await;
        }
    }
}

fn writer(master: &TestDatabase, shards: &[TestDatabase], kafka: &kafka::Config) -> Writer {
    let credentials =
        (1..).zip(shards).map(|(number, shard)| (format!("shard-{number}"), pg::Config::new(Secret::new(&shard.url))));
    let limits = Limits { connections: 2, acquire: Duration::from_millis(500), statement: Duration::from_secs(10) };
    Writer::new(Shards::new(master.pool.clone(), credentials.collect(), limits), kafka.clone())
}

pub(crate) async fn handle_by(writer: &Writer, records: Vec<Record>) -> BatchResponse {
    let invocation = Invocation::for_test(Duration::from_secs(30));
    handle(writer, KafkaEvent::from_records(records), &invocation).await.unwrap()
}

pub(crate) async fn number(pool: &PgPool, query: &str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

/// The nth id of a post in this partition.
pub(crate) fn post_in(partition: i32, n: usize) -> Id {
    let ids = (0_u64..).map(|n| Id::v8(&[&n.to_be_bytes()]));
    ids.filter(|id| Some(partition_of(*id)) == Partition::new(partition)).nth(n).unwrap()
}

/// The nth id of something that is no post.
pub(crate) fn id(partition: i32, n: usize) -> Id {
    Id::v8(&[b"other", &partition.to_be_bytes(), &n.to_be_bytes()])
}

pub(crate) fn post(partition: i32, n: usize) -> Write {
    let created_at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    Write::Post(Post {
        id: post_in(partition, n),
        user_id: format!("user-{n}"),
        content: format!("post {n}"),
        created_at,
    })
}

pub(crate) fn comment(partition: i32, on: usize, n: usize) -> Write {
    let created_at = DateTime::from_timestamp(1_795_000_001, 0).unwrap();
    let (id, post_id) = (id(partition, n), post_in(partition, on));
    Write::Comment(Comment { id, post_id, user_id: "jane".into(), content: format!("comment {n}"), created_at })
}

pub(crate) fn like(partition: i32, on: usize, n: usize, user: &str) -> Write {
    let created_at = DateTime::from_timestamp(1_795_000_002, 0).unwrap();
    Write::Like(Like { id: id(partition, n), post_id: post_in(partition, on), user_id: user.into(), created_at })
}

/// A post, two comments and two likes, in this order.
pub(crate) fn five(partition: i32) -> Vec<Write> {
    vec![
        post(partition, 0),
        comment(partition, 0, 1),
        like(partition, 0, 2, "bob"),
        comment(partition, 0, 3),
        like(partition, 0, 4, "eve"),
    ]
}
