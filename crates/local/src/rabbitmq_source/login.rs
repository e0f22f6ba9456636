//! The broker's login: that of the mapping's secret, or the one of `RABBITMQ_URL`.

use anyhow::Context;
use aws_config::SdkConfig;
use lapin::uri::AMQPUserInfo;
use serde::Deserialize;
use tracing::info;

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
