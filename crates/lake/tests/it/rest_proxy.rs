//! A proxy before the REST catalog, for what the catalog does not do on demand: ask for a token, hold a commit back,
//! lose its answer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What happens to the next commit of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is carried out, and its answer is lost on the way.
    LoseAnswer,
    /// It waits until [`Proxy::release`] is called.
    Hold,
    /// Not the commit, but the next exchange of a credential is answered with a token and nothing else.
    OddToken,
}

#[derive(Default)]
struct State {
    fault: Mutex<Option<Fault>>,
    authorizations: Mutex<BTreeSet<String>>,
    held: Notify,
    released: Notify,
}

/// A running proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) uri: String,
    state: Arc<State>,
}

impl Proxy {
    /// Listens on a free port; `needed` is the token without which every call is refused.
    pub(crate) async fn start(upstream: &str, needed: Option<&'static str>) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let proxy = Self { uri, state: state.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, upstream.clone(), state.clone(), needed));
            }
        });
        proxy
    }

    pub(crate) fn next(&self, fault: Fault) {
        *self.state.fault.lock().unwrap() = Some(fault);
    }

    /// Waits until a commit is held back.
    pub(crate) async fn held(&self) {
        self.state.held.notified().await;
    }

    pub(crate) fn release(&self) {
        self.state.released.notify_one();
    }

    /// What stood behind `Authorization` in the calls so far; empty where there was none.
    pub(crate) fn authorizations(&self) -> BTreeSet<String> {
        self.state.authorizations.lock().unwrap().clone()
    }
}

/// One call a connection.
async fn serve(mut client: TcpStream, upstream: String, state: Arc<State>, needed: Option<&str>) {
    let Some((head, body)) = read_request(&mut client).await else { return };
    let authorization = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().starts_with("authorization:").then(|| line[14..].trim().to_owned()));
    let authorization = authorization.unwrap_or_default();
    state.authorizations.lock().unwrap().insert(authorization.clone());
    if needed.is_some_and(|token| authorization != format!("Bearer {token}")) {
        refuse(&mut client, "401 Unauthorized").await;
        return;
    }
    let target = head.lines().next().unwrap_or_default();
    let commits = target.starts_with("POST ") && target.contains("/tables/");
    if target.contains("/oauth/tokens") && *state.fault.lock().unwrap() == Some(Fault::OddToken) {
        answer(&mut client, "200 OK", r#"{"access_token":"hush-token"}"#).await;
        return;
    }
    let fault = if commits { state.fault.lock().unwrap().take() } else { None };
    if fault == Some(Fault::Hold) {
        state.held.notify_one();
        state.released.notified().await;
    }
    let mut server = TcpStream::connect(&upstream).await.unwrap();
    let head: Vec<&str> =
        head.lines().filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:")).collect();
    let head = format!("{}\r\nconnection: close\r\n\r\n", head.join("\r\n"));
    server.write_all(head.as_bytes()).await.unwrap();
    server.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.unwrap();
    if fault == Some(Fault::LoseAnswer) {
        assert!(answer.starts_with(b"HTTP/1.1 200"), "the commit that is to be lost was refused");
        refuse(&mut client, "502 Bad Gateway").await;
        return;
    }
    client.write_all(&answer).await.ok();
}

async fn read_request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = bytes.split_off(end + 4);
        while body.len() < length.unwrap_or(0) {
            if client.read_buf(&mut body).await.ok()? == 0 {
                return None;
            }
        }
        return Some((head, body));
    }
}

async fn refuse(client: &mut TcpStream, status: &str) {
    answer(client, status, r#"{"error":{"message":"not today","type":"NotAuthorizedException","code":401}}"#).await;
}

async fn answer(client: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    client.write_all(answer.as_bytes()).await.ok();
}
