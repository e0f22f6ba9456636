//! The broker's login: that of the mapping's secret, or the one of `RABBITMQ_URL`.

use std::collections::BTreeMap;

use anyhow::Context;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use lapin::uri::AMQPUserInfo;
use serde::Deserialize;
use tracing::info;

/// Where secrets are: in the stack's Secrets Manager, when it has one. Without an endpoint nothing is asked, so that a
/// stack on one machine never reads secrets of an account by accident.
pub(super) async fn secrets(variables: &BTreeMap<String, String>) -> Option<SdkConfig> {
    let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let endpoint = variable("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| variable("AWS_ENDPOINT_URL"))?;
    let mut config = aws_config::defaults(BehaviorVersion::latest()).endpoint_url(endpoint);
    if let Some(region) = variable("AWS_REGION") {
        config = config.region(Region::new(region.clone()));
    }
    if let (Some(id), Some(key)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        let token = variable("AWS_SESSION_TOKEN").cloned();
        config = config.credentials_provider(Credentials::new(id, key, token, None, "stack"));
    }
    Some(config.load().await)
}

/// The login of the secret. A secret that cannot be had is no obstacle: templates make theirs at a deploy only.
///
/// # Errors
/// When the secret is there and is no login.
pub(super) async fn login(
    secrets: Option<&SdkConfig>,
    secret: &str,
    default: &AMQPUserInfo,
) -> anyhow::Result<AMQPUserInfo> {
    let Some(config) = secrets else { return Ok(default.clone()) };
    match kit::secrets::load_from(config, secret).await {
        Ok(text) => parse(text.expose()).with_context(|| format!("secret {secret}")),
        Err(error) => {
            info!(secret, error = format!("{error:#}"), "no such secret here: the login is that of RABBITMQ_URL");
            Ok(default.clone())
        }
    }
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

/// Reads `{"username":"...","password":"..."}`; an error does not show what was found.
fn parse(text: &str) -> anyhow::Result<AMQPUserInfo> {
    let login: Option<Login> = serde_json::from_str(text).ok();
    let Login { username, password } = login.context("it is not {\"username\":\"...\",\"password\":\"...\"}")?;
    Ok(AMQPUserInfo { username, password })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_json_object_and_its_error_does_not_tell_it() {
        let found = parse(r#"{"username":"u","password":"p","host":"h"}"#).unwrap();
        assert_eq!((found.username.as_str(), found.password.as_str()), ("u", "p"));
        let error = parse(r#"{"username":"u","passwort":"s3cret"}"#).unwrap_err().to_string();
        assert!(error.contains("password") && !error.contains("s3cret"), "{error}");
    }
}
