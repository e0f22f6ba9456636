//! Cursors: where a page ended, in text that only this API can make.
//!
//! A cursor is a version, the shard map's epoch, a position and a tag (HMAC-SHA256) over these and over what was listed, in
//! URL-safe base64. A list's order does not depend on shards, so a cursor stays good when the epoch has changed since; the
//! epoch is in it to tell in the log that it has.

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD;
use domain::posts::{Id, Position};
use kit::Secret;
use kit::http::Problem;

const VERSION: u8 = 1;
/// Version, epoch, microseconds, id.
const BODY: usize = 1 + 8 + 8 + 16;
const TAG: usize = 32;

/// What a cursor goes through. One of another list does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum List<'a> {
    /// All posts.
    Posts,
    /// A user's posts.
    UserPosts(&'a str),
    /// A post's comments.
    Comments(Id),
}

impl List<'_> {
    /// Different for any two lists.
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Posts => b"p".to_vec(),
            Self::UserPosts(user) => [b"u", user.as_bytes()].concat(),
            Self::Comments(post) => [&b"c"[..], &post.to_bytes()].concat(),
        }
    }
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Of the shard map then.
    pub(crate) epoch: i64,
    /// Of the page's last row.
    pub(crate) after: Position,
}

/// Makes and checks cursors.
#[derive(Debug)]
pub(crate) struct Signer(hmac::Key);

impl Signer {
    pub(crate) fn new(key: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes()))
    }

    pub(crate) fn sign(&self, list: &List<'_>, cursor: Cursor) -> String {
        let Cursor { epoch, after } = cursor;
        let (epoch, micros) = (epoch.to_be_bytes(), after.micros.to_be_bytes());
        let body = [&[VERSION][..], &epoch, &micros, &after.id.to_bytes()].concat();
        let tag = hmac::sign(&self.0, &signed(&body, list));
        URL_SAFE_NO_PAD.encode_to_string([&body, tag.as_ref()].concat())
    }

    /// The cursor of `list` that `text` is; `None` when it was not made here for it.
    pub(crate) fn verify(&self, list: &List<'_>, text: &str) -> Option<Cursor> {
        // 4 characters are 3 bytes; nothing long is decoded.
        if text.len() > (BODY + TAG).div_ceil(3) * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(text).ok()?;
        let (body, tag) = bytes.split_at_checked(BODY)?;
        // Compares in constant time, the tag's length included.
        hmac::verify(&self.0, &signed(body, list), tag).ok()?;
        let (version, rest) = body.split_first()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (micros, id) = rest.split_first_chunk()?;
        let after = Position { micros: i64::from_be_bytes(*micros), id: Id::from_bytes(id.try_into().ok()?) };
        (*version == VERSION).then_some(Cursor { epoch: i64::from_be_bytes(*epoch), after })
    }

    /// As [`Signer::verify`], with 400 for a cursor that is none.
    pub(crate) fn read(&self, list: &List<'_>, text: &str) -> Result<Cursor, Problem> {
        let accepted = "next_cursor of an earlier answer of this resource, unchanged";
        self.verify(list, text).ok_or_else(|| Problem::bad_parameter("cursor", "is not one of this resource", accepted))
    }
}

/// The body has one length, so what is listed cannot run into it.
fn signed(body: &[u8], list: &List<'_>) -> Vec<u8> {
    [body, &list.to_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signer(key: &str) -> Signer {
        Signer::new(&Secret::new(key))
    }

    fn cursor() -> impl Strategy<Value = Cursor> {
        (any::<i64>(), any::<i64>(), any::<[u8; 16]>())
            .prop_map(|(epoch, micros, id)| Cursor { epoch, after: Position { micros, id: Id::from_bytes(id) } })
    }

    #[test]
    fn a_cursor_is_of_one_list_and_one_key() {
        let cursor = Cursor { epoch: 1, after: Position::LAST };
        let id = Id::from_bytes([7; 16]);
        let lists = [List::Posts, List::UserPosts("john"), List::UserPosts("joh"), List::Comments(id)];
        for made in &lists {
            let text = signer("a").sign(made, cursor);
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{text}");
            for read in &lists {
                assert_eq!(signer("a").verify(read, &text), (made == read).then_some(cursor), "{made:?} {read:?}");
            }
            assert_eq!(signer("b").verify(made, &text), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_made_is_read_again(cursor in cursor(), user: String) {
            let list = List::UserPosts(&user);
            prop_assert_eq!(signer("k").verify(&list, &signer("k").sign(&list, cursor)), Some(cursor));
        }

        #[test]
        fn any_other_text_is_refused(text: String) {
            prop_assert_eq!(signer("k").verify(&List::Posts, &text), None);
        }

        #[test]
        fn a_changed_bit_is_found(cursor in cursor(), at in 0_usize..(BODY + TAG) * 8) {
            let text = signer("k").sign(&List::Posts, cursor);
            let mut bytes = URL_SAFE_NO_PAD.decode_to_vec(&text).unwrap();
            bytes[at / 8] ^= 1 << (at % 8);
            prop_assert_eq!(signer("k").verify(&List::Posts, &URL_SAFE_NO_PAD.encode_to_string(&bytes)), None);
            bytes.truncate(at / 8);
            prop_assert_eq!(signer("k").verify(&List::Posts, &URL_SAFE_NO_PAD.encode_to_string(bytes)), None);
        }
    }
}
