//! `up --watch`: what an edit restarts.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    project::{Project, Up, function},
    until,
};

const OFFLINE: &[(&str, &str)] = &[("CARGO_NET_OFFLINE", "true")];

async fn pids(up: &Up<'_>) -> Vec<serde_json::Value> {
    let mut pids = Vec::new();
    for name in ["a", "b", "c"] {
        pids.push(up.status(name).await["idle_pids"][0].clone());
    }
    pids
}

async fn answers(up: &Up<'_>, function: &str, expected: &str) {
    until(&format!("{expected:?} from {function}"), async || {
        (up.invoke(function, "{}").await == json!(expected)).then_some(())
    })
    .await;
}

pub(crate) async fn an_edit_restarts_what_depends_on_it_and_nothing_else() {
    let project = Project::of_three_functions();
    let up = project.up(&["--watch", "--services", "none"], OFFLINE).await;
    for (function, answer) in [("A", "a one"), ("b", "b one"), ("C", "c")] {
        assert_eq!(up.invoke(function, "{}").await, json!(answer), "{}", up.said());
    }
    let before = pids(&up).await;
    // One function.
    let edited = Instant::now();
    project.write("a/src/main.rs", &function("format!(\"\\\"a new {}\\\"\", common::word())"));
    answers(&up, "a", "a new one").await;
    // 0.3 s on a machine with nothing else to do; the limit is for one that has.
    assert!(edited.elapsed() < Duration::from_secs(20), "{:?}", edited.elapsed());
    let after = pids(&up).await;
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1..], after[1..], "{}", up.said());
    // What two of three share.
    project.write("common/src/lib.rs", "pub fn word() -> &'static str { \"two\" }\n");
    answers(&up, "a", "a new two").await;
    answers(&up, "b", "b two").await;
    let last = pids(&up).await;
    assert_eq!(last[2], before[2], "{}", up.said());
    assert_eq!(
        (up.status("b").await["cold_starts"].clone(), up.status("c").await["cold_starts"].clone()),
        (json!(2), json!(1))
    );
}

pub(crate) async fn a_build_that_fails_is_shown_and_what_ran_runs_on() {
    let project = Project::of_three_functions();
    let up = project.up(&["--watch", "--services", "none"], OFFLINE).await;
    assert_eq!(up.invoke("c", "{}").await, json!("c"));
    project.write("c/src/main.rs", &function("no_such_thing()"));
    up.says("cannot find function `no_such_thing`").await;
    up.says("the build failed; what ran before runs on").await;
    assert_eq!(up.invoke("c", "{}").await, json!("c"));
    project.write("c/src/main.rs", &function("\"\\\"mended\\\"\".to_owned()"));
    answers(&up, "c", "mended").await;
}

pub(crate) async fn a_bootstrap_of_any_language_restarts_when_its_folder_changes() {
    let project = Project::new(&[(
        "template.yaml",
        "
Resources:
  P: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: p/, Timeout: 10}}
",
    )]);
    project.write_bootstrap("p", "def handler(event, context):\n    return 'one'\n");
    let up = project.up(&["--watch", "--services", "none"], &[]).await;
    assert_eq!(up.invoke("P", "{}").await, json!("one"), "{}", up.said());
    project.write("p/handler.py", "def handler(event, context):\n    return 'two'\n");
    answers(&up, "P", "two").await;
    up.says("reloaded p after").await;
}

pub(crate) async fn an_edited_template_brings_environment_and_timeout_at_once_and_names_the_rest() {
    let template = |properties: &str| {
        format!(
            "Resources:\n  P:\n    Type: AWS::Serverless::Function\n    Properties: {{Runtime: provided.al2023, CodeUri: p/{properties}}}\n"
        )
    };
    let project = Project::new(&[("template.yaml", &template(", Timeout: 10"))]);
    project.write_bootstrap("p", "import os\ndef handler(event, context):\n    return os.environ.get('WORD')\n");
    let up = project.up(&["--watch", "--services", "none"], &[]).await;
    assert_eq!(up.invoke("P", "{}").await, json!(null), "{}", up.said());
    project.write("template.yaml", &template(", Timeout: 10, Environment: {Variables: {WORD: hello}}"));
    answers(&up, "P", "hello").await;
    project.write("template.yaml", "Resources: [");
    up.says("template.yaml cannot be read, so nothing changes").await;
    project.write("template.yaml", &template(", Timeout: 10, FunctionName: other"));
    up.says("its name, code or concurrency: changed, and holds after `millrace down` and `millrace up`").await;
}
