//! AWS Secrets Manager: a secret's current string, by ARN or name, and the change of one that a function owns.

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

/// Makes `value` the current string of the secret `name`, which is created when it is not there.
///
/// # Errors
/// When the service refuses; the message names the secret, never its value.
pub async fn store(config: &aws_config::SdkConfig, name: &str, value: &Secret) -> anyhow::Result<()> {
    let client = aws_sdk_secretsmanager::Client::new(config);
    let put = || client.put_secret_value().secret_id(name).secret_string(value.expose()).send();
    match put().await {
        Ok(_) => return Ok(()),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {}
        Err(error) => return Err(error).with_context(|| format!("change secret {name}")),
    }
    match client.create_secret().name(name).secret_string(value.expose()).send().await {
        Ok(_) => Ok(()),
        // Somebody else was first.
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_exists_exception()) => {
            put().await.map(drop).with_context(|| format!("change secret {name}"))
        }
        Err(error) => Err(error).with_context(|| format!("create secret {name}")),
    }
}

/// Deletes the secret `name` for good; one that is not there is deleted already.
///
/// # Errors
/// When the service refuses.
pub async fn remove(config: &aws_config::SdkConfig, name: &str) -> anyhow::Result<()> {
    let client = aws_sdk_secretsmanager::Client::new(config);
    match client.delete_secret().secret_id(name).force_delete_without_recovery(true).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("delete secret {name}")),
    }
}
