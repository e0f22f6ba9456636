//! Variables as they may be shown.

/// Stands for a value that is not shown.
const MASK: &str = "********";

/// A value as it may stand on a screen: nothing of a secret, no password in a URL.
pub(crate) fn masked(name: &str, value: &str) -> String {
    let words = ["SECRET", "PASSWORD", "PASSWD", "TOKEN", "CREDENTIAL", "PRIVATE", "API_KEY", "CONNECTIONSTRING"];
    let named = words.iter().any(|word| name.contains(word)) && !name.ends_with("_ARN");
    if named && !value.is_empty() {
        return MASK.to_owned();
    }
    let password = value.split_once("://").and_then(|(scheme, rest)| {
        let (authority, after) = rest.split_once('@')?;
        let (user, _) = authority.split_once(':').filter(|_| !authority.contains('/'))?;
        Some(format!("{scheme}://{user}:{MASK}@{after}"))
    });
    password.unwrap_or_else(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_and_passwords_are_not_shown() {
        assert_eq!(masked("AWS_SECRET_ACCESS_KEY", "abc"), "********");
        assert_eq!(masked("GITHUB_TOKEN", ""), "");
        assert_eq!(masked("DATABASE_SECRET_ARN", "arn:x"), "arn:x");
        assert_eq!(masked("DATABASE_URL", "postgres://me:pw@host/db"), "postgres://me:********@host/db");
        assert_eq!(masked("URL", "http://host:80/a@b"), "http://host:80/a@b");
        assert_eq!(masked("EVENTHUB_CONNECTIONSTRING", "Endpoint=x"), "********");
        assert_eq!(masked("WORD", "hello"), "hello");
    }
}
