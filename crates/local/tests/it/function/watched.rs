//! A function without dependencies, so that `cargo lambda watch` builds it in a second. It answers with its name and the
//! event, and does what a word in the event says: fail, crash.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

fn main() {
    let name = env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap();
    loop {
        let (headers, event) = call("GET", "invocation/next", "");
        let id = headers.iter().find_map(|header| header.strip_prefix("lambda-runtime-aws-request-id: ")).unwrap();
        if event.contains("crash") {
            std::process::exit(3);
        }
        if event.contains("fail") {
            call("POST", &format!("invocation/{id}/error"), r#"{"errorType":"Bad","errorMessage":"as asked"}"#);
        } else {
            let answer = format!(r#"{{"function":"{name}","event":{event}}}"#);
            call("POST", &format!("invocation/{id}/response"), &answer);
        }
    }
}

fn call(method: &str, path: &str, body: &str) -> (Vec<String>, String) {
    let api = env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let (address, prefix) = api.trim_start_matches("http://").split_once('/').unwrap();
    let stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!("{method} /{prefix}/2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close");
    write!(&stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        headers.push(line.trim().to_lowercase());
    }
    let length = headers.iter().find_map(|header| header.strip_prefix("content-length: ")?.parse().ok());
    let mut text = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut text).unwrap();
    (headers, String::from_utf8(text).unwrap())
}
