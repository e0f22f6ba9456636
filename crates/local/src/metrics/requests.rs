//! HTTP requests as the gateway has answered them, under the names that dashboards for HTTP services expect.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::text::Text;
use crate::gateway::Answered;

/// Upper bounds in seconds: Prometheus' own ones, and two below them, because a warm function answers in less than five
/// milliseconds.
const BOUNDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Methods that have a label of their own: a client may invent others without end.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What every API and function URL of a stack has answered.
#[derive(Debug, Default)]
pub(super) struct Requests(Mutex<BTreeMap<Target, Answers>>);

/// The logical id of an API or function URL, and the name of the function; empty when no route fitted.
type Target = (String, String);

#[derive(Debug, Default)]
struct Answers {
    by_status: BTreeMap<(&'static str, u16), u64>,
    /// Not cumulated; one more than there are bounds.
    buckets: [u64; BOUNDS.len() + 1],
    seconds: f64,
}

impl Answers {
    fn add(&mut self, method: &str, status: u16, took: Duration) {
        let method = METHODS.iter().find(|known| **known == method).unwrap_or(&"other");
        *self.by_status.entry((method, status)).or_default() += 1;
        let seconds = took.as_secs_f64();
        self.seconds += seconds;
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count += 1;
        }
    }
}

impl Requests {
    /// Counts an answer of the function called `function`.
    pub(super) fn add(&self, function: &str, answered: &Answered<'_>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = all.entry((answered.api.to_owned(), function.to_owned())).or_default();
        answers.add(answered.method.as_str(), answered.status.as_u16(), answered.took);
    }

    /// Writes what these APIs have answered.
    pub(super) fn render(&self, text: &mut Text, wanted: impl Fn(&str) -> bool) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((api, function), answers) in all.iter().filter(|((api, _), _)| wanted(api)) {
            let target = [("api", api.as_str()), ("function", function.as_str())];
            for ((method, status), count) in &answers.by_status {
                let status = status.to_string();
                let labels = [target[0], target[1], ("method", method), ("status", &status)];
                text.counter("http_requests_total", "Requests that were answered.", &labels, float(*count));
            }
            durations(text, target, answers);
        }
    }
}

fn durations(text: &mut Text, [api, function]: [(&str, &str); 2], answers: &Answers) {
    const NAME: &str = "http_request_duration_seconds";
    let family = ("histogram", "From a request's head to its answer's, the function's start included.");
    let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
    let mut below = 0;
    for (bound, count) in bounds.zip(answers.buckets) {
        below += count;
        text.value((NAME, "_bucket"), family, &[api, function, ("le", &bound)], float(below));
    }
    text.value((NAME, "_sum"), family, &[api, function], answers.seconds);
    text.value((NAME, "_count"), family, &[api, function], float(below));
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;

    fn text(requests: &Requests, wanted: &str) -> String {
        let mut text = Text::default();
        requests.render(&mut text, |api| api == wanted);
        text.finish()
    }

    #[test]
    fn answers_are_counted_by_method_and_status_and_their_times_by_function() {
        let requests = Requests::default();
        let add = |api, function, method: &str, status, ms| {
            let method: Method = method.parse().unwrap();
            let status = StatusCode::from_u16(status).unwrap();
            let took = Duration::from_millis(ms);
            requests.add(function, &Answered { api, function: None, method: &method, status, took });
        };
        add("Api", "f", "GET", 200, 1);
        add("Api", "f", "GET", 200, 7);
        add("Api", "f", "BREW", 404, 20_000);
        add("Api", "", "GET", 404, 0);
        add("Other", "f", "GET", 200, 0);
        let text = text(&requests, "Api");
        for line in [
            r#"http_requests_total{api="Api",function="f",method="GET",status="200"} 2"#,
            r#"http_requests_total{api="Api",function="f",method="other",status="404"} 1"#,
            r#"http_requests_total{api="Api",function="",method="GET",status="404"} 1"#,
            r#"http_request_duration_seconds_bucket{api="Api",function="f",le="0.001"} 1"#,
            r#"http_request_duration_seconds_bucket{api="Api",function="f",le="0.01"} 2"#,
            r#"http_request_duration_seconds_bucket{api="Api",function="f",le="10"} 2"#,
            r#"http_request_duration_seconds_bucket{api="Api",function="f",le="+Inf"} 3"#,
            r#"http_request_duration_seconds_sum{api="Api",function="f"} 20.008"#,
            r#"http_request_duration_seconds_count{api="Api",function="f"} 3"#,
            "# TYPE http_request_duration_seconds histogram",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("Other"));
    }
}
