//! HTTP APIs, JWT authorizers, function URLs and streamed answers, with real processes and real sockets.

mod api;
mod edges;
mod jwt;
mod stream;
mod url;

use std::{collections::BTreeMap, sync::Arc};

use millrace::{gateway, metrics::Metrics, stack::Backend};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{cases::Case, support::App};

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

/// The rows of this area.
pub(crate) fn cases() -> Vec<Case> {
    cases![
        "http.routes.the-most-specific-route-answers" => api::the_most_specific_route_answers,
        "http.routes.a-path-without-a-route-is-404" => api::a_path_without_a_route_is_404,
        "http.event.the-event-has-the-shape-of-payload-2" => api::the_event_has_the_shape_of_payload_2,
        "http.event.payload-1-has-single-and-multi-values" => api::payload_1_has_single_and_multi_values,
        "http.event.a-body-that-is-no-text-is-base64" => api::a_body_that_is_no_text_is_base64,
        "http.event.a-named-stage-is-the-paths-first-segment" => api::a_named_stage_is_the_paths_first_segment,
        "http.answers.a-status-code-makes-the-answer-a-response" => api::a_status_code_makes_the_answer_a_response,
        "http.answers.without-a-status-code-the-answer-is-the-body" => api::without_a_status_code_the_answer_is_the_body,
        "http.answers.payload-1-needs-a-status-code" => api::payload_1_needs_a_status_code,
        "http.answers.errors-and-nonsense-are-500" => api::errors_and_nonsense_are_500,
        "http.answers.an-answer-after-the-routes-timeout-is-503" => api::an_answer_after_the_routes_timeout_is_503,
        "http.answers.a-function-without-concurrency-is-503" => api::a_function_without_concurrency_is_503,
        "http.limits.a-request-over-the-limit-is-413" => edges::a_request_over_the_limit_is_413,
        "http.limits.what-exceeds-the-burst-is-429" => edges::what_exceeds_the_burst_is_429,
        "http.limits.requests-that-make-no-sense-are-answered-and-harm-nobody" => edges::requests_that_make_no_sense_are_answered_and_harm_nobody,
        "http.cors.a-preflight-needs-neither-route-nor-token" => edges::a_preflight_needs_neither_route_nor_token,
        "http.cors.the-apis-cors-headers-replace-the-functions" => edges::the_apis_cors_headers_replace_the_functions,
        "jwt.tokens.a-valid-token-reaches-the-function-with-its-claims-as-texts" => jwt::a_valid_token_reaches_the_function_with_its_claims_as_texts,
        "jwt.tokens.a-request-without-a-token-that-holds-is-401" => jwt::a_request_without_a_token_that_holds_is_401,
        "jwt.tokens.issuer-audience-and-times-are-checked" => jwt::issuer_audience_and_times_are_checked,
        "jwt.scopes.a-token-without-one-of-the-routes-scopes-is-403" => jwt::a_token_without_one_of_the_routes_scopes_is_403,
        "jwt.scopes.a-route-with-none-is-open" => jwt::a_route_with_none_is_open,
        "jwt.keys.keys-are-kept-and-an-unknown-one-asks-again-but-not-often" => jwt::keys_are_kept_and_an_unknown_one_asks_again_but_not_often,
        "jwt.keys.an-issuer-that-cannot-be-asked-lets-nobody-in" => jwt::an_issuer_that_cannot_be_asked_lets_nobody_in,
        "url.buffered.the-event-is-payload-2-with-the-path-as-it-came" => url::the_event_is_payload_2_with_the_path_as_it_came,
        "url.buffered.an-answer-without-a-status-code-is-sent-as-it-came" => url::an_answer_without_a_status_code_is_sent_as_it_came,
        "url.buffered.a-function-error-is-502" => url::a_function_error_is_502,
        "url.buffered.a-function-without-concurrency-is-429" => url::a_function_without_concurrency_is_429,
        "url.buffered.a-request-over-6-mb-is-413" => url::a_request_over_6_mb_is_413,
        "url.buffered.the-urls-cors-answers-preflights" => url::the_urls_cors_answers_preflights,
        "stream.url.parts-arrive-before-the-function-ends" => stream::parts_arrive_before_the_function_ends,
        "stream.url.the-prelude-is-the-responses-head" => stream::the_prelude_is_the_responses_head,
        "stream.url.what-fails-before-the-first-byte-is-502" => stream::what_fails_before_the_first_byte_is_502,
        "stream.url.what-fails-half-way-ends-the-answer-without-its-end" => stream::what_fails_half_way_ends_the_answer_without_its_end,
        "stream.url.a-slow-reader-slows-the-function-down" => stream::a_slow_reader_slows_the_function_down,
        "stream.invoke.who-wants-the-whole-gets-it-collected" => stream::who_wants_the_whole_gets_it_collected,
        "stream.invoke.the-caller-learns-how-a-stream-ended" => stream::the_caller_learns_how_a_stream_ended,
    ]
}
