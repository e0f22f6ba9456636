//! What a value of a write may be. The API refuses what breaks a rule; the writer of the shards, which must not trust the
//! topic, sends it to the dead letters.

use super::Id;

/// Most characters of a user's id: the width of its column.
pub const USER_CHARACTERS: usize = 255;
/// Most characters of a post or comment.
pub const CONTENT_CHARACTERS: usize = 10_000;
/// Most characters of an idempotency key.
pub const KEY_CHARACTERS: usize = 255;

const USER: &str = "1 to 255 characters, none of them a control character, not only spaces";
const CONTENT: &str = "1 to 10000 characters without NUL, not only spaces";
const POST_ID: &str = "a UUID";
const KEY: &str = "1 to 255 visible ASCII characters";

/// A rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {fault}; accepted: {accepted}")]
pub struct Fault {
    /// The field, as JSON has it; `body` for JSON that is none.
    pub field: &'static str,
    /// What is wrong with it, to stand behind its name.
    pub fault: String,
    /// What would do.
    pub accepted: &'static str,
}

impl Fault {
    pub(super) fn new(field: &'static str, fault: impl Into<String>, accepted: &'static str) -> Self {
        Self { field, fault: fault.into(), accepted }
    }
}

/// A user's id.
///
/// # Errors
/// When it is empty, blank, longer than [`USER_CHARACTERS`], or has a control character.
pub fn check_user(user_id: &str) -> Result<(), Fault> {
    length("user_id", user_id, USER_CHARACTERS, USER)?;
    if user_id.chars().any(char::is_control) {
        return Err(Fault::new("user_id", "has a control character", USER));
    }
    Ok(())
}

/// The text of a post or comment.
///
/// # Errors
/// When it is empty, blank, longer than [`CONTENT_CHARACTERS`], or has a NUL, which Postgres cannot store.
pub fn check_content(content: &str) -> Result<(), Fault> {
    length("content", content, CONTENT_CHARACTERS, CONTENT)?;
    if content.contains('\0') {
        return Err(Fault::new("content", "has a NUL", CONTENT));
    }
    Ok(())
}

/// The id of the post that a comment or like is for. Whether there is such a post is not asked.
///
/// # Errors
/// When it is no UUID.
pub fn check_post_id(post_id: &str) -> Result<Id, Fault> {
    post_id.parse().map_err(|_| Fault::new("post_id", "is not a UUID", POST_ID))
}

/// The client's `Idempotency-Key`.
///
/// # Errors
/// When it is empty, longer than [`KEY_CHARACTERS`], or has other than visible ASCII characters.
pub fn check_key(key: &str) -> Result<(), Fault> {
    if key.is_empty() || key.len() > KEY_CHARACTERS || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::new("Idempotency-Key", "is not usable", KEY));
    }
    Ok(())
}

fn length(field: &'static str, text: &str, most: usize, accepted: &'static str) -> Result<(), Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new(field, if text.is_empty() { "is empty" } else { "is blank" }, accepted));
    }
    let characters = text.chars().count();
    if characters > most {
        return Err(Fault::new(field, format!("has {characters} characters"), accepted));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_field_fault_and_what_would_do() {
        let fault = check_user(&"ä".repeat(256)).unwrap_err();
        assert_eq!(fault.field, "user_id");
        assert!(fault.to_string().starts_with("user_id has 256 characters; accepted: 1 to 255 characters"), "{fault}");
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert_eq!(check_user(&"ä".repeat(255)), Ok(()));
        assert_eq!(check_content(&"😀".repeat(10_000)), Ok(()));
        assert!(check_content(&"😀".repeat(10_001)).is_err());
    }

    #[test]
    fn what_postgres_cannot_store_or_nobody_can_read_is_refused() {
        assert_eq!(check_content("a\0b").unwrap_err().fault, "has a NUL");
        assert_eq!(check_content(" \n").unwrap_err().fault, "is blank");
        assert_eq!(check_content("two\nlines\t"), Ok(()));
        assert_eq!(check_user("").unwrap_err().fault, "is empty");
        assert_eq!(check_user("a\nb").unwrap_err().fault, "has a control character");
        assert_eq!(check_post_id("post-id").unwrap_err().to_string(), "post_id is not a UUID; accepted: a UUID");
        for key in ["", "a b", "ä", &"k".repeat(256)] {
            assert_eq!(check_key(key).unwrap_err().field, "Idempotency-Key");
        }
        assert_eq!(check_key("order-17/2"), Ok(()));
    }
}
