//! The issuer of tokens that each instance has, for development: an RSA key of its own, and what an OpenID Connect issuer
//! tells of it. The key never leaves the instance's folder, and no token is logged.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, anyhow};
use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde_json::{Map, Value, json};

/// Where the runner serves the issuer, on the port of its Invoke API.
pub const PATH: &str = "/_millrace/issuer";

/// The variable with the issuer's whole address.
pub const VARIABLE: &str = "MILLRACE_TOKEN_ISSUER";

/// Signs tokens.
pub struct Issuer {
    key: KeyPair,
    public: Jwk,
    kid: String,
}

impl Issuer {
    /// The issuer of the instance in `dir`; its key is made by whoever comes first.
    ///
    /// # Errors
    /// The key cannot be made, written or read.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("issuer.key");
        let stored = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                generate(&path)?;
                std::fs::read(&path)
            }
            read => read,
        };
        let stored = stored.with_context(|| format!("read {}", path.display()))?;
        let refused = |error| anyhow!("{} holds no RSA key ({error}); remove it for a new one", path.display());
        let key = KeyPair::from_pkcs8(&stored).map_err(refused)?;
        let public = DecodingKey::from_rsa_der(key.public_key().as_ref());
        let mut public =
            Jwk::from_decoding_key(&public, Some(Algorithm::RS256)).context("describe the issuer's key")?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).context("name the issuer's key")?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { key, public, kid })
    }

    /// What `/.well-known/openid-configuration` answers for an issuer at `address`.
    #[must_use]
    pub fn discovery(address: &str) -> Value {
        json!({
            "issuer": address,
            "jwks_uri": format!("{address}/jwks.json"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
        })
    }

    /// The key set.
    #[must_use]
    pub fn keys(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// A token with these claims, signed with RS256.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn sign(&self, claims: &Map<String, Value>) -> anyhow::Result<String> {
        let encode = |part: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(part);
        let head = json!({"alg": "RS256", "typ": "JWT", "kid": self.kid}).to_string();
        let claims = serde_json::to_vec(claims).context("write the claims")?;
        let signed = format!("{}.{}", encode(head.as_bytes()), encode(&claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        let done = self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature);
        done.map_err(|_| anyhow!("the issuer's key cannot sign"))?;
        Ok(format!("{signed}.{}", encode(&signature)))
    }
}

/// Makes a key, unless another process was faster.
fn generate(path: &Path) -> anyhow::Result<()> {
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| anyhow!("cannot make an RSA key"))?;
    let der = key.as_der().map_err(|_| anyhow!("cannot write an RSA key"))?;
    // Whole or not at all: the other process may read it at any moment.
    let beside = path.with_extension(format!("new-{}", uuid::Uuid::new_v4().simple()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside);
    let written = written.and_then(|mut file| file.write_all(der.as_ref()));
    let linked = written.and_then(|()| std::fs::hard_link(&beside, path));
    let _ = std::fs::remove_file(&beside);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("write {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use jsonwebtoken::{Validation, jwk::JwkSet};

    use super::*;

    #[test]
    fn a_token_holds_against_the_published_key_which_stays() {
        let dir = tempfile::tempdir().unwrap();
        let issuer = Issuer::open(dir.path()).unwrap();
        let mode = std::fs::metadata(dir.path().join("issuer.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside the key");
        let claims = json!({"sub": "me", "exp": 4_000_000_000_u64});
        let token = issuer.sign(claims.as_object().unwrap()).unwrap();
        let set: JwkSet = serde_json::from_value(Issuer::open(dir.path()).unwrap().keys()).unwrap();
        let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &key, &Validation::new(Algorithm::RS256)).unwrap();
        assert_eq!(read.claims, claims);
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("issuer.key"), "no").unwrap();
        let error = Issuer::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("issuer.key") && error.contains("remove it"), "{error}");
    }
}
