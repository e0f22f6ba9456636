//! The writers: a task a user, each request at its time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Arguments,
    plan::{Action, action, due, target},
    report,
};

/// An hour; what takes longer counts as that.
const LONGEST_MICROS: u64 = 3_600_000_000;

/// A write that the system has promised to keep.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) action: Action,
    /// Of the post, comment or like.
    pub(crate) id: String,
    /// The post's id, its own for a post.
    pub(crate) post: String,
    pub(crate) user: String,
    pub(crate) content: String,
    /// Shown to read it.
    pub(crate) token: String,
}

/// What the users saw.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Microseconds from the moment a request was due to its answer.
    pub(crate) latency: Histogram<u64>,
    /// How often, by what went wrong.
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) took: Duration,
}

/// The answer to a write.
#[derive(Deserialize)]
struct Answer {
    id: String,
    token: String,
}

struct Shared {
    driven: Mutex<Driven>,
    /// Ids of posts that were acknowledged: what can be commented on.
    posts: Mutex<Vec<String>>,
}

/// Sends until the time is over and every answer is there.
pub(crate) async fn drive(client: &reqwest::Client, arguments: &Arguments) -> anyhow::Result<Driven> {
    let driven = Driven {
        acknowledged: Vec::new(),
        latency: Histogram::new_with_max(LONGEST_MICROS, 3)?,
        errors: BTreeMap::new(),
        took: Duration::ZERO,
    };
    let shared = Arc::new(Shared { driven: Mutex::new(driven), posts: Mutex::default() });
    let began = Instant::now();
    let run = uuid::Uuid::now_v7().simple().to_string();
    let users: Vec<_> = (0..arguments.users)
        .map(|user| {
            let (client, shared) = (client.clone(), Arc::clone(&shared));
            let user = User {
                number: user,
                name: format!("load-{run}-{user}"),
                ingest: arguments.ingest.clone(),
                users: arguments.users,
                rate: arguments.rate,
                until: Duration::from_secs(arguments.seconds),
            };
            tokio::spawn(async move { user.write(&client, &shared, began).await })
        })
        .collect();
    let progress = (!arguments.json).then(|| tokio::spawn(progress(Arc::clone(&shared), began)));
    for user in users {
        if let Err(failure) = user.await {
            shared.fail(&failure.to_string());
        }
    }
    if let Some(progress) = progress {
        progress.abort();
    }
    let mut driven = shared.driven.lock().unwrap_or_else(PoisonError::into_inner);
    driven.took = began.elapsed();
    Ok(Driven {
        acknowledged: std::mem::take(&mut driven.acknowledged),
        latency: driven.latency.clone(),
        errors: std::mem::take(&mut driven.errors),
        took: driven.took,
    })
}

async fn progress(shared: Arc<Shared>, began: Instant) {
    let mut ticks = tokio::time::interval(Duration::from_secs(2));
    ticks.tick().await;
    loop {
        ticks.tick().await;
        report::say_progress(&shared.driven.lock().unwrap_or_else(PoisonError::into_inner), began.elapsed());
    }
}

struct User {
    number: u32,
    name: String,
    ingest: String,
    users: u32,
    rate: u32,
    until: Duration,
}

impl User {
    async fn write(&self, client: &reqwest::Client, shared: &Shared, began: Instant) {
        for turn in 0.. {
            let due = due(self.number, turn, self.users, self.rate);
            if due >= self.until {
                return;
            }
            tokio::time::sleep_until((began + due).into()).await;
            let Some(mut write) = self.next(turn, shared) else { continue };
            match send(client, &self.ingest, &write).await {
                Ok(answer) => {
                    write.token = answer.token;
                    if write.action == Action::Post {
                        write.post.clone_from(&answer.id);
                        shared.posts.lock().unwrap_or_else(PoisonError::into_inner).push(answer.id.clone());
                    }
                    write.id = answer.id;
                    let mut driven = shared.driven.lock().unwrap_or_else(PoisonError::into_inner);
                    driven.latency.saturating_record(u64::try_from((began.elapsed() - due).as_micros()).unwrap_or(0));
                    driven.acknowledged.push(write);
                }
                Err(error) => shared.fail(&error),
            }
        }
    }

    /// What this turn writes; nothing when there is no post yet that it could be about.
    fn next(&self, turn: u64, shared: &Shared) -> Option<Acknowledged> {
        let action = action(self.number, turn);
        let posts = shared.posts.lock().unwrap_or_else(PoisonError::into_inner);
        let post = match action {
            Action::Post => String::new(),
            _ => posts.get(target(self.number, turn, posts.len()))?.clone(),
        };
        let content =
            if action == Action::Like { String::new() } else { format!("{action:?} {turn} of {}", self.name) };
        let (id, token) = (String::new(), String::new());
        Some(Acknowledged { action, id, post, user: self.name.clone(), content, token })
    }
}

impl Shared {
    fn fail(&self, error: &str) {
        let mut driven = self.driven.lock().unwrap_or_else(PoisonError::into_inner);
        *driven.errors.entry(error.to_owned()).or_default() += 1;
    }
}

async fn send(client: &reqwest::Client, ingest: &str, write: &Acknowledged) -> Result<Answer, String> {
    let (path, body): (&str, Value) = match write.action {
        Action::Post => ("posts", json!({"user_id": write.user, "content": write.content})),
        Action::Comment => {
            ("comments", json!({"post_id": write.post, "user_id": write.user, "content": write.content}))
        }
        Action::Like => ("likes", json!({"post_id": write.post, "user_id": write.user})),
    };
    let answer = client.post(format!("{ingest}/api/{path}")).json(&body).send().await;
    // Without the address, which is the same for all.
    let answer = answer.map_err(|error| error.without_url().to_string())?;
    if answer.status() != reqwest::StatusCode::ACCEPTED {
        return Err(format!("status {}", answer.status().as_u16()));
    }
    answer.json().await.map_err(|error| format!("an answer that is none: {}", error.without_url()))
}
