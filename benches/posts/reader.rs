//! Someone who reads the same page again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use tokio::task::JoinHandle;

/// Reads in the background until it is asked for its times.
pub(crate) struct Reader {
    stop: Arc<AtomicBool>,
    task: JoinHandle<anyhow::Result<Vec<Duration>>>,
}

/// Between two reads, so that the reader leaves the machine to the others.
const PAUSE: Duration = Duration::from_millis(10);

impl Reader {
    pub(crate) fn start(client: &reqwest::Client, url: String) -> Self {
        let (client, stop) = (client.clone(), Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut times = Vec::new();
            while !ended.load(Ordering::Acquire) {
                let began = Instant::now();
                let answer = client.get(&url).send().await?;
                let status = answer.status();
                let body = answer.text().await?;
                times.push(began.elapsed());
                ensure!(status.is_success() && !body.contains("\"partial\":true"), "{url}: {status}: {body}");
                // No deadline: whoever started it ends it.
                tokio::time::sleep(PAUSE).await;
            }
            Ok(times)
        });
        Self { stop, task }
    }

    /// The time of each read; the first that failed, or was not whole, is the error.
    pub(crate) async fn end(self) -> anyhow::Result<Vec<Duration>> {
        self.stop.store(true, Ordering::Release);
        self.task.await?
    }
}
