//! What functions print as embedded metric format, and what Prometheus reads of it.

use millrace::metrics::Metrics;
use serde_json::json;

use crate::support::{App, until};

const PRINTS: &str = r#"
import json
def handler(event, context):
    line = {'_aws': {'Timestamp': 0, 'CloudWatchMetrics': [{'Namespace': 'Shop', 'Dimensions': [['kind']],
            'Metrics': [{'Name': 'orders', 'Unit': 'Count'}, {'Name': 'took', 'Unit': 'Milliseconds'}]}]},
            'kind': event['kind'], 'orders': 2, 'took': [1, 3]}
    print(json.dumps(line), flush=True)
    await_flag(event['flag'])
"#;

pub(crate) async fn embedded_metrics_are_summed_over_processes() {
    let app = App::function("Timeout: 60", PRINTS);
    let metrics = Metrics::start(app.host.clone());
    let event = |kind: &str| json!({"kind": kind, "flag": "go"});
    let invocations = ["a", "a", "b"].map(|kind| app.start_invocation(&event(kind)));
    until("lines of three processes", async || app.log().matches("_aws").nth(2).map(drop)).await;
    app.raise("go");
    for invocation in invocations {
        assert!(invocation.await.unwrap().unwrap().is_success());
    }
    let text = metrics.of_api("Api", &["F"]);
    for line in [
        r#"shop_orders_total{function="f",kind="a"} 4"#,
        r#"shop_orders_total{function="f",kind="b"} 2"#,
        r#"shop_took_milliseconds_sum{function="f",kind="a"} 8"#,
        r#"shop_took_milliseconds_count{function="f",kind="a"} 4"#,
        r#"millrace_invocations_total{function="f"} 3"#,
        r#"millrace_cold_starts_total{function="f"} 3"#,
        r#"millrace_invocation_duration_milliseconds_bucket{function="f",le="+Inf"} 3"#,
        r#"millrace_invocations_in_flight{function="f"} 0"#,
        "# TYPE millrace_invocation_duration_milliseconds histogram",
        "# TYPE process_cpu_seconds_total counter",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let value = |text: &str, series: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{series}{{function=\"f\"}} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {series} in\n{text}"))
    };
    assert!(value(&text, "process_resident_memory_bytes") > 1_000_000.0, "{text}");
    let running = value(&text, "process_cpu_seconds_total");
    app.host.find("f").unwrap().restart().await;
    let ended = metrics.of_api("Api", &["F"]);
    assert!(value(&ended, "process_cpu_seconds_total") >= running && running > 0.0, "{ended}");
    assert_eq!(value(&ended, "process_resident_memory_bytes"), 0.0);
    assert_eq!(metrics.of_api("Api", &[]), "", "figures of other functions are not told");
}
