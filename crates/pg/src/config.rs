//! Where Postgres is, and a pool to it.

use std::time::Duration;

use anyhow::{Context, bail};
use kit::{Env, Secret};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// How long a connection attempt may take before the invocation fails, unless it is said.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections of one function instance. An instance serves one invocation at a time, so few suffice, and many
/// instances share one server.
const MAX_CONNECTIONS: u32 = 4;

/// The address and credentials of one database.
#[derive(Debug, Clone)]
pub struct Config {
    /// `postgres://user:password@host:port/database`.
    pub url: Secret,
    /// Most connections that the pool opens.
    pub max_connections: u32,
    /// How long to wait for a connection, a new one's making included.
    pub acquire_timeout: Duration,
    /// The server ends a statement that takes longer.
    pub statement_timeout: Option<Duration>,
}

impl Config {
    /// Reads `DATABASE_URL`, or the secret that `DATABASE_SECRET_ARN` names (RDS's JSON form).
    ///
    /// # Errors
    /// When neither is set, or the secret cannot be read.
    pub async fn load() -> anyhow::Result<Self> {
        let env = Env::from_process();
        let url = match (env.secret("DATABASE_URL"), env.optional("DATABASE_SECRET_ARN")) {
            (Some(url), _) => url,
            (None, Some(arn)) => rds_url(&kit::secrets::load(&arn).await?)?,
            (None, None) => bail!("configuration: neither DATABASE_URL nor DATABASE_SECRET_ARN is set"),
        };
        Ok(Self::new(url))
    }

    /// A pool's configuration for a known address.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self { url, max_connections: MAX_CONNECTIONS, acquire_timeout: ACQUIRE_TIMEOUT, statement_timeout: None }
    }
}

/// Opens the pool with its first connection, so that a wrong address fails at the cold start.
///
/// # Errors
/// When the address is malformed or the server does not answer in time.
pub async fn connect(config: &Config) -> anyhow::Result<PgPool> {
    let options = options(config)?;
    let place = place(&options);
    pool_options(config).connect_with(options).await.with_context(|| format!("connect to postgres at {place}"))
}

/// A pool that connects at its first query, for functions whose cold start must not wait for Postgres.
///
/// # Errors
/// When the address is malformed.
pub fn connect_lazy(config: &Config) -> anyhow::Result<PgPool> {
    Ok(pool_options(config).connect_lazy_with(options(config)?))
}

fn pool_options(config: &Config) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(config.max_connections).acquire_timeout(config.acquire_timeout)
}

fn options(config: &Config) -> anyhow::Result<PgConnectOptions> {
    // sqlx's error does not repeat the url, which holds the password.
    let options: PgConnectOptions = config
        .url
        .expose()
        .parse()
        .context("parse DATABASE_URL, expected postgres://user:password@host:port/database")?;
    Ok(match config.statement_timeout {
        Some(limit) => options.options([("statement_timeout", format!("{}ms", limit.as_millis()))]),
        None => options,
    })
}

fn place(options: &PgConnectOptions) -> String {
    format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or("postgres"))
}

/// The secret that RDS keeps for a database.
#[derive(Deserialize)]
struct RdsSecret {
    username: String,
    password: String,
    host: String,
    #[serde(default = "default_port")]
    port: u16,
    #[serde(alias = "dbname")]
    database: String,
}

fn default_port() -> u16 {
    5432
}

fn rds_url(secret: &Secret) -> anyhow::Result<Secret> {
    let parsed: Result<RdsSecret, _> = serde_json::from_str(secret.expose());
    // serde_json's message may quote the input, so its line and column are all that is passed on.
    let rds = parsed.map_err(|e| {
        anyhow::anyhow!(
            "database secret: expected JSON with username, password, host, port, dbname (column {})",
            e.column()
        )
    })?;
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (user, password) = (encoded(&rds.username), encoded(&rds.password));
    Ok(Secret::new(format!("postgres://{user}:{password}@{}:{}/{}", rds.host, rds.port, rds.database)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rds_secret_becomes_a_url() {
        let secret =
            Secret::new(r#"{"username":"app","password":"p@ss/word","host":"db","port":5432,"dbname":"metadata"}"#);
        assert_eq!(rds_url(&secret).unwrap().expose(), "postgres://app:p%40ss%2Fword@db:5432/metadata");
    }

    #[test]
    fn a_malformed_secret_is_not_quoted_in_the_error() {
        let error = rds_url(&Secret::new(r#"{"username":"app","password":12345678}"#)).unwrap_err();
        assert!(!format!("{error:#}").contains("12345678"), "{error:#}");
    }
}
