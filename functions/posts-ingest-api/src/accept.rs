//! From a write to its record in Kafka, and the answer.

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use domain::posts::{Partition, Token, Write, check_key};
use kafka::{Message, Producer, Written};
use kit::http::Problem;
use kit::metrics::Metrics;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How often a record is sent again that Kafka has, and does not say where.
const AGAIN: usize = 3;

/// What a write is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A post.
    Post,
    /// A comment on a post.
    Comment,
    /// A like of a post.
    Like,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Comment => "comment",
            Self::Like => "like",
        }
    }
}

/// The client's `Idempotency-Key`; in a bulk request one for each write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    text: &'a str,
    place: Option<u64>,
}

impl<'a> Key<'a> {
    /// That of a request, when it has one.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all("idempotency-key").iter();
        let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
        // A value that is not ASCII is judged as one that is not visible.
        let text = value.to_str().unwrap_or_default();
        check_key(text).map_err(|fault| Problem::bad_parameter(fault.field, &fault.fault, fault.accepted))?;
        if more.is_some() {
            return Err(Problem::bad_parameter("Idempotency-Key", "stands twice", "once"));
        }
        Ok(Some(Self { text, place: None }))
    }

    /// That of one of many writes.
    pub(crate) fn part(self, at: usize) -> Self {
        Self { place: Some(at as u64), ..self }
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    pub(crate) fn place(&self) -> Vec<u8> {
        self.place.map_or_else(Vec::new, |place| place.to_be_bytes().to_vec())
    }
}

/// A write that Kafka has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// When it was accepted. Of repetitions with one key the first one's time is kept.
    pub created_at: DateTime<Utc>,
    /// Shown as `X-Consistency-Token` to the API for reading, it waits until the write can be read.
    #[schema(example = "posts-writes-17-1234")]
    pub token: String,
}

/// Where writes go.
pub(crate) struct Sink {
    producer: Producer,
    topic: String,
}

impl Sink {
    pub(crate) fn new(producer: Producer, topic: &str) -> Self {
        Self { producer, topic: topic.to_owned() }
    }

    pub(crate) async fn one(&self, write: Write) -> Result<Accepted, Problem> {
        let mut accepted = self.all(vec![write]).await?;
        accepted.pop().ok_or_else(|| Problem::from(anyhow::anyhow!("one write was sent and none came back")))
    }

    /// Returns when Kafka has acknowledged them all.
    pub(crate) async fn all(&self, writes: Vec<Write>) -> Result<Vec<Accepted>, Problem> {
        let messages: Vec<Message> = writes.iter().map(|write| self.message(write)).collect();
        let places = self.produce(messages).await;
        let places = places.map_err(|error| Problem::away("Kafka does not take writes now", &error))?;
        Metrics::new("Posts", Utc::now()).count("accepted_writes", writes.len() as u64).emit();
        Ok(writes.iter().zip(places).map(|(write, place)| answer(write, place)).collect())
    }

    async fn produce(&self, messages: Vec<Message>) -> anyhow::Result<Vec<Written>> {
        let mut places = self.producer.write_all(messages.clone()).await?;
        for (place, message) in places.iter_mut().zip(messages) {
            // Kafka has it and no longer knows where. Once more, then: whoever stores it drops what it knows, and the place
            // of the second record is good for a token, as it is behind the first.
            for _ in 0..AGAIN {
                if place.offset >= 0 {
                    break;
                }
                let again = self.producer.write_all(vec![message.clone()]).await?;
                *place = again.into_iter().next().unwrap_or(*place);
            }
            anyhow::ensure!(place.offset >= 0, "Kafka does not say where it has a record");
        }
        Ok(places)
    }

    fn message(&self, write: &Write) -> Message {
        Message {
            topic: self.topic.clone(),
            partition: Some(write.partition().number()),
            key: Some(write.post_id().to_string().into_bytes()),
            value: Some(write.to_json()),
            headers: Vec::new(),
        }
    }
}

fn answer(write: &Write, place: Written) -> Accepted {
    let (kind, created_at) = match write {
        Write::Post(post) => (Kind::Post, post.created_at),
        Write::Comment(comment) => (Kind::Comment, comment.created_at),
        Write::Like(like) => (Kind::Like, like.created_at),
    };
    // The partition is the one that was asked for.
    let partition = Partition::new(place.partition).unwrap_or_else(|| write.partition());
    let token = Token { partition, offset: place.offset }.to_string();
    Accepted { id: write.id().to_string(), kind, created_at, token }
}
