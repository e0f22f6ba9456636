//! The Secrets Manager that holds the logins of event sources.

use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;

/// Where secrets are: in the stack's Secrets Manager, when it has one. Without an endpoint nothing is asked, so that a
/// stack on one machine never reads secrets of an account by accident.
pub(crate) async fn secrets(variables: &BTreeMap<String, String>) -> Option<SdkConfig> {
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
