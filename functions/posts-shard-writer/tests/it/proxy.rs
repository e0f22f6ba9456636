//! Stands before a shard, so that a test can take it away in the middle of anything and bring it back: a port that is closed,
//! and connections that end.

use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A port that leads to a shard while it is open.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    to: String,
    running: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
}

impl Proxy {
    pub(crate) async fn open(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self { port: listener.local_addr().unwrap().port(), to, running: Arc::default() };
        proxy.serve(listener);
        proxy
    }

    fn serve(&self, listener: TcpListener) {
        let to = self.to.clone();
        let task = tokio::spawn(async move {
            // Dropped with the task, and all connections with it.
            let mut connections = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                let to = to.clone();
                connections.spawn(async move {
                    let mut to = TcpStream::connect(to).await.unwrap();
                    // Without it, what follows a copy's data waits for the other side's delayed acknowledgement.
                    from.set_nodelay(true).and_then(|()| to.set_nodelay(true)).unwrap();
                    let _ended = copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
        *self.running.lock().unwrap() = Some(task);
    }

    /// The shard is gone: nobody listens, and whoever was connected is not.
    pub(crate) async fn close(&self) {
        let task = self.running.lock().unwrap().take();
        if let Some(task) = task {
            task.abort();
            let _aborted = task.await;
        }
    }

    /// The shard is back.
    pub(crate) async fn reopen(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.serve(listener);
    }
}
