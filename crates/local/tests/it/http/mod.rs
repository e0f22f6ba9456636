//! HTTP APIs, JWT authorizers, function URLs and streamed answers, with real processes and real sockets.

pub(crate) mod api;
pub(crate) mod edges;
pub(crate) mod jwt;
pub(crate) mod stream;
pub(crate) mod url;

use std::{collections::BTreeMap, sync::Arc};

use millrace::{gateway, metrics::Metrics, stack::Backend};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::support::App;

/// An application whose APIs and function URLs are served on free ports.
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) client: Client,
    ports: BTreeMap<String, u16>,
    ending: CancellationToken,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

impl Site {
    /// Serves what the template has; functions are `CodeUri: f/` and run `handler`.
    pub(crate) async fn of(template: &str, handler: &str) -> Self {
        let app = App::of(template, handler);
        let ending = CancellationToken::new();
        let backend = Backend::new(app.host.clone(), Arc::new(Metrics::start(app.host.clone())));
        let mut ports = BTreeMap::new();
        for api in app.application.apis.values() {
            let listeners = gateway::listen(0).await.unwrap();
            ports.insert(api.logical_id.clone(), listeners[0].local_addr().unwrap().port());
            let (backend, ended) = (backend.clone(), ending.clone());
            tokio::spawn(gateway::serve(listeners, api.clone(), backend, async move { ended.cancelled().await }));
        }
        for url in &app.application.urls {
            let listeners = gateway::listen(0).await.unwrap();
            ports.insert(url.logical_id.clone(), listeners[0].local_addr().unwrap().port());
            let (backend, ended) = (backend.clone(), ending.clone());
            tokio::spawn(gateway::serve_url(listeners, url.clone(), backend, async move { ended.cancelled().await }));
        }
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { app, client, ports, ending }
    }

    /// An API `Api` with these properties, whose function has these events, one a line: `Name: {Method: GET, Path: /a}`.
    pub(crate) async fn api(properties: &str, function: &str, events: &[&str], handler: &str) -> Self {
        let events: String = events
            .iter()
            .enumerate()
            .map(|(at, event)| format!("        E{at}: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, {event}}}}}\n"))
            .collect();
        let template = format!(
            "Resources:\n  Api:\n    Type: AWS::Serverless::HttpApi\n    Properties: {{{properties}}}\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: f/\n      Timeout: 20\n      {function}\n      Events:\n{events}"
        );
        Self::of(&template, handler).await
    }

    /// A function with a URL.
    pub(crate) async fn url(url: &str, properties: &str, handler: &str) -> Self {
        let template = format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {{Runtime: provided.al2023, CodeUri: f/, FunctionUrlConfig: {{AuthType: NONE, {url}}}, {properties}}}\n"
        );
        Self::of(&template, handler).await
    }

    pub(crate) fn port(&self, id: &str) -> u16 {
        self.ports[id]
    }

    fn id(&self) -> &str {
        self.ports.keys().next().unwrap()
    }

    /// An address of the one API or URL.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[self.id()])
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.at(path))
    }
}

/// Status and body.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The body of a 200, as JSON.
pub(crate) async fn json(request: RequestBuilder) -> Value {
    let (status, body) = answer(request).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

pub(crate) fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

pub(crate) const ECHO: &str = "
import json
def handler(event, context):
    return {'statusCode': 200, 'headers': {'content-type': 'application/json'}, 'body': json.dumps(event)}
";
