//! What a streaming function says of its HTTP response before the body: JSON, then eight zero bytes.

use bytes::{Bytes, BytesMut};
use http::Response;
use serde_json::Value;

use super::response;

/// The type that says that there is one.
pub const CONTENT_TYPE: &str = "application/vnd.awslambda.http-integration-response";

/// The most that is read in search of its end.
const LIMIT: usize = 256 * 1024;
const END: [u8; 8] = [0; 8];

/// Collects the parts of a stream until the prelude is whole.
#[derive(Debug, Default)]
pub struct Prelude {
    seen: BytesMut,
}

impl Prelude {
    /// Takes a part. Once the prelude is whole: the response's head, and what of the body came with it.
    ///
    /// # Errors
    /// It is no JSON, names no status, or has no end.
    pub fn push(&mut self, part: &[u8]) -> Result<Option<(Response<()>, Bytes)>, String> {
        let from = self.seen.len().saturating_sub(END.len() - 1);
        self.seen.extend_from_slice(part);
        let found = self.seen.get(from..).and_then(|fresh| fresh.windows(END.len()).position(|window| window == END));
        let Some(at) = found.map(|at| at + from) else {
            let over = self.seen.len() > LIMIT;
            return if over { Err(format!("the first {LIMIT} bytes hold no end of a prelude")) } else { Ok(None) };
        };
        let json = self.seen.split_to(at);
        let body = self.seen.split_off(END.len()).freeze();
        let value: Value = serde_json::from_slice(&json).map_err(|error| format!("the prelude is no JSON: {error}"))?;
        Ok(Some((response::head(&value)?, body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_cut_anywhere() {
        let whole = b"{\"statusCode\":201,\"headers\":{\"a\":\"b\"},\"cookies\":[\"c=1\"]}\0\0\0\0\0\0\0\0body\0\0\0\0\0\0\0\0more";
        for cut in 0..whole.len() {
            let (first, second) = whole.split_at(cut);
            let mut prelude = Prelude::default();
            let mut rest = Vec::new();
            let mut head = None;
            for part in [first, second] {
                if head.is_some() {
                    rest.extend_from_slice(part);
                } else if let Some((found, body)) = prelude.push(part).unwrap() {
                    head = Some(found);
                    rest.extend_from_slice(&body);
                }
            }
            let head = head.unwrap();
            assert_eq!(
                (head.status().as_u16(), &head.headers()["a"], &head.headers()["set-cookie"]),
                (201, &"b".parse().unwrap(), &"c=1".parse().unwrap())
            );
            assert_eq!(rest, b"body\0\0\0\0\0\0\0\0more", "cut at {cut}");
        }
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in [&b"no\0\0\0\0\0\0\0\0"[..], b"{\"statusCode\":7}\0\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\0"] {
            assert!(Prelude::default().push(text).is_err());
        }
        assert!(Prelude::default().push(&vec![b'x'; LIMIT + 1]).is_err());
        assert!(Prelude::default().push(b"{}").unwrap().is_none());
    }
}
