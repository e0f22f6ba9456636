//! Stage 5: the SHA-256 of the message as the fourth stage wrote it, so that whoever has the result can see that nothing of it was
//! changed: it is the digest of the message without its field `digest`.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{Fault, Message};

/// The field `digest`: `"sha256:"` and 64 hexadecimal digits.
///
/// # Errors
/// Rule `summary` when no stage has written one.
pub fn run(message: &Message<'_>) -> Result<String, Fault> {
    message.field("summary")?;
    let mut json = String::from("\"sha256:");
    for byte in Sha256::digest(message.without("digest")) {
        // Writing to a text cannot fail.
        let _ = write!(json, "{byte:02x}");
    }
    json.push('"');
    Ok(json)
}
