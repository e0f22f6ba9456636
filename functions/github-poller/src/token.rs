//! Which token requests carry: the one that the producer's interface stored, else that of the environment.

use crate::config::Config;
use crate::github::Client;
use crate::state::StoredToken;
use anyhow::{Context as _, anyhow};
use kit::Secret;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tracing::{error, info};

/// Secrets Manager is not waited for longer: polling goes on without a token.
const LOAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A secret that cannot be read is asked for again after this long.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Reads the stored token when it has changed.
#[derive(Debug)]
pub struct Tokens {
    secret_name: Option<String>,
    of_environment: Option<Secret>,
    applied: Mutex<Applied>,
}

/// Of the stored token, what the client has.
#[derive(Debug, Clone, Copy, Default)]
struct Applied {
    /// None of it at the cold start.
    stored: StoredToken,
    failed_at: Option<Instant>,
}

impl Tokens {
    /// Nothing is read before it is needed.
    pub fn new(config: &Config) -> Self {
        Self {
            secret_name: config.stored_token.clone(),
            of_environment: config.token.clone(),
            applied: Mutex::default(),
        }
    }

    /// Gives the client the token that it should have now. One that cannot be read is reported by the client's status
    /// and asked for again later; polling goes on without it.
    pub(crate) async fn apply(&self, github: &Client, stored: StoredToken) {
        let applied = *self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        if !applied.is_due(stored) {
            return;
        }
        let failed_at = match self.choose(github, stored).await {
            Ok(()) => {
                info!(revision = stored.revision, set = stored.is_set, "took over the github token");
                None
            }
            Err(error) => {
                error!(error = format!("{error:#}"), "the github token cannot be used; polling goes on without");
                github.miss_token();
                Some(Instant::now())
            }
        };
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = Applied { stored, failed_at };
    }

    async fn choose(&self, github: &Client, stored: StoredToken) -> anyhow::Result<()> {
        if !stored.is_set {
            return github.use_token(self.of_environment.as_ref());
        }
        let name = self.secret_name.as_deref().context("GITHUB_TOKEN_SECRET_NAME is not set")?;
        let secret = timeout(LOAD_TIMEOUT, kit::secrets::load(name)).await;
        let secret = secret.unwrap_or_else(|_| Err(anyhow!("secrets manager did not answer within 10 s")))?;
        github.use_token(Some(&Secret::new(secret.expose().trim())))
    }
}

impl Applied {
    fn is_due(&self, stored: StoredToken) -> bool {
        self.stored != stored || self.failed_at.is_some_and(|at| at.elapsed() >= RETRY_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_when_it_has_changed_and_a_while_after_a_failure() {
        let stored = |revision, is_set| StoredToken { revision, is_set };
        let fresh = Applied::default();
        assert!(!fresh.is_due(stored(0, false)), "nothing was ever stored");
        assert!(fresh.is_due(stored(3, true)), "a cold start");
        let has = |failed_at| Applied { stored: stored(3, true), failed_at };
        assert!(!has(None).is_due(stored(3, true)));
        assert!(has(None).is_due(stored(4, true)) && has(None).is_due(stored(4, false)));
        assert!(!has(Some(Instant::now())).is_due(stored(3, true)));
        assert!(has(Instant::now().checked_sub(RETRY_AFTER)).is_due(stored(3, true)));
    }
}
