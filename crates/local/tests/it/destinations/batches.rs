//! On-failure destinations of Kafka mappings that are no Kafka topic.

use millrace::kafka_source::Mapping;
use serde_json::{Value, json};

use crate::support::{
    aws::Aws,
    source::{Source, decoded},
    topic::rec,
};

/// Cannot stand the value `poison`.
const POISONED: &str = "
def judge(batch):
    if any('poison' in values for values in batch.values()):
        raise ValueError('poison')
";

/// A mapping that gives up a batch of two at once, to this destination.
async fn given_up(destination: &str) -> Source {
    let properties = format!(
        "BatchSize: 2, MaximumBatchingWindowInSeconds: 1, MaximumRetryAttempts: 1, \
         DestinationConfig: {{OnFailure: {{Destination: '{destination}'}}}}"
    );
    let source = Source::new(1, &properties, POISONED).await;
    source.topic.produce(&[rec(0, "a"), rec(0, "poison"), rec(0, "b")]).await;
    source.enable().await;
    source.until_committed(&[3]).await;
    source.mapping.disable().await;
    assert_eq!(source.delivered(0), ["a", "poison", "a", "poison", "b"]);
    source
}

fn check_metadata(source: &Source, document: &Value) {
    let request = &document["requestContext"];
    assert_eq!(request["condition"], "RetryAttemptsExhausted");
    assert_eq!(request["approximateInvokeCount"], 2);
    assert_eq!(request["functionArn"], source.app.f().arn());
    assert!(source.app.log().contains(request["requestId"].as_str().unwrap()), "the last attempt's");
    let response = json!({"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"});
    assert_eq!(document["responseContext"], response);
    assert_eq!(document["version"], "1.0");
    let info = &document["KafkaBatchInfo"];
    assert_eq!((&info["batchSize"], &info["eventSourceArn"]), (&json!(2), &Value::Null));
    assert_eq!(info["bootstrapServers"], source.topic.kafka.bootstrap_servers);
    let records = &info["recordsInfo"][format!("{}-0", source.topic.name)];
    assert_eq!((&records["firstRecordOffset"], &records["lastRecordOffset"]), (&json!("0"), &json!("1")));
    assert!(records["firstRecordTimestamp"].as_str().unwrap().ends_with('Z'), "{records}");
}

pub(crate) async fn a_queue_gets_the_metadata_of_a_failed_batch_and_no_records() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let source = given_up(&queue.arn).await;
    let document = aws.receive_json(&queue).await;
    check_metadata(&source, &document);
    assert!(document.get("payload").is_none());
    assert!(aws.poll(&queue).await.is_none(), "one message a batch");
}

pub(crate) async fn an_sns_topic_gets_the_metadata_of_a_failed_batch_as_its_message() {
    let aws = Aws::connect().await;
    let queue = aws.queue().await;
    let source = given_up(&aws.topic(&queue).await).await;
    let notification = aws.receive_json(&queue).await;
    let document: Value = serde_json::from_str(notification["Message"].as_str().unwrap()).unwrap();
    check_metadata(&source, &document);
    assert!(document.get("payload").is_none());
}

pub(crate) async fn a_bucket_gets_the_metadata_and_the_whole_event_as_text() {
    let aws = Aws::connect().await;
    let bucket = aws.bucket().await;
    let source = given_up(&format!("arn:aws:s3:::{bucket}")).await;
    let (key, document) = aws.object(&bucket).await;
    let prefix = format!("aws/lambda/{}/{}-0/", source.mapping.uuid(), source.topic.name);
    // YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>
    let rest = key.strip_prefix(&prefix).unwrap_or_else(|| panic!("{key} does not begin with {prefix}"));
    let (day, file) = rest.rsplit_once('/').unwrap();
    assert!(file.starts_with(&day.replace('/', "-")) && file.len() == 19 + 1 + 36, "{key}");
    check_metadata(&source, &document);
    let event: Value = serde_json::from_str(document["payload"].as_str().unwrap()).unwrap();
    assert_eq!(document["KafkaBatchInfo"]["payloadSize"], document["payload"].as_str().unwrap().len());
    let records = event["records"][format!("{}-0", source.topic.name)].as_array().unwrap();
    assert_eq!(records.iter().map(|record| decoded(&record["value"])).collect::<Vec<_>>(), ["a", "poison"]);
}

pub(crate) async fn a_queue_that_is_not_there_yet_loses_nothing() {
    let aws = Aws::connect().await;
    let name = crate::support::aws::name();
    let destination = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let properties = format!(
        "BatchSize: 1, MaximumRetryAttempts: 0, DestinationConfig: {{OnFailure: {{Destination: '{destination}'}}}}"
    );
    let source = Source::new(1, &properties, POISONED).await;
    source.topic.produce(&[rec(0, "poison"), rec(0, "a")]).await;
    source.gives_up_and_settles_nothing().await;
    // The next runner meets a queue, and everything goes on from there.
    let queue = aws.queue_named(&name).await;
    let again: Mapping = source.another_mapping();
    again.enable().await.unwrap();
    source.until_committed(&[2]).await;
    again.disable().await;
    assert_eq!(aws.receive_json(&queue).await["KafkaBatchInfo"]["batchSize"], 1);
    assert_eq!(source.delivered(0), ["poison", "poison", "a"]);
}
