//! Signatures of AWS, version 4.

use std::{collections::BTreeMap, time::SystemTime};

use anyhow::{Context, anyhow};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};

use super::Endpoint;

/// Signs requests with the caller's credentials.
#[derive(Debug)]
pub struct Signer {
    credentials: SharedCredentialsProvider,
    region: String,
}

impl Signer {
    /// For AWS, the credentials that its tools would take: environment, profile, or role. For any other host those of
    /// the environment, or none: looking further could take seconds on a machine that is not in AWS.
    ///
    /// # Errors
    /// When the endpoint is AWS and there are no credentials.
    pub async fn find(endpoint: &Endpoint, environment: &BTreeMap<String, String>) -> anyhow::Result<Option<Self>> {
        let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty()).cloned();
        if let Some(region) = endpoint.aws_region() {
            let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
            let credentials = config.credentials_provider().context("find AWS credentials")?;
            // Once now, so that their absence is told before anything starts.
            credentials.provide_credentials().await.with_context(|| format!("find AWS credentials for {endpoint}"))?;
            return Ok(Some(Self { credentials, region: region.to_owned() }));
        }
        let (Some(key), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) else {
            return Ok(None);
        };
        let credentials = Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "environment");
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_else(|| crate::template::REGION.to_owned());
        Ok(Some(Self { credentials: SharedCredentialsProvider::new(credentials), region }))
    }

    /// The headers that a request with these headers and this body needs beside them.
    ///
    /// # Errors
    /// When the credentials cannot be renewed.
    pub async fn sign(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<Vec<(String, String)>> {
        let credentials = self.credentials.provide_credentials().await.context("find AWS credentials")?;
        let identity = credentials.into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("lambda")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .context("prepare a signature")?
            .into();
        let request = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(body));
        let request = request.map_err(|error| anyhow!("prepare a signature: {error}"))?;
        let (signature, _) = sign(request, &parameters).map_err(|error| anyhow!("sign: {error}"))?.into_parts();
        Ok(signature.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_other_than_aws_is_signed_for_with_the_environments_credentials_only() {
        let endpoint = Endpoint::parse("http://127.0.0.1:9000").unwrap();
        assert!(Signer::find(&endpoint, &BTreeMap::new()).await.unwrap().is_none());
        let environment = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let signer = Signer::find(&endpoint, &environment).await.unwrap().unwrap();
        let url = "http://127.0.0.1:9000/2015-03-31/functions/f/invocations";
        let headers = signer.sign("POST", url, &[("content-type", "application/json")], b"{}").await.unwrap();
        let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let authorization = header("authorization").unwrap();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=k/"), "{authorization}");
        assert!(authorization.contains("/us-east-1/lambda/aws4_request"), "{authorization}");
        assert_eq!(header("x-amz-security-token"), Some("t"));
        assert!(header("x-amz-date").is_some());
    }
}
