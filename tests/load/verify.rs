//! Reads every acknowledged write back: posts with their text, comments and likes by their post.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use serde_json::Value;

use crate::{Arguments, drive::Acknowledged, plan::Action};

/// Posts that are read at a time.
const CONCURRENCY: usize = 16;

/// What the check found.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    pub(crate) posts: usize,
    pub(crate) comments: usize,
    pub(crate) likes: usize,
    /// A sentence for each write that is not there, or not as it was written.
    pub(crate) missing: Vec<String>,
    pub(crate) took: Duration,
}

/// All writes about one post.
#[derive(Default)]
struct Expected<'a> {
    /// The post's own write; those of before this run have none here.
    post: Option<&'a Acknowledged>,
    comments: Vec<&'a Acknowledged>,
    likes: BTreeSet<&'a str>,
    /// The newest, which has all others before it: they share a partition.
    token: Option<&'a str>,
}

/// Reads them all; what is not there yet is asked for again until the patience ends.
pub(crate) async fn verify(client: &reqwest::Client, arguments: &Arguments, writes: &[Acknowledged]) -> Verified {
    let began = Instant::now();
    let deadline = began + Duration::from_secs(arguments.patience);
    let mut by_post: BTreeMap<&str, Expected<'_>> = BTreeMap::new();
    for write in writes {
        let expected = by_post.entry(&write.post).or_default();
        match write.action {
            Action::Post => expected.post = Some(write),
            Action::Comment => expected.comments.push(write),
            Action::Like => _ = expected.likes.insert(&write.user),
        }
        let newer = expected.token.is_none_or(|token| offset(token) < offset(&write.token));
        expected.token = if newer { Some(&write.token) } else { expected.token };
    }
    let mut verified = Verified::default();
    let faults = stream::iter(&by_post).map(|(id, expected)| async move {
        loop {
            let faults = check(client, &arguments.query, id, expected).await;
            if faults.is_empty() || Instant::now() > deadline {
                return faults;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let mut faults = faults.buffer_unordered(CONCURRENCY);
    while let Some(faults) = faults.next().await {
        verified.missing.extend(faults);
    }
    drop(faults);
    verified.posts = by_post.values().filter(|expected| expected.post.is_some()).count();
    verified.comments = by_post.values().map(|expected| expected.comments.len()).sum();
    verified.likes = by_post.values().map(|expected| expected.likes.len()).sum();
    verified.took = began.elapsed();
    verified
}

fn offset(token: &str) -> i64 {
    token.rsplit('-').next().and_then(|offset| offset.parse().ok()).unwrap_or(-1)
}

/// What of a post's writes cannot be read.
async fn check(client: &reqwest::Client, query: &str, id: &str, expected: &Expected<'_>) -> Vec<String> {
    let post = match get(client, &format!("{query}/api/posts/{id}"), expected.token).await {
        Ok(post) => post,
        Err(error) => return vec![format!("post {id}: {error}")],
    };
    let mut faults = Vec::new();
    if let Some(write) = expected.post
        && (text(&post, "content") != write.content || text(&post, "user_id") != write.user)
    {
        faults.push(format!("post {id} is not as it was written: {post}"));
    }
    match comments(client, query, id, expected.token).await {
        Ok(found) => faults.extend(expected.comments.iter().filter_map(|write| match found.get(&write.id) {
            Some(content) if *content == write.content => None,
            Some(content) => Some(format!("comment {} on {id} is {content:?}", write.id)),
            None => Some(format!("comment {} on {id} is missing", write.id)),
        })),
        Err(error) => faults.push(format!("comments of {id}: {error}")),
    }
    let likes = post.get("likes_count").and_then(Value::as_u64);
    if likes.and_then(|likes| usize::try_from(likes).ok()).is_none_or(|likes| likes < expected.likes.len()) {
        faults.push(format!("post {id} has {likes:?} likes, {} users liked it", expected.likes.len()));
    }
    faults
}

/// All comments of a post by their ids, page by page.
async fn comments(
    client: &reqwest::Client,
    query: &str,
    id: &str,
    token: Option<&str>,
) -> Result<HashMap<String, String>, String> {
    let mut found = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page = get(client, &format!("{query}/api/posts/{id}/comments?limit=100{cursor}"), token).await?;
        for comment in page.get("comments").and_then(Value::as_array).into_iter().flatten() {
            found.insert(text(comment, "id").to_owned(), text(comment, "content").to_owned());
        }
        match text(&page, "next_cursor") {
            "" => return Ok(found),
            next => cursor = format!("&cursor={next}"),
        }
    }
}

/// A field of an answer; empty when it is not there.
fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer.get(field).and_then(Value::as_str).unwrap_or_default()
}

async fn get(client: &reqwest::Client, address: &str, token: Option<&str>) -> Result<Value, String> {
    let mut request = client.get(address);
    if let Some(token) = token {
        request = request.header("X-Consistency-Token", token);
    }
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("status {}", status.as_u16()));
    }
    answer.json().await.map_err(|error| error.without_url().to_string())
}
