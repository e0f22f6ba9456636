//! AWS Secrets Manager: a secret's current string, by ARN or name.

use anyhow::Context;

use crate::Secret;

/// Reads the secret's string. The endpoint and credentials are the SDK's own variables.
///
/// # Errors
/// When the service refuses or the secret holds no string; the message names the secret, never its value.
pub async fn load(id: &str) -> anyhow::Result<Secret> {
    load_from(&aws_config::load_from_env().await, id).await
}

/// As [`load`], from the service that the configuration names.
///
/// # Errors
/// As [`load`].
pub async fn load_from(config: &aws_config::SdkConfig, id: &str) -> anyhow::Result<Secret> {
    let answer = aws_sdk_secretsmanager::Client::new(config)
        .get_secret_value()
        .secret_id(id)
        .send()
        .await
        .with_context(|| format!("read secret {id}"))?;
    let value = answer.secret_string().with_context(|| format!("secret {id} holds no string"))?;
    Ok(Secret::new(value))
}
