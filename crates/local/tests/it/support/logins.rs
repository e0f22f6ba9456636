//! A second broker, which asks for logins: started by the first case that wants it, ended with the last.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Weak},
};

use kafka::{Config, admin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{aws, until};

/// The user that `localstack/kafka.sh` makes, and the password of everything.
pub(crate) const USER: &str = "millrace";
pub(crate) const PASSWORD: &str = "millrace-secret";

/// What the user `$ConnectionString` has as its password there.
pub(crate) const CONNECTION_STRING: &str =
    "Endpoint=sb://localhost/;SharedAccessKeyName=millrace;SharedAccessKey=bWlsbHJhY2Utc2VjcmV0";

/// The broker.
pub(crate) struct Broker {
    process: Child,
    folder: TempDir,
    ports: [u16; 4],
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Broker {
    /// The one of all cases that run just now.
    pub(crate) async fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Broker>> = Mutex::const_new(Weak::new());
        let mut shared = SHARED.lock().await;
        if let Some(broker) = shared.upgrade() {
            return broker;
        }
        let broker = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&broker);
        broker
    }

    async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let installed = std::env::var_os("MILLRACE_OPT").map_or_else(|| root.join(".millrace/opt"), PathBuf::from);
        assert!(
            installed.is_dir(),
            "there is no Kafka in {}: run `make setup`, or set MILLRACE_OPT to where it is installed",
            installed.display()
        );
        let folder = TempDir::new().unwrap();
        let held: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = held.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let ports: [u16; 4] = ports.try_into().unwrap();
        drop(held);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new("bash");
        command.arg(root.join("localstack/kafka.sh")).arg("run");
        for (name, value) in [("ROOT", &root), ("OPT", &installed), ("DATA", &folder.path().join("data"))] {
            command.env(format!("MILLRACE_{name}"), value);
        }
        for (name, port) in ["KAFKA", "KAFKA_CONTROLLER", "KAFKA_SASL", "KAFKA_TLS"].into_iter().zip(ports) {
            command.env(format!("MILLRACE_PORT_{name}"), port.to_string());
        }
        command.env("MILLRACE_SERVICE", "kafka").env_remove("MILLRACE_SERVICES").stdin(Stdio::null());
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut broker = Self { process, folder, ports };
        until("the broker with logins", async || {
            if let Some(status) = broker.process.try_wait().unwrap() {
                let log = std::fs::read_to_string(broker.folder.path().join("log")).unwrap();
                panic!("the broker with logins did not start ({status}):\n{log}");
            }
            // Before the port opens there is nobody to ask, which librdkafka would do again and again.
            std::net::TcpStream::connect(("127.0.0.1", broker.ports[3])).ok()?;
            admin::topics(&broker.open()).await.ok().map(drop)
        })
        .await;
        broker
    }

    /// Its listener without logins, for what is not under test.
    pub(crate) fn open(&self) -> Config {
        Config::plaintext(format!("127.0.0.1:{}", self.ports[0]))
    }

    /// Where PLAIN and SCRAM are asked for.
    pub(crate) fn sasl(&self) -> String {
        format!("127.0.0.1:{}", self.ports[2])
    }

    /// Where a client certificate is asked for.
    pub(crate) fn tls(&self) -> String {
        format!("127.0.0.1:{}", self.ports[3])
    }

    /// The broker as the environment would name it: its address for logins, and who signed its certificate.
    pub(crate) fn variables(&self, pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let authority = self.folder.path().join("data/tls/ca.crt").display().to_string();
        let own = [("BOOTSTRAP_SERVERS", self.sasl()), ("KAFKA_ROOT_CERTIFICATE_FILE", authority)];
        let given = pairs.iter().map(|(name, value)| (*name, (*value).to_owned()));
        own.into_iter().chain(given).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A file of its certificates.
    pub(crate) fn pem(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("data/tls").join(name)).unwrap()
    }

    /// The secret with the authority that signed its certificate.
    pub(crate) async fn authority(&self) -> String {
        secret(&json!({"certificate": self.pem("ca.crt")})).await
    }
}

/// A new secret; its ARN.
pub(crate) async fn secret(value: &Value) -> String {
    let variables: BTreeMap<String, String> = aws::variables();
    let name = format!("runner-{}", Uuid::new_v4().simple());
    let request = reqwest::Client::new()
        .post(&variables["AWS_ENDPOINT_URL"])
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "secretsmanager.CreateSecret")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, \
             Signature=none",
        )
        .body(
            json!({"Name": name, "SecretString": value.to_string(), "ClientRequestToken": Uuid::new_v4().to_string()})
                .to_string(),
        );
    let answer = request.send().await.unwrap();
    let text = answer.text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("CreateSecret: {text}"));
    answer["ARN"].as_str().unwrap_or_else(|| panic!("CreateSecret: {text}")).to_owned()
}
