//! Lambda's `InvokeWithResponseStream`: the answer as it comes, in the frames of AWS's event streams.

use std::sync::Arc;

use anyhow::Context;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::{
    Stack,
    error::ApiError,
    invoke::{body_limit, caller, checked, dry_run, invocation_type, refused},
};
use crate::host::{InvokeError, Origin, Outcome, Reply, ResponseStream};

/// An answer that came as a whole is sent in pieces of this size, so that no frame is larger than readers accept.
const PIECE: usize = 64 * 1024;

pub(super) fn router() -> Router<Arc<Stack>> {
    Router::new().route("/2021-11-15/functions/{name}/response-streaming-invocations", post(invoke)).layer(body_limit())
}

async fn invoke(
    State(stack): State<Arc<Stack>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Result<Response, ApiError> {
    let payload = checked(payload)?;
    let caller = caller(&headers)?;
    match invocation_type(&headers) {
        "RequestResponse" => {}
        "DryRun" => return dry_run(&stack, &name),
        other => {
            let message = format!("X-Amz-Invocation-Type is {other:?}, accepted: RequestResponse, DryRun");
            return Err(ApiError::invalid(message));
        }
    }
    let reply = stack.host.invoke_streaming(&Origin::caller().with(caller), &name, payload).await;
    let reply = reply.map_err(|error| refused(&error))?;
    let headers =
        [(header::CONTENT_TYPE.as_str(), "application/vnd.amazon.eventstream"), ("x-amz-executed-version", "$LATEST")];
    let body = match reply {
        Reply::Ended(outcome) => Body::from(complete(&Ok(outcome)).map_err(|error| ApiError::internal(&error))?),
        Reply::Stream(stream) => Body::from_stream(frames(stream)),
    };
    Ok((StatusCode::OK, headers, body).into_response())
}

/// The frames of an answer. The last one says how it ended, in the midst of the answer too.
fn frames(stream: ResponseStream) -> impl futures::Stream<Item = anyhow::Result<Bytes>> {
    futures::stream::unfold(Some(stream), |state| async {
        let mut stream = state?;
        match stream.next().await {
            Some(data) => Some((chunks(&data), Some(stream))),
            None => Some((complete(&stream.end().await), None)),
        }
    })
}

fn chunks(data: &[u8]) -> anyhow::Result<Bytes> {
    let mut out = Vec::with_capacity(data.len() + 128);
    for piece in data.chunks(PIECE) {
        frame(&mut out, "PayloadChunk", "application/octet-stream", Bytes::copy_from_slice(piece))?;
    }
    Ok(out.into())
}

fn complete(ended: &Result<Outcome, InvokeError>) -> anyhow::Result<Bytes> {
    let mut fields = json!({});
    let (code, details) = match ended {
        Ok(outcome) if outcome.is_success() => (None, None),
        Ok(outcome) => (outcome.function_error, Some(String::from_utf8_lossy(&outcome.payload).into_owned())),
        Err(error) => (Some("ServiceException"), Some(error.to_string())),
    };
    if let (Some(code), Some(fields)) = (code, fields.as_object_mut()) {
        fields.insert("ErrorCode".to_owned(), json!(code));
        fields.insert("ErrorDetails".to_owned(), json!(details));
    }
    let tail = ended.as_ref().ok().and_then(|outcome| outcome.log_tail.as_ref());
    if let (Some(tail), Some(fields)) = (tail, fields.as_object_mut()) {
        fields.insert("LogResult".to_owned(), json!(base64_simd::STANDARD.encode_to_string(tail)));
    }
    let mut out = Vec::new();
    frame(&mut out, "InvokeComplete", "application/json", fields.to_string().into())?;
    Ok(out.into())
}

fn frame(out: &mut Vec<u8>, kind: &'static str, content_type: &'static str, payload: Bytes) -> anyhow::Result<()> {
    let header = |name: &'static str, value: &'static str| Header::new(name, HeaderValue::String(value.into()));
    let headers =
        vec![header(":message-type", "event"), header(":event-type", kind), header(":content-type", content_type)];
    write_message_to(&Message::new_from_parts(headers, payload), out).context("write a frame")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_eventstream::frame::read_message_from;

    use super::*;

    fn read(bytes: &Bytes) -> Vec<(String, Bytes)> {
        let mut rest = bytes.clone();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let message = read_message_from(&mut rest).unwrap();
            let kind = message.headers().iter().find(|header| header.name().as_str() == ":event-type").unwrap();
            found.push((kind.value().as_string().unwrap().as_str().to_owned(), message.payload().clone()));
        }
        found
    }

    #[test]
    fn frames_are_read_by_aws_own_reader() {
        let read_chunks = read(&chunks(&vec![7; PIECE + 1]).unwrap());
        let sizes: Vec<_> = read_chunks.iter().map(|(kind, payload)| (kind.as_str(), payload.len())).collect();
        assert_eq!(sizes, [("PayloadChunk", PIECE), ("PayloadChunk", 1)]);
        let mut outcome = Outcome {
            request_id: String::new(),
            payload: Bytes::new(),
            function_error: None,
            duration: Duration::ZERO,
            init_duration: None,
            log_tail: None,
        };
        assert_eq!(read(&complete(&Ok(outcome.clone())).unwrap()), [("InvokeComplete".to_owned(), Bytes::from("{}"))]);
        (outcome.function_error, outcome.payload) = (Some("Unhandled"), "{\"errorType\":\"E\"}".into());
        let failed = read(&complete(&Ok(outcome)).unwrap());
        let fields: serde_json::Value = serde_json::from_slice(&failed[0].1).unwrap();
        assert_eq!(fields, json!({"ErrorCode": "Unhandled", "ErrorDetails": "{\"errorType\":\"E\"}"}));
    }
}
