//! Settings from the environment.

use kit::{Env, Secret};
use std::time::Duration;

/// Where and how to poll.
#[derive(Debug, Clone)]
pub struct Config {
    /// `GITHUB_API_URL`: scheme and host, such as `https://api.github.com`.
    pub api_url: String,
    /// `GITHUB_TOKEN`, or the string of the secret that `GITHUB_TOKEN_SECRET_ARN` names. None: polls without one.
    pub token: Option<Secret>,
    /// `GITHUB_TOKEN_SECRET_NAME`: the secret in which the producer's interface stores a token. One that is stored there
    /// goes before `token`.
    pub stored_token: Option<String>,
    /// `GITHUB_EVENTS_TOPIC` (`github-events`). What is no event goes to the topic of this name with `.dlq`.
    pub topic: String,
    /// `GITHUB_STALE_AFTER_SECONDS` (600): a feed whose newest event is this long the same stands still.
    pub stale_after: Duration,
    /// `GITHUB_POLLER_MARGIN_SECONDS` (5): no poll begins in the invocation's last seconds.
    pub margin: Duration,
}

impl Config {
    /// Reads the variables, and the token from Secrets Manager.
    ///
    /// # Errors
    /// When a variable is missing or malformed, or the secret cannot be read.
    pub async fn load() -> anyhow::Result<Self> {
        let mut env = Env::from_process();
        let mut config = Self::read(&mut env);
        let secret = env.optional("GITHUB_TOKEN_SECRET_ARN");
        env.finish()?;
        if let (None, Some(arn)) = (&config.token, secret) {
            config.token = Some(Secret::new(kit::secrets::load(&arn).await?.expose().trim()));
        }
        Ok(config)
    }

    fn read(env: &mut Env) -> Self {
        Self {
            api_url: env.required("GITHUB_API_URL").trim_end_matches('/').to_owned(),
            token: env.secret("GITHUB_TOKEN"),
            stored_token: env.optional("GITHUB_TOKEN_SECRET_NAME"),
            topic: env.optional("GITHUB_EVENTS_TOPIC").unwrap_or_else(|| "github-events".to_owned()),
            stale_after: Duration::from_secs(env.parsed_or("GITHUB_STALE_AFTER_SECONDS", 600)),
            margin: Duration::from_secs(env.parsed_or("GITHUB_POLLER_MARGIN_SECONDS", 5)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_required_and_the_token_never_printed() {
        let mut env = Env::from_pairs([("GITHUB_TOKEN", "ghp_secret"), ("GITHUB_STALE_AFTER_SECONDS", "soon")]);
        let config = Config::read(&mut env);
        assert!(!format!("{config:?}").contains("ghp_secret"));
        let error = env.finish().unwrap_err().to_string();
        assert!(error.contains("GITHUB_API_URL") && error.contains("GITHUB_STALE_AFTER_SECONDS"), "{error}");
    }
}
