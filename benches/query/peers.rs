//! The peers' APIs: DuckDB and PyIceberg behind FastAPI, over a copy of the table's rows in a local folder.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};

use crate::{figures::say, fill::Table};

/// A peer's server; it ends when this is dropped.
pub(crate) struct Peer {
    server: Child,
    pub(crate) address: String,
    /// Calls of a client that are enough, for one that takes long.
    pub(crate) calls: usize,
}

impl Peer {
    /// Copies the rows, once for all peers, and starts the server of one; nothing without `QUERY_PEERS`.
    pub(crate) async fn start(engine: &str, table: &Table) -> anyhow::Result<Option<Self>> {
        let Ok(python) = std::env::var("QUERY_PEERS") else { return Ok(None) };
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
        let began = Instant::now();
        let loaded = Command::new(&python)
            .args(["query/load.py", &table.metadata, &table.rows.to_string()])
            .current_dir(folder)
            .status()
            .context("copy the rows for the peers")?;
        ensure!(loaded.success(), "the peers' rows could not be copied");
        say(&format!("  rows of {engine} ready after {} s", began.elapsed().as_secs()));
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Command::new(&python)
            .args(["-m", "uvicorn", "query.api:app", "--log-level", "warning", "--port", &port.to_string()])
            .env("ENGINE", engine)
            .current_dir(folder)
            .stdin(Stdio::null())
            .spawn()
            .context("start a peer's server")?;
        let calls = if engine == "pyiceberg" { 20 } else { 200 };
        let mut peer = Self { server, address: format!("http://127.0.0.1:{port}"), calls };
        let deadline = Instant::now() + Duration::from_secs(60);
        while reqwest::get(format!("{}/openapi.json", peer.address)).await.is_err() {
            if peer.server.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("the server of {engine} did not start");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(Some(peer))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
