//! The writes that the benches store: the same each time.

use chrono::{DateTime, Duration};
use domain::posts::{Comment, Id, Like, Post, Write};

const MESSAGES: usize = 10_000;

/// A post, two comments, two likes and so on; comments and likes are on any earlier post, on newer ones more often.
#[allow(dead_code, reason = "each bench has one of the two")]
pub(crate) fn generate(count: usize) -> Vec<Write> {
    let begin = DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    // Numbers below 2^31.
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut posts: Vec<Id> = Vec::new();
    let mut writes = Vec::with_capacity(count);
    for number in 0..count {
        let created_at = begin + Duration::microseconds(i64::try_from(number).unwrap_or_default() * 50);
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&(random() << 33 | random()).to_le_bytes());
        let id = Id::v7(created_at, bytes);
        let user_id = format!("user-{}", random() % 50_000);
        let content =
            || format!("{number:09} {}", "lorem ipsum dolor sit amet ".repeat(4).get(..90).unwrap_or_default());
        let back = usize::try_from(random() % 1_000 * (random() % 1_000)).unwrap_or_default();
        let on = posts.len().saturating_sub(1).saturating_sub(back * posts.len() / 1_000_000);
        let post_id = posts.get(on).copied().unwrap_or(id);
        writes.push(match number % 5 {
            0 => {
                posts.push(id);
                Write::Post(Post { id, user_id, content: content(), created_at })
            }
            1 | 3 => Write::Comment(Comment { id, post_id, user_id, content: content(), created_at }),
            // Its own user each, so that every like is a row.
            _ => Write::Like(Like { id, post_id, user_id: format!("liker-{number}"), created_at }),
        });
    }
    writes
}

/// Posts alone, a millisecond apart.
#[allow(dead_code, reason = "each bench has one of the two")]
pub(crate) fn posts(count: usize) -> Vec<Write> {
    let begin = DateTime::from_timestamp(1_795_000_000, 0).unwrap_or_default();
    let post = |number: usize| {
        let created_at = begin + Duration::milliseconds(i64::try_from(number).unwrap_or_default());
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        let content = format!("{number:09} {}", "lorem ipsum dolor sit amet ".repeat(4));
        Write::Post(Post {
            id: Id::v7(created_at, bytes),
            user_id: format!("user-{}", number % 5_000),
            content,
            created_at,
        })
    };
    (0..count).map(post).collect()
}

/// Produces them all, each to its partition.
#[allow(dead_code, reason = "pages come from the shards alone")]
pub(crate) async fn produce(kafka: &kafka::Config, topic: &str, writes: &[Write]) -> anyhow::Result<()> {
    let producer = kafka::Producer::new(kafka)?;
    for chunk in writes.chunks(MESSAGES) {
        let message = |write: &Write| kafka::Message {
            topic: topic.to_owned(),
            partition: Some(write.partition().number()),
            key: Some(write.post_id().to_string().into_bytes()),
            value: Some(write.to_json()),
            headers: Vec::new(),
        };
        producer.send_all(chunk.iter().map(message).collect()).await?;
    }
    Ok(())
}
