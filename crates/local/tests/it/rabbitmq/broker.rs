//! A broker or a queue that is not there, goes away, or wants another login.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{
    aws,
    node::Node,
    queue::{Queue, create_user, data, done, mapping, mapping_at, variables},
    until,
};

pub(crate) async fn a_queue_that_is_not_there_is_named_and_waited_for() {
    let name = Queue::unused_name();
    let (app, mapping) = mapping(&name, "Timeout: 60", "BatchSize: 1", "");
    mapping.enable().await;
    let problem = mapping.problem().unwrap_or_default();
    assert!(problem.contains(&format!("queue {name} does not exist in virtual host / yet")), "{problem}");
    let queue = Queue::create(&name, &[]).await;
    queue.publish(&["a"]).await;
    done(&mapping, 1).await;
    assert_eq!(mapping.problem(), None);
    mapping.disable().await;
    assert_eq!(data(&app.records()), ["a"]);
}

pub(crate) async fn a_broker_that_dies_and_comes_back_loses_nothing() {
    let mut node = Node::start().await;
    let variables = BTreeMap::from([("RABBITMQ_URL".to_owned(), node.url())]);
    let name = Queue::unused_name();
    let queue = Queue::create_at(&node.url(), "/", &name, &[]).await;
    queue.publish(&["a", "b"]).await;
    let judge = "
def judge(batch):
    await_flag('go')
";
    let (app, mapping) = mapping_at(&variables, &name, "Timeout: 60", "BatchSize: 1", judge);
    mapping.enable().await;
    app.recorded(1).await;
    node.kill();
    app.raise("go");
    until("the problem", async || mapping.problem()).await;
    node.run();
    // Not a count of what is done: the first message counts again when its acknowledgement was lost.
    until("the second message", async || data(&app.records()).contains(&"b".to_owned()).then_some(())).await;
    mapping.disable().await;
    let mut delivered = data(&app.records());
    assert_eq!(delivered.first().map(String::as_str), Some("a"));
    delivered.sort();
    delivered.dedup();
    assert_eq!(delivered, ["a", "b"], "the first one comes again, because its acknowledgement was lost");
}

pub(crate) async fn the_login_is_that_of_the_secret_and_a_changed_one_is_found() {
    let name = Queue::unused_name();
    create_user(&name, "right").await;
    let queue = Queue::create(&name, &[]).await;
    queue.publish(&["a"]).await;
    let secret = |password: &str| json!({"username": name, "password": password}).to_string();
    secrets_manager("CreateSecret", &json!({"Name": name, "SecretString": secret("wrong")})).await;
    let access = format!("BatchSize: 1, SourceAccessConfigurations: [{{Type: BASIC_AUTH, URI: {name}}}]");
    let (_app, mapping) = mapping_at(&variables(), &name, "Timeout: 60", &access, "");
    mapping.enable().await;
    let problem = mapping.problem().unwrap_or_default();
    assert!(problem.contains("ACCESS_REFUSED") && !problem.contains("wrong"), "{problem}");
    secrets_manager("PutSecretValue", &json!({"SecretId": name, "SecretString": secret("right")})).await;
    done(&mapping, 1).await;
    mapping.disable().await;
}

pub(crate) async fn a_secret_that_is_no_login_is_named_and_not_shown() {
    let name = Queue::unused_name();
    secrets_manager("CreateSecret", &json!({"Name": name, "SecretString": "hunter2"})).await;
    let access = format!("SourceAccessConfigurations: [{{Type: BASIC_AUTH, URI: {name}}}]");
    let (_app, mapping) = mapping_at(&variables(), &name, "Timeout: 60", &access, "");
    mapping.enable().await;
    let problem = mapping.problem().unwrap_or_default();
    mapping.disable().await;
    assert!(problem.contains(&name) && problem.contains("username") && !problem.contains("hunter2"), "{problem}");
}

/// A call of the emulator, which asks for no signature.
async fn secrets_manager(action: &str, body: &serde_json::Value) {
    let mut body = body.clone();
    body["ClientRequestToken"] = json!(uuid::Uuid::new_v4().to_string());
    let endpoint = aws::variables()["AWS_ENDPOINT_URL"].clone();
    let answer = reqwest::Client::new()
        .post(endpoint)
        .header("x-amz-target", format!("secretsmanager.{action}"))
        .header("content-type", "application/x-amz-json-1.1")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{action}: {}", answer.status());
}
