//! Where a host of functions is.

use std::collections::BTreeMap;

/// The address of an Invoke API, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://127.0.0.1:9000`, without a slash at its end.
    base: String,
    host: String,
}

impl Endpoint {
    /// Reads `http://127.0.0.1:9000` or `https://lambda.eu-central-1.amazonaws.com`.
    ///
    /// # Errors
    /// The text is no `http` or `https` address, or has a path: says what is accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!("{text:?} {what}; accepted is an address such as http://127.0.0.1:9000, without a path")
        };
        let url = reqwest::Url::parse(text).map_err(|error| wrong(&format!("is no address ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("is neither http nor https"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a path"));
        }
        let Some(host) = url.host_str() else { return Err(wrong("names no host")) };
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned(), host: host.to_owned() })
    }

    /// The region of an endpoint of AWS; `None` for any other host.
    #[must_use]
    pub fn aws_region(&self) -> Option<&str> {
        let inner = self.host.strip_suffix(".amazonaws.com").or_else(|| self.host.strip_suffix(".amazonaws.com.cn"))?;
        // lambda.eu-central-1, lambda-fips.us-east-1; a VPC endpoint: vpce-1-2.lambda.eu-central-1.vpce.
        let mut parts = inner.split('.').skip_while(|part| !part.starts_with("lambda"));
        parts.nth(1)
    }

    pub(super) fn is_loopback(&self) -> bool {
        let ip = self.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        self.host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.base)
    }
}

/// Which functions run elsewhere, and where.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// For every function that has none of its own.
    pub all: Option<Endpoint>,
    /// By function name or logical id.
    pub by_function: BTreeMap<String, Endpoint>,
}

impl Endpoints {
    /// Where a function runs; `None`: here.
    #[must_use]
    pub fn of(&self, logical_id: &str, name: &str) -> Option<&Endpoint> {
        self.by_function.get(name).or_else(|| self.by_function.get(logical_id)).or(self.all.as_ref())
    }

    /// Whether every function runs here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.by_function.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_without_a_path_only() {
        assert_eq!(Endpoint::parse("http://127.0.0.1:9000/").unwrap().to_string(), "http://127.0.0.1:9000");
        for (text, reason) in [
            ("127.0.0.1:9000", "no address"),
            ("localhost:9000", "neither http nor https"),
            ("http://h/x", "has a path"),
            ("http://h?x=1", "has a path"),
        ] {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(error.contains(reason) && error.contains("http://127.0.0.1:9000"), "{error}");
        }
    }

    #[test]
    fn an_endpoint_of_aws_says_its_region() {
        let region = |text: &str| Endpoint::parse(text).unwrap().aws_region().map(str::to_owned);
        assert_eq!(region("https://lambda.eu-central-1.amazonaws.com").as_deref(), Some("eu-central-1"));
        assert_eq!(region("https://lambda.cn-north-1.amazonaws.com.cn").as_deref(), Some("cn-north-1"));
        let vpc = "https://vpce-0a-1b.lambda.us-east-1.vpce.amazonaws.com";
        assert_eq!(region(vpc).as_deref(), Some("us-east-1"));
        assert_eq!(region("http://localhost:4566"), None);
    }

    #[test]
    fn a_function_of_its_own_endpoint_goes_there_and_others_to_the_common_one() {
        let at = |text: &str| Endpoint::parse(text).unwrap();
        let mut endpoints = Endpoints { all: None, by_function: BTreeMap::from([("f".to_owned(), at("http://f"))]) };
        assert_eq!(endpoints.of("F", "f"), Some(&at("http://f")));
        assert_eq!(endpoints.of("G", "g"), None);
        endpoints.all = Some(at("http://all"));
        assert_eq!(endpoints.of("G", "g"), Some(&at("http://all")));
    }
}
