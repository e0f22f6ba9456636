//! The bytes of an invocation, past `lambda_runtime`'s own decoding.
//!
//! `lambda_runtime` decodes through `serde_path_to_error`, which notes the path of each field in case that a later one is
//! wrong: of a batch of 10,000 records that costs more than the decoding itself. So the runtime is given `null` to decode,
//! and the event is decoded from its bytes beside it.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use lambda_runtime::{
    Diagnostic, LambdaInvocation,
    tower::{Layer, Service},
};
use serde::de::DeserializeOwned;

/// Where the bytes of the invocation under way are. A process has one invocation at a time.
#[derive(Clone, Default)]
pub(crate) struct Payload(Arc<Mutex<Bytes>>);

impl Payload {
    /// The event of the invocation that begins; its bytes are freed.
    pub(crate) fn decode<E: DeserializeOwned>(&self) -> Result<E, Diagnostic> {
        let bytes = mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        serde_json::from_slice(&bytes).map_err(|error| {
            tracing::error!(error = %error, "the event is not what the function takes");
            Diagnostic {
                error_type: "EventError".into(),
                error_message: format!("the event is not what the function takes: {error}"),
            }
        })
    }
}

impl<S> Layer<S> for Payload {
    type Service = Aside<S>;

    fn layer(&self, inner: S) -> Aside<S> {
        Aside { inner, payload: self.clone() }
    }
}

/// Puts the bytes of each invocation aside.
pub(crate) struct Aside<S> {
    inner: S,
    payload: Payload,
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for Aside<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut invocation: LambdaInvocation) -> S::Future {
        let bytes = mem::replace(&mut invocation.body, Bytes::from_static(b"null"));
        *self.payload.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        self.inner.call(invocation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_decoded_once_and_a_wrong_one_is_told() {
        let payload = Payload(Arc::new(Mutex::new(Bytes::from_static(b"[1,2]"))));
        assert_eq!(payload.decode::<Vec<u8>>().unwrap(), [1, 2]);
        let again = payload.decode::<Vec<u8>>().unwrap_err();
        assert_eq!(again.error_type, "EventError");
        assert!(again.error_message.contains("EOF"), "{}", again.error_message);
    }
}
