//! Memory, log formats, and the Extensions API.

use serde_json::{Value, json};

use crate::support::{App, error_of};

pub(crate) async fn a_function_over_its_memory_is_ended_when_that_is_asked_for() {
    let handler = "
import time
held = []
def handler(event, context):
    held.append(bytearray(event * 1024 * 1024))
    for at in range(0, len(held[-1]), 4096):
        held[-1][at] = 1
    # It works on for a while, as who needs so much does.
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        time.sleep(0.01)
    return len(held)
";
    let app = App::with("Timeout: 60, MemorySize: 128", handler, |config| config.enforce_memory = true);
    assert_eq!(app.answer(&json!(1)).await, json!(1));
    let outcome = app.invoke(&json!(300)).await;
    let expected = format!("RequestId: {} Error: Runtime exited with error: signal: killed", outcome.request_id);
    assert_eq!(error_of(&outcome), json!({"errorType": "Runtime.ExitError", "errorMessage": expected}));
    assert!(app.log().contains("\tStatus: error\tError Type: Runtime.OutOfMemory"), "{}", app.log());
    assert_eq!(app.answer(&json!(1)).await, json!(1), "the next one is cold, and has nothing of what was held");
    let unlimited = App::function("Timeout: 60, MemorySize: 128", handler);
    assert_eq!(unlimited.answer(&json!(300)).await, json!(1), "memory is only measured when nothing else is asked for");
}

pub(crate) async fn a_json_log_has_lambdas_records() {
    let app = App::function(
        "Timeout: 10, LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: DEBUG}",
        "
import os
def handler(event, context):
    print('{\"level\": \"INFO\"}', flush=True)
    return [os.environ['AWS_LAMBDA_LOG_FORMAT'], os.environ['AWS_LAMBDA_LOG_LEVEL']]
",
    );
    let outcome = app.invoke(&json!({})).await;
    assert_eq!(&outcome.payload[..], br#"["JSON", "DEBUG"]"#);
    let log = app.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = lines.iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(kinds, ["platform.initStart", "platform.start", "platform.report"], "{log}");
    let report = lines.last().unwrap();
    assert_eq!(
        (&report["record"]["requestId"], &report["record"]["status"]),
        (&json!(outcome.request_id), &json!("success"))
    );
    let metrics = &report["record"]["metrics"];
    assert!(metrics["durationMs"].is_number() && metrics["initDurationMs"].is_number(), "{report}");
    assert_eq!(metrics["memorySizeMB"], 128);
}

/// Registers two extensions before the first event is asked for, and tells what they heard.
const EXTENSIONS: &str = "
import threading, urllib.request, urllib.error
API = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API']
def extension(path, headers, body=None, method='POST'):
    request = urllib.request.Request(API + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        return answer.code, {}, json.loads(answer.read())
def register(name, events, **headers):
    return extension('/2020-01-01/extension/register', {'Lambda-Extension-Name': name, **headers}, json.dumps({'events': events}).encode())
status, headers, body = register('hears', ['INVOKE'], **{'Lambda-Extension-Accept-Feature': 'accountId'})
ID = {'Lambda-Extension-Identifier': headers['lambda-extension-identifier']}
registered = [status, body]
refused = [register('ends', ['SHUTDOWN'])[::2], register('hears', [])[::2], extension('/2020-01-01/extension/event/next', {'Lambda-Extension-Identifier': 'x'}, None, 'GET')[::2]]
reported = [extension('/2020-01-01/extension/' + kind + '/error', ID, b'{}')[0] for kind in ('init', 'exit')]
telemetry = extension('/2022-07-01/telemetry', ID, b'{}', 'PUT')[::2]
heard = []
def listen():
    while True:
        heard.append(extension('/2020-01-01/extension/event/next', ID, None, 'GET')[2])
threading.Thread(target=listen, daemon=True).start()
def handler(event, context):
    import time
    deadline = time.monotonic() + 10
    while len(heard) < event and time.monotonic() < deadline:
        time.sleep(0.01)
    return {'registered': registered, 'refused': refused, 'reported': reported, 'telemetry': telemetry, 'heard': heard}
";

pub(crate) async fn an_extension_in_the_process_hears_of_every_invocation() {
    let handler = format!("import os, json\n{EXTENSIONS}");
    let app = App::function("Timeout: 20, Handler: my.handler, FunctionName: ext", &handler);
    let first = app.invoke(&json!(1)).await;
    let second = app.invoke(&json!(2)).await;
    let seen: Value = serde_json::from_slice(&second.payload).unwrap();
    assert_eq!(
        seen["registered"],
        json!([200, {"functionName": "ext", "functionVersion": "$LATEST", "handler": "my.handler", "accountId": millrace::template::ACCOUNT}])
    );
    let heard = seen["heard"].as_array().unwrap();
    let ids: Vec<&str> = heard.iter().map(|event| event["requestId"].as_str().unwrap()).collect();
    assert_eq!(ids, [first.request_id.as_str(), &second.request_id]);
    assert_eq!((&heard[0]["eventType"], &heard[0]["invokedFunctionArn"]), (&json!("INVOKE"), &json!(app.f().arn())));
}

pub(crate) async fn what_the_extensions_api_refuses_it_refuses_as_lambda_does() {
    let handler = format!("import os, json\n{EXTENSIONS}");
    let app = App::function("Timeout: 20", &handler);
    let seen = app.answer(&json!(1)).await;
    let refused: Vec<_> =
        seen["refused"].as_array().unwrap().iter().map(|r| (r[0].clone(), r[1]["errorType"].clone())).collect();
    let expected =
        ["Extension.InvalidEventType", "Extension.AlreadyRegistered", "Extension.UnknownExtensionIdentifier"];
    assert_eq!(refused, expected.map(|kind| (json!(403), json!(kind))));
    assert_eq!(seen["reported"], json!([202, 202]));
    assert_eq!(
        seen["telemetry"],
        json!([202, {"errorMessage": "Telemetry API is not supported", "errorType": "Telemetry.NotSupported"}])
    );
}
