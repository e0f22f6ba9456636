//! Tokens that are stored while the poller runs, in a real Secrets Manager (`AWS_ENDPOINT_URL`).

use crate::harness::{World, simulator_config};
use kit::Secret;

impl World {
    /// Stores a token as the producer's interface does.
    async fn store(&self, token: &str) {
        let name = self.deps.config.stored_token.as_deref().unwrap();
        kit::secrets::store(&aws_config::load_from_env().await, name, &Secret::new(token)).await.unwrap();
        self.announce("now()").await;
    }

    async fn announce(&self, set_at: &str) {
        let statement = format!(
            "update github_poller_state set token_revision = token_revision + 1, token_set_at = {set_at}, token_status = 'unknown'"
        );
        sqlx::query(&statement).execute(&self.database.pool).await.unwrap();
    }

    async fn remove(&self) {
        let name = self.deps.config.stored_token.as_deref().unwrap();
        kit::secrets::remove(&aws_config::load_from_env().await, name).await.unwrap();
        self.announce("null").await;
    }

    async fn token_status(&self) -> String {
        self.state().await["token_status"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_stored_token_is_used_from_the_next_poll_on_and_a_removed_one_is_not() {
    let world = World::with(simulator_config(), None).await;
    world.poll().await;
    assert_eq!(world.token_status().await, "none");
    world.store("ghp_stored").await;
    world.poll().await;
    let state = world.state().await;
    assert_eq!(state["token_status"], "accepted");
    assert!(!state.to_string().contains("ghp_stored"));
    world.remove().await;
    world.poll().await;
    assert_eq!(world.token_status().await, "none");
    world.end().await;
}

#[tokio::test]
async fn a_stored_token_that_github_refuses_is_reported_and_a_better_one_is_tried_at_once() {
    let world = World::with(simulator_config(), Some("ghp_of_the_environment")).await;
    world.store("bad-token").await;
    assert_eq!(world.poll().await.counts.sent, 300, "without it");
    assert_eq!(world.token_status().await, "refused");
    world.wait(60);
    assert_eq!(world.poll().await.counts.errors, 0);
    assert_eq!(world.stats().await["refused_tokens"], 1, "it rests");
    world.store("ghp_good").await;
    world.poll().await;
    assert_eq!(world.token_status().await, "accepted");
    world.remove().await;
    world.poll().await;
    assert_eq!(world.token_status().await, "accepted", "that of the environment");
    world.end().await;
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_reported_and_polling_goes_on() {
    let world = World::with(simulator_config(), None).await;
    world.announce("now()").await;
    let counts = world.poll().await.counts;
    assert_eq!((counts.sent, counts.errors), (300, 0));
    assert_eq!(world.token_status().await, "unreadable");
    world.store("a header\ncannot hold this").await;
    world.poll().await;
    assert_eq!(world.token_status().await, "unreadable");
    world.store("ghp_good").await;
    world.poll().await;
    assert_eq!(world.token_status().await, "accepted");
    world.remove().await;
    world.end().await;
}
