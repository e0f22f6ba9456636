//! The AWS clients of the runner, made here and nowhere else.

use std::{collections::BTreeMap, time::Duration};

use aws_config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sqs::config::Credentials;

/// How long one call may take, with its retries.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// How long one attempt of a call may take.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(6);

/// One client a service.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) sqs: aws_sdk_sqs::Client,
    pub(super) sns: aws_sdk_sns::Client,
    pub(super) s3: aws_sdk_s3::Client,
}

impl Clients {
    /// Clients for the stack's endpoint and credentials; what the variables lack comes from where the SDK looks.
    pub(super) async fn new(variables: &BTreeMap<String, String>) -> Self {
        let value = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        let limits =
            TimeoutConfig::builder().operation_timeout(CALL_LIMIT).operation_attempt_timeout(ATTEMPT_LIMIT).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .timeout_config(limits);
        if let Some(region) = value("AWS_REGION") {
            loader = loader.region(Region::new(region));
        }
        if let (Some(id), Some(secret)) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
            let token = value("AWS_SESSION_TOKEN");
            loader = loader.credentials_provider(Credentials::new(id, secret, token, None, "millrace"));
        }
        let endpoint = value("AWS_ENDPOINT_URL");
        if let Some(endpoint) = &endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        // An emulator has one host name for all buckets.
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(endpoint.is_some()).build();
        Self {
            sqs: aws_sdk_sqs::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
        }
    }
}
