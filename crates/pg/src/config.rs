//! Where Postgres is, and a pool to it.

use std::{collections::BTreeMap, fmt, time::Duration};

use anyhow::{Context, bail};
use kit::{Env, Secret, connections};
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

/// The highest number of a shard that is looked for in the environment.
const MOST_SHARDS: u32 = 16;

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
    /// Where to go with these credentials, when not where the url says.
    pub place: Option<Place>,
}

/// Where one database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database.
    pub database: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}

impl Config {
    /// Reads `DATABASE_URL`, or the secret that `DATABASE_SECRET_ARN` names (RDS's JSON form), or `DB_HOST` and its like
    /// ([`connections::database_url`]), in this order.
    ///
    /// # Errors
    /// When none is set, a variable is wrong, or the secret cannot be read.
    pub async fn load() -> anyhow::Result<Self> {
        let mut env = Env::from_process();
        if let Some(config) = named(&env, "DATABASE").await? {
            return Ok(config);
        }
        let url = connections::database_url(&mut env);
        env.finish()?;
        match url {
            Some(url) => Ok(Self::new(url)),
            None => bail!("configuration: none of DATABASE_URL, DATABASE_SECRET_ARN and DB_HOST is set"),
        }
    }

    /// Reads `POSTGRES_SHARD_<n>_URL`, or the secret that `POSTGRES_SHARD_<n>_SECRET_ARN` names, for n from 1 to 16. The
    /// shards are called `shard-<n>`; none that is not configured is among them.
    ///
    /// # Errors
    /// When a secret cannot be read.
    pub async fn load_shards() -> anyhow::Result<BTreeMap<String, Self>> {
        let env = Env::from_process();
        let mut shards = BTreeMap::new();
        for number in 1..=MOST_SHARDS {
            if let Some(config) = named(&env, &format!("POSTGRES_SHARD_{number}")).await? {
                shards.insert(format!("shard-{number}"), config);
            }
        }
        Ok(shards)
    }

    /// A pool's configuration for a known address.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            max_connections: MAX_CONNECTIONS,
            acquire_timeout: ACQUIRE_TIMEOUT,
            statement_timeout: None,
            place: None,
        }
    }

    /// The same credentials at another place.
    #[must_use]
    pub fn at(&self, place: Place) -> Self {
        Self { place: Some(place), ..self.clone() }
    }

    /// Where the database is.
    ///
    /// # Errors
    /// When the address is malformed.
    pub fn place(&self) -> anyhow::Result<Place> {
        Ok(place(&options(self)?))
    }
}

async fn named(env: &Env, prefix: &str) -> anyhow::Result<Option<Config>> {
    Ok(match (env.secret(&format!("{prefix}_URL")), env.optional(&format!("{prefix}_SECRET_ARN"))) {
        (Some(url), _) => Some(Config::new(url)),
        (None, Some(arn)) => Some(Config::new(rds_url(&kit::secrets::load(&arn).await?)?)),
        (None, None) => None,
    })
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
    let parsed: Result<PgConnectOptions, _> = config.url.expose().parse();
    let options = parsed.context("parse a database's url, expected postgres://user:password@host:port/database")?;
    let options = match &config.place {
        Some(place) => options.host(&place.host).port(place.port).database(&place.database),
        None => options,
    };
    Ok(match config.statement_timeout {
        Some(limit) => options.options([("statement_timeout", format!("{}ms", limit.as_millis()))]),
        None => options,
    })
}

fn place(options: &PgConnectOptions) -> Place {
    let database = options.get_database().unwrap_or("postgres").to_owned();
    Place { host: options.get_host().to_owned(), port: options.get_port(), database }
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
    fn credentials_can_go_elsewhere() {
        let config = Config::new(Secret::new("postgres://app:secret@one:1/a"));
        assert_eq!(config.place().unwrap().to_string(), "one:1/a");
        let elsewhere = Place { host: "two".into(), port: 2, database: "b".into() };
        assert_eq!(config.at(elsewhere.clone()).place().unwrap(), elsewhere);
    }

    #[test]
    fn a_malformed_secret_is_not_quoted_in_the_error() {
        let error = rds_url(&Secret::new(r#"{"username":"app","password":12345678}"#)).unwrap_err();
        assert!(!format!("{error:#}").contains("12345678"), "{error:#}");
    }
}
