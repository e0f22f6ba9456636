//! Templates that are not Millrace's, and a runner that starts no services.

use std::net::TcpListener;

use serde_json::json;

use crate::support::project::Project;

pub(crate) async fn a_template_from_elsewhere_is_built_started_and_invoked() {
    let project = Project::of_three_functions();
    // Nothing says `--services`: it needs none, so none starts.
    let up = project.up(&[], &[("CARGO_NET_OFFLINE", "true")]).await;
    assert!(up.said().contains("built 3 functions"), "{}", up.said());
    for (function, answer) in [("A", "a one"), ("b", "b one"), ("C", "c")] {
        assert_eq!(up.invoke(function, "{}").await, json!(answer), "{}", up.said());
    }
    let status = String::from_utf8(up.command(&["status"]).stdout).unwrap();
    assert!(!status.contains("SERVICE"), "{status}");
    let invoked = up.command(&["invoke", "a"]);
    assert_eq!(String::from_utf8_lossy(&invoked.stdout), "\"a one\"\n");
}

pub(crate) async fn a_package_at_the_templates_own_folder_names_its_program() {
    let manifest = "[package]\nname = \"sole\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let template = "Resources:\n  S: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: ., Timeout: 10}}\n";
    let main = crate::support::project::function("\"\\\"sole\\\"\".to_owned()");
    let project = Project::new(&[("Cargo.toml", manifest), ("template.yaml", template), ("src/main.rs", &main)]);
    let up = project.up(&["--services", "none"], &[("CARGO_NET_OFFLINE", "true")]).await;
    assert_eq!(up.invoke("S", "{}").await, json!("sole"), "{}", up.said());
    drop(up);
    project.write("src/bin/other.rs", &main);
    let refused = project.millrace(&["up", "--services", "none", "--ports", "free"], &[]).output().unwrap();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("has the programs") && error.contains("Metadata.BuildProperties.Binary"), "{error}");
}

pub(crate) async fn a_program_that_does_not_compile_stops_up_with_the_compilers_words() {
    let project = Project::of_three_functions();
    project.write("c/src/main.rs", "fn main() { nonsense() }\n");
    let refused = project.millrace(&["up", "--services", "none", "--ports", "free"], &[]).output().unwrap();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(error.contains("cannot find function `nonsense`") && error.contains("do not compile"), "{error}");
}

pub(crate) async fn without_services_a_trigger_names_the_variable_that_it_needs() {
    let template = "
Resources:
  P:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: p/
      Events:
        Orders: {Type: MSK, Properties: {Stream: 'arn:aws:kafka:us-east-1:1:cluster/c/1', Topics: [orders], StartingPosition: LATEST}}
";
    let project = Project::new(&[("template.yaml", template)]);
    project.write_bootstrap("p", "def handler(event, context):\n    return 1\n");
    let refused = project.millrace(&["up", "--services", "none", "--ports", "free"], &[]).output().unwrap();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success());
    assert!(error.contains("needs KAFKA_BOOTSTRAP_SERVERS"), "{error}");
}

pub(crate) async fn without_services_the_environment_gives_the_endpoints_and_the_credentials() {
    let template = "Resources:\n  P: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: p/, Timeout: 10}}\n";
    let project = Project::new(&[("template.yaml", template)]);
    project.write_bootstrap("p", "import os\ndef handler(event, context):\n    return dict(os.environ)\n");
    let environment =
        [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("AWS_ACCESS_KEY_ID", "mine"), ("AWS_REGION", "eu-west-1")];
    let up = project.up(&["--services", "none"], &environment).await;
    let seen = up.invoke("P", "{}").await;
    for (name, value) in environment {
        assert_eq!(seen[name], value, "{seen}");
    }
}

pub(crate) async fn the_invoke_api_moves_when_9000_is_taken() {
    let template = "Resources:\n  P: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, CodeUri: p/, Timeout: 10}}\n";
    let project = Project::new(&[("template.yaml", template)]);
    project.write_bootstrap("p", "def handler(event, context):\n    return 'here'\n");
    // Ours, or somebody else's already.
    let taken = TcpListener::bind(("127.0.0.1", 9000));
    let up = project.up(&["--services", "none", "--ports", "fixed"], &[]).await;
    assert!(up.said().contains("port 9000 is taken") && up.said().contains("the Invoke API is on 90"), "{}", up.said());
    assert_eq!(up.invoke("P", "{}").await, json!("here"));
    drop(taken);
}
