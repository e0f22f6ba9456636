//! Calls as a user's `curl` makes them. An answer that is no success fails the test.

use serde_json::Value;

/// The JSON at an address.
pub(crate) fn get(url: &str) -> Value {
    serde_json::from_str(&text(url)).unwrap()
}

/// Whatever is at an address.
pub(crate) fn text(url: &str) -> String {
    answer(|client| client.get(url))
}

/// The answer to a request with this JSON as its body, or with none.
pub(crate) fn post(url: &str, body: Option<&str>) -> Value {
    let answer = answer(|client| match body {
        Some(body) => client.post(url).header("content-type", "application/json").body(body.to_owned()),
        None => client.post(url),
    });
    serde_json::from_str(&answer).unwrap()
}

fn answer(request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = request(&reqwest::Client::new()).send().await.unwrap();
        let (url, status) = (answer.url().clone(), answer.status());
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{url}: {status}: {body}");
        body
    })
}
