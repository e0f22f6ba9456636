//! A lease makes a worker single across processes and machines.
//!
//! Whoever holds the row until `expires_at` may work. Each acquisition gets a larger token: a write that checks the
//! token in its own transaction is refused when a slower, earlier holder tries it after its lease has passed on.

use std::time::Duration;

use anyhow::{Context, ensure};
use sqlx::{PgExecutor, PgPool};

/// The right to be the one worker called `name`, until it expires or is released.
#[derive(Debug, Clone)]
pub struct Lease {
    name: String,
    holder: String,
    token: i64,
    ttl: Duration,
}

impl Lease {
    /// Takes the lease for `ttl` unless somebody else holds it now; `None` when somebody does. The same holder gets it
    /// again, with a new token. Expiry is by the database's clock.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn acquire(pool: &PgPool, name: &str, holder: &str, ttl: Duration) -> anyhow::Result<Option<Self>> {
        let token: Option<i64> = sqlx::query_scalar(
            "insert into leases as l (name, holder, token, expires_at)
             values ($1, $2, 1, now() + make_interval(secs => $3))
             on conflict (name) do update
                set holder = excluded.holder, token = l.token + 1, expires_at = excluded.expires_at
                where l.expires_at <= now() or l.holder = excluded.holder
             returning token",
        )
        .bind(name)
        .bind(holder)
        .bind(ttl.as_secs_f64())
        .fetch_optional(pool)
        .await
        .with_context(|| format!("acquire lease {name}"))?;
        Ok(token.map(|token| Self { name: name.into(), holder: holder.into(), token, ttl }))
    }

    /// The fencing token: larger than that of every earlier holder.
    #[must_use]
    pub fn token(&self) -> i64 {
        self.token
    }

    /// Extends the lease to its full time from now.
    ///
    /// # Errors
    /// When it has passed to somebody else meanwhile, or Postgres does not answer. Stop working then.
    pub async fn renew(&self, pool: &PgPool) -> anyhow::Result<()> {
        let renewed = sqlx::query(
            "update leases set expires_at = now() + make_interval(secs => $3) where name = $1 and token = $2",
        )
        .bind(&self.name)
        .bind(self.token)
        .bind(self.ttl.as_secs_f64())
        .execute(pool)
        .await
        .with_context(|| format!("renew lease {}", self.name))?;
        ensure!(renewed.rows_affected() == 1, "lease {} of {} has passed to another holder", self.name, self.holder);
        Ok(())
    }

    /// Fails unless this lease is still the newest, and keeps it so until the transaction ends. Call it inside the
    /// transaction whose writes it protects.
    ///
    /// # Errors
    /// When a later holder has taken the lease, or Postgres does not answer.
    pub async fn fence(&self, transaction: impl PgExecutor<'_>) -> anyhow::Result<()> {
        let token: Option<i64> = sqlx::query_scalar("select token from leases where name = $1 for share")
            .bind(&self.name)
            .fetch_optional(transaction)
            .await
            .with_context(|| format!("check lease {}", self.name))?;
        ensure!(token == Some(self.token), "lease {} of {} has passed to another holder", self.name, self.holder);
        Ok(())
    }

    /// Notes that the work of this lease has gone well until now: who watches a worker that no address reaches sees it
    /// there. Also inside a transaction; one whose lease has passed on notes nothing.
    ///
    /// # Errors
    /// When Postgres does not answer.
    pub async fn succeed(&self, executor: impl PgExecutor<'_>) -> anyhow::Result<()> {
        sqlx::query("update leases set succeeded_at = now() where name = $1 and token = $2")
            .bind(&self.name)
            .bind(self.token)
            .execute(executor)
            .await
            .with_context(|| format!("note the success of lease {}", self.name))?;
        Ok(())
    }

    /// Gives the lease back at once. One that has already passed on stays with its new holder.
    ///
    /// # Errors
    /// When Postgres does not answer; the lease then ends by itself.
    pub async fn release(self, pool: &PgPool) -> anyhow::Result<()> {
        sqlx::query("update leases set expires_at = now() where name = $1 and token = $2")
            .bind(&self.name)
            .bind(self.token)
            .execute(pool)
            .await
            .with_context(|| format!("release lease {}", self.name))?;
        Ok(())
    }
}
