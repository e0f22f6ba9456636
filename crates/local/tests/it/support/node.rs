//! A RabbitMQ of a test's own, which it may kill.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use lapin::{Connection, ConnectionProperties};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::until;

/// A node that runs, on free ports. Dropping it ends it.
pub(crate) struct Node {
    ports: [u16; 4],
    folder: TempDir,
    process: Option<Child>,
}

impl Node {
    /// Starts one as `millrace up` does, and waits until it takes connections.
    pub(crate) async fn start() -> Self {
        let listeners = [(); 4].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let ports = listeners.map(|listener| listener.local_addr().unwrap().port());
        let mut node = Self { ports, folder: TempDir::new().unwrap(), process: None };
        node.run();
        node.answers().await;
        node
    }

    /// Starts it again after [`Node::kill`], with its data.
    pub(crate) fn run(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../localstack/rabbitmq.sh");
        let names = ["RABBITMQ", "RABBITMQ_MANAGEMENT", "RABBITMQ_DISTRIBUTION", "RABBITMQ_EPMD"];
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new("bash")
            .arg(script)
            .arg("run")
            .env_remove("MILLRACE_SERVICES")
            .env("MILLRACE_DATA", self.folder.path().join("data"))
            .envs(names.iter().zip(self.ports).map(|(name, port)| (format!("MILLRACE_PORT_{name}"), port.to_string())))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn();
        self.process = Some(child.unwrap());
    }

    /// Ends it at once, without a goodbye.
    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.process.take() else { return };
        let group = Pid::from_raw(child.id().cast_signed()).unwrap();
        kill_process_group(group, Signal::KILL).unwrap();
        child.wait().unwrap();
    }

    /// `amqp://...`
    pub(crate) fn url(&self) -> String {
        format!("amqp://millrace:millrace@127.0.0.1:{}/%2f", self.ports[0])
    }

    async fn answers(&self) {
        let url = self.url();
        until(&format!("RabbitMQ in {}", self.folder.path().display()), async || {
            Connection::connect(&url, ConnectionProperties::default()).await.ok()
        })
        .await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
