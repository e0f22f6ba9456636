//! Stands before a shard, and lets it fail over without a word to those who are connected.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A port that leads to a shard.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    failovers: watch::Sender<u32>,
}

impl Proxy {
    pub(crate) async fn open(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let failovers = watch::Sender::new(0);
        let seen = failovers.clone();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (mut failed_over, host) = (seen.subscribe(), host.clone());
                tokio::spawn(async move {
                    let mut to = TcpStream::connect((host.as_str(), port)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                        // Both sides stay open, and nothing goes from one to the other any more.
                        _ = failed_over.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { port: own, failovers }
    }

    /// Who is connected hears nothing any more. Who connects anew is served.
    pub(crate) fn fail_over(&self) {
        self.failovers.send_modify(|failovers| *failovers += 1);
    }
}
