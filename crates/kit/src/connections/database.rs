//! A database's address from one variable a part, as `DB_HOST` and its like give it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Env, Secret};

/// Where Postgres listens unless it is said.
const PORT: u16 = 5432;

/// What libpq knows.
const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// What must be encoded within a URL's user, password and path.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The URL that `DB_HOST`, `DB_PORT` (5432), `DB_NAME`, `DB_USER`, `DB_PASSWORD` (none) and `DB_SSLMODE` (the client's
/// own, `prefer`) say together; `None` without a `DB_HOST`. Faults are kept for [`Env::finish`].
pub fn database_url(env: &mut Env) -> Option<Secret> {
    let host = env.optional("DB_HOST")?;
    if !is_host(&host) {
        // It is not repeated: it may be a whole URL, with a password in it.
        env.fault("DB_HOST is no host name or IPv4 address (the port stands in DB_PORT)");
    }
    let port = env.parsed_or("DB_PORT", PORT);
    if port == 0 {
        env.fault("DB_PORT is 0, expected 1 to 65535");
    }
    let (name, user) = (env.required("DB_NAME"), env.required("DB_USER"));
    let password = env.secret("DB_PASSWORD");
    let ssl_mode = env.optional("DB_SSLMODE");
    if let Some(other) = ssl_mode.as_deref().filter(|mode| !SSL_MODES.contains(mode)) {
        env.fault(format!("DB_SSLMODE is {other:?}, expected {}", SSL_MODES.join(", ")));
    }
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let password = password.map(|password| format!(":{}", encoded(password.expose()))).unwrap_or_default();
    let ssl_mode = ssl_mode.map(|mode| format!("?sslmode={mode}")).unwrap_or_default();
    Some(Secret::new(format!("postgres://{}{password}@{host}:{port}/{}{ssl_mode}", encoded(&user), encoded(&name))))
}

/// Whether it can be a host name or an IPv4 address.
pub(super) fn is_host(text: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    text.len() <= 255 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(pairs: &[(&str, &str)]) -> Result<Option<String>, String> {
        let mut env = Env::from_pairs(pairs.iter().copied());
        let url = database_url(&mut env).map(|url| url.expose().to_owned());
        env.finish().map(|()| url).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_become_a_url() {
        let few = [("DB_HOST", "db.example"), ("DB_NAME", "flow"), ("DB_USER", "app")];
        assert_eq!(url(&few).unwrap().unwrap(), "postgres://app@db.example:5432/flow");
        let more = [("DB_PORT", "6432"), ("DB_PASSWORD", "p@ss/w:rd"), ("DB_SSLMODE", "require")];
        let all = url(&[&few[..], &more[..]].concat()).unwrap().unwrap();
        assert_eq!(all, "postgres://app:p%40ss%2Fw%3Ard@db.example:6432/flow?sslmode=require");
        assert_eq!(url(&[("DB_PORT", "many"), ("DB_NAME", "flow")]).unwrap(), None);
    }

    #[test]
    fn a_fault_names_its_variable() {
        let few = [("DB_HOST", "db"), ("DB_NAME", "flow"), ("DB_USER", "app"), ("DB_PASSWORD", "hidden")];
        for (pair, fault) in [
            (("DB_HOST", "app:hidden@db"), "DB_HOST is no host name"),
            (("DB_HOST", "db:5432"), "DB_HOST is no host name"),
            (("DB_HOST", "a..b"), "DB_HOST is no host name"),
            (("DB_PORT", "0"), "DB_PORT is 0"),
            (("DB_PORT", "65536"), "DB_PORT is \"65536\", expected u16"),
            (("DB_NAME", ""), "DB_NAME is not set"),
            (("DB_USER", ""), "DB_USER is not set"),
            (("DB_SSLMODE", "yes"), "DB_SSLMODE is \"yes\", expected disable, allow, prefer, require"),
        ] {
            let others = few.iter().copied().filter(|(name, _)| *name != pair.0);
            let error = url(&others.chain([pair]).collect::<Vec<_>>()).unwrap_err();
            assert!(error.contains(fault) && !error.contains("hidden"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn user_password_and_name_stay_within_their_part(user in "\\PC{1,20}", password in "\\PC{1,30}", name in "\\PC{1,20}") {
            let pairs = [("DB_HOST", "h"), ("DB_USER", &user), ("DB_PASSWORD", &password), ("DB_NAME", &name)];
            let url = url(&pairs).unwrap().unwrap();
            let rest = url.strip_prefix("postgres://").unwrap();
            let (credentials, place) = rest.split_once('@').unwrap();
            let (found_user, found_password) = credentials.split_once(':').unwrap();
            let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(decoded(found_user), user);
            prop_assert_eq!(decoded(found_password), password);
            prop_assert_eq!(decoded(place.strip_prefix("h:5432/").unwrap()), name);
            prop_assert!(!rest.contains(['?', '#', ' ']));
        }
    }
}
