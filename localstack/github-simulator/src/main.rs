//! Starts the simulator: flags, logs, listener, shutdown.

use anyhow::Context as _;
use clap::Parser as _;
use github_simulator::{config::Config, server::Simulator};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    let config = Config::parse();
    let listener = TcpListener::bind(("127.0.0.1", config.port)).await.with_context(|| {
        format!("listen on 127.0.0.1:{} (another --port, or MILLRACE_PORT_GITHUB_SIMULATOR)", config.port)
    })?;
    tracing::info!(address = %listener.local_addr()?, seed = config.seed, rate = config.rate, "github simulator listens");
    let simulator = Simulator::new(config, Arc::new(chrono::Utc::now))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stopped = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    axum::serve(listener, simulator.router()).with_graceful_shutdown(stopped).await.context("serve")
}
