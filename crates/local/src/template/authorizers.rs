//! `Auth` of HTTP APIs and of their events, and the settings that throttle routes.

use std::collections::BTreeMap;

use super::{
    error::Fault,
    fields::Fields,
    spec::{AuthSpec, AuthorizationSpec, JwtSpec, ThrottleSpec, TokenSource},
};

/// What an account allows where a setting names only one of the two.
const ACCOUNT_LIMITS: ThrottleSpec = ThrottleSpec { rate: 10_000.0, burst: 5_000 };

const NO_IAM: &str = "signatures of IAM are not checked here; accepted: a JWT authorizer";

/// Reads `Auth` of an API.
///
/// # Errors
/// An authorizer that is wrong or not supported, a default that is not among them.
pub(super) fn auth(api: &Fields<'_, '_>) -> Result<AuthSpec, Fault> {
    let read = api.nested("Auth", |auth| {
        auth.only(&["Authorizers", "DefaultAuthorizer", "EnableIamAuthorizer"], &[])?;
        if auth.boolean("EnableIamAuthorizer")? == Some(true) {
            return Err(auth.fault("EnableIamAuthorizer", NO_IAM));
        }
        let authorizers = auth.nested("Authorizers", |all| {
            let each = all.entries().iter().map(|entry| {
                let spec = all.nested(&entry.key, jwt)?.ok_or_else(|| all.missing(&entry.key))?;
                Ok((entry.key.clone(), spec))
            });
            each.collect::<Result<BTreeMap<_, _>, Fault>>()
        })?;
        let authorizers = authorizers.unwrap_or_default();
        let default = auth.text("DefaultAuthorizer")?;
        if let Some(name) = &default {
            check_name(auth, "DefaultAuthorizer", name, &authorizers)?;
        }
        Ok(AuthSpec { authorizers, default })
    })?;
    Ok(read.unwrap_or_default())
}

fn check_name(fields: &Fields<'_, '_>, key: &str, name: &str, known: &BTreeMap<String, JwtSpec>) -> Result<(), Fault> {
    match name {
        "AWS_IAM" => Err(fields.fault(key, NO_IAM)),
        _ if known.contains_key(name) => Ok(()),
        _ => {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "one of Authorizers (there are none)".to_owned() } else { known.join(", ") };
            Err(fields.refuse(key, name, &known))
        }
    }
}

fn jwt(fields: &Fields<'_, '_>) -> Result<JwtSpec, Fault> {
    for key in ["FunctionArn", "AuthorizerPayloadFormatVersion"] {
        fields.not_yet(key, "an authorizer that is a function is not asked; use a JWT authorizer")?;
    }
    fields.only(&["AuthorizationScopes", "IdentitySource", "JwtConfiguration"], &[])?;
    let source = match fields.text("IdentitySource")? {
        None => TokenSource::Header("authorization".to_owned()),
        Some(text) => token_source(&text).ok_or_else(|| {
            fields.refuse("IdentitySource", &text, "$request.header.<name>, $request.querystring.<name>")
        })?,
    };
    let configured = fields.nested("JwtConfiguration", |jwt| {
        jwt.only(&["issuer", "Issuer", "audience", "Audience"], &[])?;
        let key = if jwt.has("Issuer")? { "Issuer" } else { "issuer" };
        let issuer = jwt.required(key)?;
        if !issuer.starts_with("https://") && !issuer.starts_with("http://") {
            return Err(jwt.refuse(key, &issuer, "https://..., or http://... of an issuer on this machine"));
        }
        let key = if jwt.has("Audience")? { "Audience" } else { "audience" };
        let audience = match jwt.get(key)?.as_ref().and_then(super::node::Node::as_text) {
            Some(one) => vec![one.to_owned()],
            None => jwt.texts(key)?,
        };
        if audience.is_empty() {
            return Err(jwt.missing("audience"));
        }
        Ok((issuer, audience))
    })?;
    let (issuer, audience) = configured.ok_or_else(|| fields.missing("JwtConfiguration"))?;
    Ok(JwtSpec { issuer, audience, source, scopes: fields.texts("AuthorizationScopes")? })
}

fn token_source(text: &str) -> Option<TokenSource> {
    let named = |prefix: &str| text.strip_prefix(prefix).filter(|name| !name.is_empty());
    if let Some(name) = named("$request.header.") {
        return Some(TokenSource::Header(name.to_ascii_lowercase()));
    }
    named("$request.querystring.").map(|name| TokenSource::Query(name.to_owned()))
}

/// Reads `Auth` of an event; without one the API's default holds.
///
/// # Errors
/// An authorizer that the API has not, scopes without one.
pub(super) fn authorization(event: &Fields<'_, '_>, api: &AuthSpec) -> Result<Option<AuthorizationSpec>, Fault> {
    let of = |name: &str, scopes: Option<Vec<String>>| AuthorizationSpec {
        authorizer: name.to_owned(),
        scopes: scopes.unwrap_or_else(|| api.authorizers.get(name).map(|jwt| jwt.scopes.clone()).unwrap_or_default()),
    };
    let own = event.nested("Auth", |auth| {
        auth.only(&["Authorizer", "AuthorizationScopes"], &[])?;
        let scopes = if auth.has("AuthorizationScopes")? { Some(auth.texts("AuthorizationScopes")?) } else { None };
        match (auth.text("Authorizer")?, &api.default) {
            (Some(none), _) if none == "NONE" => Ok(None),
            (Some(name), _) => {
                check_name(auth, "Authorizer", &name, &api.authorizers)?;
                Ok(Some(of(&name, scopes)))
            }
            (None, Some(name)) => Ok(Some(of(name, scopes))),
            (None, None) if scopes.is_some() => Err(auth.missing("Authorizer")),
            (None, None) => Ok(None),
        }
    })?;
    Ok(own.unwrap_or_else(|| api.default.as_deref().map(|name| of(name, None))))
}

/// Reads `DefaultRouteSettings`, or `RouteSettings` of an event.
///
/// # Errors
/// A limit that is no number.
pub(super) fn throttle(fields: &Fields<'_, '_>, key: &str) -> Result<Option<ThrottleSpec>, Fault> {
    fields.nested(key, settings).map(Option::flatten)
}

/// Reads `RouteSettings` of an API: settings by route key.
///
/// # Errors
/// A limit that is no number.
pub(super) fn route_throttles(fields: &Fields<'_, '_>) -> Result<BTreeMap<String, ThrottleSpec>, Fault> {
    let read = fields.nested("RouteSettings", |routes| {
        let each = routes.entries().iter().map(|entry| Ok((entry.key.clone(), throttle(routes, &entry.key)?)));
        each.collect::<Result<Vec<_>, Fault>>()
    })?;
    Ok(read.into_iter().flatten().filter_map(|(route, throttle)| Some((route, throttle?))).collect())
}

fn settings(fields: &Fields<'_, '_>) -> Result<Option<ThrottleSpec>, Fault> {
    let monitoring = [
        ("DataTraceEnabled", "monitoring"),
        ("DetailedMetricsEnabled", "monitoring"),
        ("LoggingLevel", "logs are files"),
    ];
    fields.only(&["ThrottlingBurstLimit", "ThrottlingRateLimit"], &monitoring)?;
    let burst = fields.count("ThrottlingBurstLimit", 0..=1_000_000)?;
    let rate = match fields.text("ThrottlingRateLimit")? {
        Some(text) => match text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.0) {
            Some(rate) => Some(rate),
            None => return Err(fields.refuse("ThrottlingRateLimit", &text, "requests a second, 0 or more")),
        },
        None => None,
    };
    Ok((burst.is_some() || rate.is_some()).then(|| ThrottleSpec {
        rate: rate.unwrap_or(ACCOUNT_LIMITS.rate),
        burst: burst.unwrap_or(ACCOUNT_LIMITS.burst),
    }))
}
