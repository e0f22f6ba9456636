//! JWT authorizers of one API at work: token, key, signature, claims.

use std::collections::BTreeMap;

use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::Value;

use super::{
    jwt::{self, Claims, Denied},
    keys::Keys,
    response,
};
use crate::template::spec::{AuthSpec, AuthorizationSpec, JwtSpec};

/// API Gateway takes RSA signatures only.
const ALGORITHMS: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// The authorizers of one API, by name.
pub struct Authorizers(BTreeMap<String, (JwtSpec, Keys)>);

impl Authorizers {
    /// Asks no issuer yet.
    ///
    /// # Errors
    /// An HTTP client cannot be made.
    pub fn new(spec: &AuthSpec) -> anyhow::Result<Self> {
        let each =
            spec.authorizers.iter().map(|(name, spec)| Ok((name.clone(), (spec.clone(), Keys::new(&spec.issuer)?))));
        each.collect::<anyhow::Result<_>>().map(Self)
    }

    /// Lets a request through, with what its function is told (`requestContext.authorizer.jwt`).
    ///
    /// # Errors
    /// The answer to a request that is not let through.
    pub async fn authorize(
        &self,
        route: &AuthorizationSpec,
        parts: &Parts,
        now: i64,
    ) -> Result<Value, Response<bytes::Bytes>> {
        match self.check(route, parts, now).await {
            Ok(claims) => Ok(jwt::described(&claims, route)),
            Err(denied) => {
                tracing::debug!(?denied, authorizer = route.authorizer, "a request is not let through");
                Err(refusal(&denied, route))
            }
        }
    }

    async fn check(&self, route: &AuthorizationSpec, parts: &Parts, now: i64) -> Result<Claims, Denied> {
        let (spec, keys) = self.0.get(&route.authorizer).ok_or(Denied::Invalid("there is no such authorizer"))?;
        let token = jwt::token(&spec.source, &parts.headers, &parts.uri).ok_or(Denied::Missing)?;
        let head = jsonwebtoken::decode_header(&token).map_err(|_| Denied::Invalid("the token is malformed"))?;
        if !ALGORITHMS.contains(&head.alg) {
            return Err(Denied::Invalid("the token's algorithm is not RSA"));
        }
        let kid = head.kid.ok_or(Denied::Invalid("the token has no kid"))?;
        let key = keys.find(&kid).await.ok_or(Denied::Invalid("the token's key is not one of the issuer's"))?;
        let mut validation = Validation::new(head.alg);
        // Only the signature is looked at here; the claims are judged by AWS's rules, in `jwt`.
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        let claims = jsonwebtoken::decode::<Claims>(&token, &key, &validation)
            .map_err(|_| Denied::Invalid("the token's signature is invalid"))?
            .claims;
        jwt::check(&claims, spec, route, now).map(|()| claims)
    }
}

fn refusal(denied: &Denied, route: &AuthorizationSpec) -> Response<bytes::Bytes> {
    let mut answer = match denied {
        Denied::Missing | Denied::Invalid(_) => response::message(StatusCode::UNAUTHORIZED, "Unauthorized"),
        Denied::Scope => response::message(StatusCode::FORBIDDEN, "Forbidden"),
    };
    if let Ok(challenge) = HeaderValue::from_str(&jwt::challenge(denied, route)) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}
