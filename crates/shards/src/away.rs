//! Why a database does not answer, as far as its driver says.

use serde::Serialize;
use utoipa::ToSchema;

/// Why a shard has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Away {
    /// It cannot be reached.
    Unreachable,
    /// Its time was over.
    Slow,
    /// It refused the question.
    Failed,
}

impl Away {
    /// What an error says of it.
    #[must_use]
    pub fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Self::Unreachable
            }
            // query_canceled is the statement's timeout; classes 57P and 08 are a server that ends, starts, or breaks off,
            // and 53300 is one without a place.
            sqlx::Error::Database(refusal) => match refusal.code().as_deref() {
                Some("57014") => Self::Slow,
                Some(code) if code.starts_with("57P") || code.starts_with("08") || code == "53300" => Self::Unreachable,
                _ => Self::Failed,
            },
            _ => Self::Failed,
        }
    }
}
