//! Whether a database keeps what it has acknowledged.

use anyhow::ensure;
use sqlx::PgPool;

/// Fails when a server would acknowledge what it may lose.
pub(crate) async fn ensure_durable(pool: &PgPool, name: &str) -> anyhow::Result<()> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value: String = sqlx::query_scalar(&format!("show {setting}")).fetch_one(pool).await?;
        ensure!(value == "on", "{setting} of {name} is {value}");
    }
    Ok(())
}
