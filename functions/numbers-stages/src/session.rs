//! The session in Postgres that owns partitions. Its locks end with it: when its process dies, the kernel closes the connection,
//! and Postgres lets the locks go. So it is kept from batch to batch, and one that a batch has left in between is closed.

use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};

/// After a machine has gone without a word, its locks go within half a minute. And a session keeps the plans of its
/// statements: one that was made while a table was small would read the whole table for each batch when it is large.
const BEGIN: &str = "set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3;
    set enable_seqscan = off";

/// Where the session waits for the next batch.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Option<PoolConnection<Postgres>>>);

impl Sessions {
    /// The session of the last batch, or a new one.
    pub(crate) async fn take(&self, pool: &PgPool) -> anyhow::Result<Session> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let connection = match kept {
            Some(connection) => connection,
            None => {
                let mut connection = pool.acquire().await.context("connect to postgres")?;
                sqlx::raw_sql(BEGIN).execute(&mut *connection).await.context("begin a session")?;
                connection
            }
        };
        Ok(Session(Some(connection)))
    }

    /// Keeps a session that holds no lock.
    pub(crate) fn keep(&self, mut session: Session) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = session.0.take();
    }
}

/// A session with locks; it ends when it is dropped.
pub(crate) struct Session(Option<PoolConnection<Postgres>>);

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.0 {
            connection.close_on_drop();
        }
    }
}

impl Session {
    /// To ask Postgres with.
    pub(crate) fn connection(&mut self) -> anyhow::Result<&mut PgConnection> {
        self.0.as_deref_mut().context("a session has a connection")
    }
}
