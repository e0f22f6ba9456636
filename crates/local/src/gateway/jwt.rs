//! What a JWT authorizer asks of a token whose signature holds, and what a function is told of it. Pure.

use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

use super::payload;
use crate::template::spec::{AuthorizationSpec, JwtSpec, TokenSource};

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// Why a request is not let through; the text is for the header `www-authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// 401: there is no token.
    Missing,
    /// 401.
    Invalid(&'static str),
    /// 403: the token is fine and lacks the route's scopes.
    Scope,
}

/// The token of a request, alone or after `Bearer `.
pub fn token(source: &TokenSource, headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let found = match source {
        TokenSource::Header(name) => headers.get(name)?.to_str().ok()?.to_owned(),
        TokenSource::Query(name) => payload::query_values(uri.query().unwrap_or_default(), name).next()?,
    };
    let found = found.trim();
    let (scheme, rest) = found.split_once(' ').unwrap_or(("", found));
    let bare = if scheme.is_empty() || scheme.eq_ignore_ascii_case("bearer") { rest.trim() } else { found };
    (!bare.is_empty() && !bare.eq_ignore_ascii_case("bearer")).then(|| bare.to_owned())
}

/// Checks the claims against the authorizer and the route; `now` is in seconds since the epoch.
///
/// # Errors
/// The first rule that does not hold.
pub fn check(claims: &Claims, spec: &JwtSpec, route: &AuthorizationSpec, now: i64) -> Result<(), Denied> {
    if claims.get("iss").and_then(Value::as_str) != Some(spec.issuer.as_str()) {
        return Err(Denied::Invalid("the token has an invalid issuer"));
    }
    // client_id counts only where there is no aud.
    let audience = claims.get("aud").filter(|aud| !aud.is_null()).or_else(|| claims.get("client_id"));
    let fits = |one: &Value| one.as_str().is_some_and(|one| spec.audience.iter().any(|accepted| accepted == one));
    let accepted =
        audience.is_some_and(|audience| audience.as_array().map_or_else(|| fits(audience), |all| all.iter().any(fits)));
    if !accepted {
        return Err(Denied::Invalid("the token does not have a valid audience"));
    }
    match time(claims, "exp")? {
        Some(expires) if expires > now => {}
        Some(_) => return Err(Denied::Invalid("the token has expired")),
        None => return Err(Denied::Invalid("the token has no exp")),
    }
    if time(claims, "nbf")?.is_some_and(|begins| begins > now) {
        return Err(Denied::Invalid("the token is not valid yet"));
    }
    if time(claims, "iat")?.is_some_and(|issued| issued > now) {
        return Err(Denied::Invalid("the token was issued in the future"));
    }
    let has = scopes(claims);
    if !route.scopes.is_empty() && !route.scopes.iter().any(|wanted| has.contains(&wanted.as_str())) {
        return Err(Denied::Scope);
    }
    Ok(())
}

/// A time of a token: a number of seconds, with or without a fraction.
fn time(claims: &Claims, name: &str) -> Result<Option<i64>, Denied> {
    #[expect(clippy::cast_possible_truncation, reason = "a float is cut to the range of seconds")]
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64)) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(Denied::Invalid("the token has a time that is no number")),
        },
    }
}

/// `scope`, a text with spaces between, or `scp`, which may be a list.
fn scopes(claims: &Claims) -> Vec<&str> {
    let texts = ["scope", "scp"].into_iter().filter_map(|name| claims.get(name));
    let parts = texts.flat_map(|value| match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    });
    parts.collect()
}

/// `requestContext.authorizer.jwt`: every claim as text, and the route's scopes that the token has.
pub fn described(claims: &Claims, route: &AuthorizationSpec) -> Value {
    let texts: Claims = claims.iter().map(|(name, value)| (name.clone(), Value::String(as_text(value)))).collect();
    let has = scopes(claims);
    let granted: Vec<&String> = route.scopes.iter().filter(|scope| has.contains(&scope.as_str())).collect();
    let granted = if route.scopes.is_empty() { Value::Null } else { json!(granted) };
    json!({"claims": texts, "scopes": granted})
}

/// API Gateway writes a list as `[a b]` and an object as `map[k:v]`.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(as_text).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{}", as_text(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

/// The header that says what is wrong with a token.
pub fn challenge(denied: &Denied, route: &AuthorizationSpec) -> String {
    let scopes = route.scopes.join(" ");
    match denied {
        Denied::Missing => "Bearer".to_owned(),
        Denied::Invalid(why) => {
            format!("Bearer scope=\"{scopes}\" error=\"invalid_token\" error_description=\"{why}\"")
        }
        Denied::Scope => format!(
            "Bearer scope=\"{scopes}\" error=\"insufficient_scope\" error_description=\"the token has none of the route's scopes\""
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn checked(change: &[(&str, Value)], scopes: &[&str]) -> Result<(), Denied> {
        let spec = JwtSpec {
            issuer: "https://issuer".into(),
            audience: vec!["a".into(), "b".into()],
            source: TokenSource::Header("authorization".into()),
            scopes: Vec::new(),
        };
        let route = AuthorizationSpec {
            authorizer: "X".into(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        let mut claims = json!({"iss": "https://issuer", "aud": "a", "exp": NOW + 1, "scope": "read write"});
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        check(claims.as_object().unwrap(), &spec, &route, NOW)
    }

    #[test]
    fn claims() {
        for (name, value, fine) in [
            ("iss", json!("https://issuer"), true),
            ("iss", json!("https://issuer/"), false),
            ("iss", json!(null), false),
            ("aud", json!("c"), false),
            ("aud", json!(["c", "b"]), true),
            ("aud", json!([]), false),
            ("aud", json!(1), false),
            ("exp", json!(NOW), false),
            ("exp", json!(1.7e9 + 1.5), true),
            ("exp", json!("soon"), false),
            ("exp", json!(null), false),
            ("nbf", json!(NOW), true),
            ("nbf", json!(NOW + 60), false),
            ("iat", json!(NOW), true),
            ("iat", json!(NOW + 60), false),
        ] {
            assert_eq!(checked(&[(name, value.clone())], &[]).is_ok(), fine, "{name} {value}");
        }
        assert!(checked(&[("aud", json!(null)), ("client_id", json!("b"))], &[]).is_ok());
        assert!(checked(&[("aud", json!("c")), ("client_id", json!("b"))], &[]).is_err(), "aud goes before client_id");
    }

    #[test]
    fn one_of_the_routes_scopes() {
        assert_eq!(checked(&[], &["write", "other"]), Ok(()));
        assert_eq!(checked(&[], &["rea"]), Err(Denied::Scope));
        let scp = [("scope", json!(null)), ("scp", json!(["x", "y"]))];
        assert_eq!(checked(&scp, &["y"]), Ok(()));
        assert_eq!(checked(&scp, &["read"]), Err(Denied::Scope));
    }

    #[test]
    fn every_claim_is_a_text() {
        let claims = json!({"n": 1, "b": true, "list": ["a", 2], "map": {"k": "v"}, "scope": "r w"});
        let route = AuthorizationSpec { authorizer: "X".into(), scopes: vec!["w".into(), "z".into()] };
        let told = described(claims.as_object().unwrap(), &route);
        let texts = json!({"n": "1", "b": "true", "list": "[a 2]", "map": "map[k:v]", "scope": "r w"});
        assert_eq!(told, json!({"claims": texts, "scopes": ["w"]}));
    }

    #[test]
    fn where_the_token_stands() {
        let header = TokenSource::Header("authorization".into());
        let uri: Uri = "/x?token=q%2B1&token=q2".parse().unwrap();
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc", Some("abc")),
            ("abc", Some("abc")),
            ("Bearer ", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", value.parse().unwrap());
            assert_eq!(token(&header, &headers, &uri).as_deref(), expected, "{value:?}");
        }
        assert_eq!(token(&TokenSource::Query("token".into()), &HeaderMap::new(), &uri).as_deref(), Some("q+1"));
        assert_eq!(token(&header, &HeaderMap::new(), &uri), None);
    }
}
