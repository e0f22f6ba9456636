//! Calls of Lambda's API over HTTP, and the commands that use them.

use serde_json::{Value, json};

use crate::support::{
    project::{Project, Up},
    until,
};

const HANDLER: &str = "
import os, time
def handler(event, context):
    if event == 'context':
        return context.headers
    if event == 'hold':
        record('begun')
        await_flag('go')
    print('a line of its own', flush=True)
    return os.getpid()
";

fn project() -> Project {
    let project = Project::new(&[(
        "template.yaml",
        "
Resources:
  P:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      CodeUri: p/
      Timeout: 60
      MemorySize: 256
      Environment: {Variables: {WORD: hello, API_TOKEN: hidden}}
",
    )]);
    project.write_bootstrap("p", HANDLER);
    project
}

async fn up(project: &Project) -> Up<'_> {
    project.up(&["--services", "none", "--concurrency", "2"], &[]).await
}

async fn get(up: &Up<'_>, path: &str) -> Value {
    reqwest::get(up.url(path)).await.unwrap().json().await.unwrap()
}

pub(crate) async fn a_reservation_holds_at_once_and_outlives_the_runner() {
    let project = project();
    let stack = up(&project).await;
    let path = "/2017-10-31/functions/p/concurrency";
    assert_eq!(get(&stack, "/2019-09-30/functions/p/concurrency").await, json!({}));
    // Two run, as many as there are without a reservation.
    let held: Vec<_> = (0..2)
        .map(|_| {
            let url = stack.url("/2015-03-31/functions/P/invocations");
            tokio::spawn(
                async move { reqwest::Client::new().post(url).body("\"hold\"").send().await.unwrap().status() },
            )
        })
        .collect();
    until("two invocations under way", async || (stack.status("p").await["in_flight"] == 2).then_some(())).await;
    let client = reqwest::Client::new();
    let body = json!({"ReservedConcurrentExecutions": 1});
    let put = client.put(stack.url(path)).json(&body).send().await.unwrap();
    assert_eq!((put.status().as_u16(), put.json::<Value>().await.unwrap()), (200, body.clone()));
    let throttled = stack.call("P", &[], "1").await;
    assert_eq!(throttled.status(), 429);
    assert_eq!(throttled.headers()["x-amzn-errortype"], "TooManyRequestsException");
    project.write("p/go", "");
    for invocation in held {
        assert_eq!(invocation.await.unwrap(), 200, "what ran when the reservation came has ended as it would have");
    }
    let bad = client.put(stack.url(path)).json(&json!({"ReservedConcurrentExecutions": -1})).send().await.unwrap();
    assert_eq!(bad.status(), 400);
    drop(stack);
    let stack = up(&project).await;
    assert_eq!(get(&stack, "/2019-09-30/functions/p/concurrency").await, body);
    let scaled = stack.command(&["scale", "p", "0"]);
    assert!(scaled.status.success(), "{}", String::from_utf8_lossy(&scaled.stderr));
    assert_eq!(stack.call("P", &[], "1").await.status(), 429);
    assert!(stack.command(&["scale", "p", "default"]).status.success());
    assert_eq!(stack.call("P", &[], "1").await.status(), 200);
}

pub(crate) async fn functions_are_listed_and_described() {
    let project = project();
    let up = up(&project).await;
    let list = get(&up, "/2015-03-31/functions/").await;
    assert_eq!(list["Functions"].as_array().unwrap().len(), 1);
    let one = get(&up, "/2015-03-31/functions/p").await;
    let configuration = &one["Configuration"];
    assert_eq!(*configuration, list["Functions"][0]);
    assert_eq!(*configuration, get(&up, "/2015-03-31/functions/P/configuration").await);
    assert_eq!(
        (&configuration["FunctionName"], &configuration["Timeout"], &configuration["MemorySize"]),
        (&json!("p"), &json!(60), &json!(256))
    );
    assert_eq!(configuration["Environment"]["Variables"]["WORD"], "hello");
    let arn = configuration["FunctionArn"].as_str().unwrap().replace(':', "%3A");
    assert_eq!(get(&up, &format!("/2015-03-31/functions/{arn}")).await, one);
    let unknown = reqwest::get(up.url("/2015-03-31/functions/other")).await.unwrap();
    assert_eq!(unknown.headers()["x-amzn-errortype"], "ResourceNotFoundException");
}

pub(crate) async fn a_client_context_and_a_trace_id_are_passed_on() {
    let project = project();
    let up = up(&project).await;
    let context = r#"{"custom": {"word": "grüß"}}"#;
    let encoded = base64_simd::STANDARD.encode_to_string(context);
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let headers = [("x-amz-client-context", encoded.as_str()), ("x-amzn-trace-id", trace)];
    let seen: Value = up.call("P", &headers, "\"context\"").await.json().await.unwrap();
    let passed: Value = serde_json::from_str(seen["lambda-runtime-client-context"].as_str().unwrap()).unwrap();
    assert_eq!(passed, serde_json::from_str::<Value>(context).unwrap());
    assert_eq!(seen["lambda-runtime-trace-id"], trace);
    let seen: Value = up.call("P", &[], "\"context\"").await.json().await.unwrap();
    assert!(seen["lambda-runtime-trace-id"].as_str().unwrap().starts_with("Root=1-"), "{seen}");
    assert_eq!(seen.get("lambda-runtime-client-context"), None);
    let bad = up.call("P", &[("x-amz-client-context", "no base64")], "1").await;
    assert_eq!(
        (bad.status().as_u16(), &bad.headers()["x-amzn-errortype"]),
        (400, &"InvalidRequestContentException".parse().unwrap())
    );
}

pub(crate) async fn the_log_tail_comes_with_the_answer_when_it_is_asked_for() {
    let project = project();
    let up = up(&project).await;
    let answer = up.call("P", &[("x-amz-log-type", "Tail")], "1").await;
    let tail = base64_simd::STANDARD.decode_to_vec(answer.headers()["x-amz-log-result"].as_bytes()).unwrap();
    let tail = String::from_utf8(tail).unwrap();
    assert!(tail.starts_with("START RequestId: ") && tail.contains("\na line of its own\n"), "{tail}");
    assert!(tail.contains("\nREPORT RequestId: "), "{tail}");
    let second = up.call("P", &[("x-amz-log-type", "Tail")], "2").await;
    let second = base64_simd::STANDARD.decode_to_vec(second.headers()["x-amz-log-result"].as_bytes()).unwrap();
    assert_eq!(String::from_utf8(second).unwrap().matches("START").count(), 1, "of this invocation only");
    assert!(!up.call("P", &[], "1").await.headers().contains_key("x-amz-log-result"));
}

pub(crate) async fn exec_runs_a_command_with_the_functions_environment() {
    let project = project();
    let up = up(&project).await;
    let script = "echo $WORD $AWS_LAMBDA_FUNCTION_NAME $API_TOKEN; exit 7";
    let output = up.command(&[
        "exec",
        "p",
        "--dir",
        &project.path().join(".millrace").display().to_string(),
        "--",
        "/bin/sh",
        "-c",
        script,
    ]);
    assert_eq!((String::from_utf8_lossy(&output.stdout).as_ref(), output.status.code()), ("hello p hidden\n", Some(7)));
    let printed = String::from_utf8(up.command(&["exec", "p"]).stdout).unwrap();
    assert!(printed.contains("WORD=hello\n") && printed.contains("API_TOKEN=********\n"), "{printed}");
    assert!(!printed.contains("hidden"), "{printed}");
    let whole = String::from_utf8(up.command(&["exec", "p", "--show-secrets"]).stdout).unwrap();
    assert!(whole.contains("API_TOKEN=hidden\n"), "{whole}");
    let unknown = up.command(&["exec", "q"]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there are p"));
}

pub(crate) async fn functions_end_when_the_runner_is_killed() {
    let project = project();
    let mut up = up(&project).await;
    let pid = up.invoke("P", "1").await.as_i64().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    up.process.kill().unwrap();
    up.process.wait().unwrap();
    until("the function's end", async || rustix::process::test_kill_process(pid).is_err().then_some(())).await;
}
