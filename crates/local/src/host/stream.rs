//! Answers that a function streams: from the Runtime API through the invocation to whoever asked, with back-pressure all
//! the way (a client that reads slowly slows the function down), or collected for those who want the whole.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    Host, PAYLOAD_LIMIT,
    link::Answer,
    origin::Origin,
    outcome::{InvokeError, Outcome},
};

/// Lambda's limit on a streamed answer: 200 MB.
pub const STREAM_LIMIT: usize = 200 * 1024 * 1024;

/// How many parts wait for a slow reader before the function has to.
pub(super) const PARTS_IN_FLIGHT: usize = 4;

/// A connection that breaks in the midst of an answer mostly means that the process is ending: its end says more.
const BREAK_GRACE: Duration = Duration::from_millis(500);

/// What a process sends of a streamed answer, in this order: any number of `Data`, then one of the others.
#[derive(Debug)]
pub(super) enum Part {
    Data(Bytes),
    /// It is complete.
    End,
    /// The function gave up half-way (the trailers `Lambda-Runtime-Function-Error-*`): its error object.
    Failed(Bytes),
}

/// A streamed answer whose beginning has come.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) content_type: Option<String>,
    pub(super) parts: mpsc::Receiver<Part>,
}

/// What is known of an answer before its first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The `Content-Type` that the function gave its answer.
    pub content_type: Option<String>,
    /// Whether the function streams; otherwise the whole answer is one part.
    pub streamed: bool,
}

/// Where an answer goes.
#[derive(Debug)]
pub(super) enum Sink {
    /// Into the outcome, as a whole.
    Collect,
    /// To a reader, part by part.
    Forward { head: Option<oneshot::Sender<Head>>, parts: mpsc::Sender<Bytes> },
}

impl Sink {
    /// Takes an answer to its end and says what it came to.
    pub(super) async fn pass(&mut self, answer: Answer) -> Answer {
        match answer {
            Answer::Stream(streamed) => self.stream(streamed).await,
            Answer::Response(payload) if matches!(self, Self::Forward { .. }) => {
                self.begin(Head { content_type: None, streamed: false });
                self.send(payload.clone()).await;
                Answer::Response(payload)
            }
            other => other,
        }
    }

    async fn stream(&mut self, mut streamed: Streamed) -> Answer {
        self.begin(Head { content_type: streamed.content_type.take(), streamed: true });
        let limit = if matches!(self, Self::Collect) { PAYLOAD_LIMIT } else { STREAM_LIMIT };
        let (mut kept, mut size) = (BytesMut::new(), 0);
        loop {
            match streamed.parts.recv().await {
                Some(Part::Data(data)) => {
                    size += data.len();
                    // What is over the limit is read and dropped: a process whose connection is cut would crash.
                    if size <= limit {
                        match self {
                            Self::Collect => kept.extend_from_slice(&data),
                            Self::Forward { .. } => self.send(data).await,
                        }
                    }
                }
                Some(Part::End) if size > limit => return Answer::TooLarge { size, limit },
                Some(Part::End) => return Answer::Response(kept.freeze()),
                Some(Part::Failed(error)) => return Answer::Error(error),
                None => {
                    tokio::time::sleep(BREAK_GRACE).await;
                    let message = "the function's answer broke off before its end";
                    let error = json!({"errorType": "Runtime.TruncatedResponse", "errorMessage": message});
                    return Answer::Error(error.to_string().into());
                }
            }
        }
    }

    fn begin(&mut self, head: Head) {
        if let Self::Forward { head: waiting, .. } = self
            && let Some(waiting) = waiting.take()
        {
            // A reader that has left misses nothing; the function runs on, as on AWS.
            let _ = waiting.send(head);
        }
    }

    async fn send(&self, data: Bytes) {
        if let Self::Forward { parts, .. } = self {
            let _ = parts.send(data).await;
        }
    }
}

/// What a streaming invocation gives its caller.
#[derive(Debug)]
pub enum Reply {
    /// It ended before it answered anything: a function error.
    Ended(Outcome),
    /// The answer has begun.
    Stream(ResponseStream),
}

/// An answer under way. Dropping it does not end the invocation.
#[derive(Debug)]
pub struct ResponseStream {
    /// What is known of it.
    pub head: Head,
    parts: mpsc::Receiver<Bytes>,
    invocation: JoinHandle<Result<Outcome, InvokeError>>,
    function: String,
}

impl ResponseStream {
    /// The next part; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.parts.recv().await
    }

    /// How the invocation ended, once there are no more parts: its payload is empty, or the error object.
    ///
    /// # Errors
    /// The host lost it.
    pub async fn end(self) -> Result<Outcome, InvokeError> {
        joined(self.invocation.await, &self.function)
    }
}

impl Host {
    /// Invokes a function and hands its answer on as it comes. A function that does not stream gives one part.
    ///
    /// # Errors
    /// As [`Host::invoke`].
    pub async fn invoke_streaming(
        &self,
        origin: &Origin,
        function: &str,
        payload: Bytes,
    ) -> Result<Reply, InvokeError> {
        let function = Arc::clone(self.find(function).ok_or_else(|| self.unknown(function))?);
        let (name, origin) = (function.spec().name.clone(), origin.clone());
        let (head_sender, head) = oneshot::channel();
        let (sender, parts) = mpsc::channel(PARTS_IN_FLIGHT);
        let sink = Sink::Forward { head: Some(head_sender), parts: sender };
        let invocation = tokio::spawn(async move { function.invoke_into(&origin, payload, sink).await });
        match head.await {
            Ok(head) => Ok(Reply::Stream(ResponseStream { head, parts, invocation, function: name })),
            // The invocation has dropped its sink: it is over.
            Err(_) => joined(invocation.await, &name).map(Reply::Ended),
        }
    }
}

fn joined(
    ended: Result<Result<Outcome, InvokeError>, tokio::task::JoinError>,
    function: &str,
) -> Result<Outcome, InvokeError> {
    ended.unwrap_or_else(|error| {
        Err(InvokeError::NotRunnable { function: function.to_owned(), reason: error.to_string() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streamed(parts: Vec<Part>) -> Answer {
        let (sender, receiver) = mpsc::channel(parts.len().max(1));
        for part in parts {
            sender.try_send(part).unwrap();
        }
        Answer::Stream(Streamed { content_type: Some("a/b".into()), parts: receiver })
    }

    #[tokio::test]
    async fn a_stream_is_collected_for_those_who_want_the_whole() {
        let whole = Sink::Collect.pass(streamed(vec![Part::Data("a".into()), Part::Data("b".into()), Part::End])).await;
        assert!(matches!(whole, Answer::Response(payload) if payload == "ab"));
        let large = Bytes::from(vec![0; PAYLOAD_LIMIT]);
        let large = Sink::Collect.pass(streamed(vec![Part::Data(large), Part::Data("b".into()), Part::End])).await;
        assert!(matches!(large, Answer::TooLarge { limit: PAYLOAD_LIMIT, .. }));
        let failed = Sink::Collect.pass(streamed(vec![Part::Data("a".into()), Part::Failed("{}".into())])).await;
        assert!(matches!(failed, Answer::Error(error) if error == "{}"));
    }

    #[tokio::test]
    async fn a_stream_without_an_end_is_an_error() {
        let broken = Sink::Collect.pass(streamed(vec![Part::Data("a".into())])).await;
        let Answer::Error(error) = broken else { panic!("{broken:?}") };
        assert!(String::from_utf8_lossy(&error).contains("Runtime.TruncatedResponse"));
    }

    #[tokio::test]
    async fn parts_are_forwarded_after_the_head() {
        let (head_sender, head) = oneshot::channel();
        let (sender, mut parts) = mpsc::channel(4);
        let mut sink = Sink::Forward { head: Some(head_sender), parts: sender };
        let end = sink.pass(streamed(vec![Part::Data("a".into()), Part::Data("b".into()), Part::End])).await;
        assert!(matches!(end, Answer::Response(payload) if payload.is_empty()));
        assert_eq!(head.await.unwrap(), Head { content_type: Some("a/b".into()), streamed: true });
        drop(sink);
        assert_eq!(parts.recv().await.unwrap(), "a");
        assert_eq!(parts.recv().await.unwrap(), "b");
        assert!(parts.recv().await.is_none());
    }
}
