//! What is kept.

use millrace::{
    host::{Origin, Paths},
    record::{Recorder, Store},
};
use serde_json::json;
use tempfile::TempDir;

use crate::support::App;

const TEMPLATE: &str = "{Resources: {F: {Type: 'AWS::Serverless::Function', Properties:
    {Runtime: provided.al2023, CodeUri: f/, Timeout: 60, ReservedConcurrentExecutions: 1}}}}";

const HANDLER: &str = "
def handler(event, context):
    if event == 'fail':
        raise ValueError('as asked')
    return {'got': event}
";

pub(crate) async fn what_is_delivered_is_kept_with_its_answer_and_what_is_not_is_not() {
    let folder = TempDir::new().unwrap();
    let recorder = Recorder::start(folder.path(), 100).unwrap();
    let paths = Paths { recorder: Some(recorder.clone()), ..Paths::default() };
    let app = App::on(TEMPLATE, HANDLER, paths);
    let mapping = Origin::mapping("M").attempt(3);
    let first = app.host.invoke(&mapping, "F", r#"{"n": 1.50}"#.into()).await.unwrap();
    let second = app.host.invoke(&Origin::api("Api"), "F", "\"fail\"".into()).await.unwrap();
    app.f().reserve_concurrency(Some(0));
    assert!(app.try_invoke("{}").await.is_err(), "refused, so not delivered");
    recorder.flush().await;

    let store = Store::open(folder.path()).unwrap();
    let list = store.list().unwrap();
    assert_eq!(list.len(), 2, "{list:?}");
    let entry = store.find(&list[0].id).unwrap();
    assert_eq!((entry.function.as_str(), entry.origin.as_str(), entry.attempt), ("f", "mapping M", 3));
    assert_eq!((entry.request_id, entry.error), (first.request_id, None));
    assert_eq!(entry.event.bytes().unwrap(), br#"{"n": 1.50}"#, "byte for byte");
    assert_eq!(entry.answer.bytes().unwrap(), json!({"got": {"n": 1.5}}).to_string().replace(':', ": ").as_bytes());
    let entry = store.find(&list[1].id).unwrap();
    assert_eq!((entry.origin.as_str(), entry.error.as_deref()), ("api Api", Some("Unhandled")));
    assert_eq!(entry.answer.bytes().unwrap(), second.payload);
}
