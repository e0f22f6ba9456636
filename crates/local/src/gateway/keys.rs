//! The keys of one issuer, from its discovery document: kept, asked for again when a token names a key that is not
//! among them, and never asked for more often than a token thief could make it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, JwkSet},
};
use serde::Deserialize;

/// API Gateway's limits on an issuer's answers.
const RESPONSE_LIMIT: usize = 150_000;
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1500);
/// API Gateway keeps keys for up to two hours.
const KEPT_FOR: Duration = Duration::from_secs(2 * 3600);
/// The least time between two questions to an issuer.
const ASK_INTERVAL: Duration = Duration::from_secs(1);

type ByKid = HashMap<String, Arc<DecodingKey>>;

/// The keys of one issuer.
pub struct Keys {
    issuer: String,
    client: reqwest::Client,
    known: RwLock<(Arc<ByKid>, Option<Instant>)>,
    /// When the issuer was last asked; whoever holds it asks.
    asked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

impl Keys {
    /// No key is known before the first token.
    ///
    /// # Errors
    /// An HTTP client cannot be made.
    pub fn new(issuer: &str) -> anyhow::Result<Self> {
        let mut client = reqwest::Client::builder().timeout(RESPONSE_TIMEOUT);
        let host = issuer.split("://").nth(1).unwrap_or_default();
        if ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| host.starts_with(local)) {
            // A proxy for the world outside knows nothing of this machine.
            client = client.no_proxy();
        }
        Ok(Self {
            issuer: issuer.trim_end_matches('/').to_owned(),
            client: client.build().context("create an HTTP client")?,
            known: RwLock::default(),
            asked: tokio::sync::Mutex::default(),
        })
    }

    /// The key with this id. `None` when the issuer has none, or cannot be asked; the log says which.
    pub async fn find(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        if let Some(key) = self.known(kid) {
            return Some(key);
        }
        let mut asked = self.asked.lock().await;
        // Another request may have asked while this one waited.
        if let Some(key) = self.known(kid) {
            return Some(key);
        }
        if asked.is_some_and(|asked| asked.elapsed() < ASK_INTERVAL) {
            return None;
        }
        *asked = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(keys), Some(Instant::now()));
            }
            Err(error) => tracing::warn!(
                issuer = self.issuer,
                error = format!("{error:#}"),
                "the issuer's keys are not to be had"
            ),
        }
        self.known(kid)
    }

    fn known(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.1.is_some_and(|since| since.elapsed() < KEPT_FOR);
        if fresh { known.0.get(kid).cloned() } else { None }
    }

    async fn fetch(&self) -> anyhow::Result<ByKid> {
        let discovery = self.get(&format!("{}/.well-known/openid-configuration", self.issuer)).await?;
        let discovery: Discovery = serde_json::from_slice(&discovery).context("read the discovery document")?;
        if !discovery.jwks_uri.starts_with("http://") && !discovery.jwks_uri.starts_with("https://") {
            bail!("jwks_uri is {:?}, expected an http or https address", discovery.jwks_uri);
        }
        rsa_keys(&self.get(&discovery.jwks_uri).await?)
    }

    async fn get(&self, url: &str) -> anyhow::Result<Vec<u8>> {
        let response = self.client.get(url).send().await.with_context(|| format!("ask {url}"))?;
        let mut response = response.error_for_status().with_context(|| format!("ask {url}"))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.with_context(|| format!("read {url}"))? {
            body.extend_from_slice(&chunk);
            if body.len() > RESPONSE_LIMIT {
                bail!("{url} answers with more than {RESPONSE_LIMIT} bytes");
            }
        }
        Ok(body)
    }
}

/// The RSA keys of a JWKS; keys of other kinds are passed over, as they are on AWS.
fn rsa_keys(text: &[u8]) -> anyhow::Result<ByKid> {
    #[derive(Deserialize)]
    struct Loose {
        keys: Vec<serde_json::Value>,
    }
    let set: Loose = serde_json::from_slice(text).context("read the key set")?;
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let set = JwkSet { keys: keys.collect() };
    let rsa = set.keys.iter().filter(|key| matches!(key.algorithm, AlgorithmParameters::RSA(_)));
    Ok(rsa.filter_map(|key| Some((key.common.key_id.clone()?, Arc::new(DecodingKey::from_jwk(key).ok()?)))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rsa_keys_with_an_id_count() {
        let set = r#"{"keys": [
            {"kty": "RSA", "kid": "a", "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw", "e": "AQAB"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "kid": "b", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
            {"kty": "new", "kid": "c"}, 7
        ]}"#;
        assert_eq!(rsa_keys(set.as_bytes()).unwrap().into_keys().collect::<Vec<_>>(), ["a"]);
        assert!(rsa_keys(b"{}").is_err() && rsa_keys(b"no").is_err());
    }
}
