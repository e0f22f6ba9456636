//! HTTP APIs and function URLs.

use std::{collections::BTreeMap, time::Duration};

/// One `AWS::Serverless::HttpApi`.
#[derive(Debug, Clone)]
pub struct ApiSpec {
    /// Logical id.
    pub logical_id: String,
    /// `Metadata.Millrace.Port`, moved by the port variable; the next one free from 3000 when neither says.
    pub port: u16,
    /// `MILLRACE_PORT_GITHUB_QUERY_API`: the variable that moves the port (from the logical id in upper snake case, a
    /// final `HttpApi` read as `Api`).
    pub port_variable: String,
    /// Every route, from the functions' `HttpApi` events.
    pub routes: Vec<RouteSpec>,
    /// `CorsConfiguration`, when there is one.
    pub cors: Option<CorsSpec>,
    /// `StageName`; `$default` when unset. Any other is the first segment of every path.
    pub stage: String,
    /// `StageVariables`.
    pub stage_variables: BTreeMap<String, String>,
    /// `Auth`.
    pub auth: AuthSpec,
    /// `DefaultRouteSettings`: each route's own, unless `route_throttles` has it.
    pub throttle: Option<ThrottleSpec>,
    /// `RouteSettings`, by route key.
    pub route_throttles: BTreeMap<String, ThrottleSpec>,
    /// `Metadata.Millrace.System`, or that of its first function.
    pub system: String,
    /// Line in the template.
    pub line: usize,
}

/// `Auth` of an HTTP API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthSpec {
    /// `Authorizers`, by name.
    pub authorizers: BTreeMap<String, JwtSpec>,
    /// `DefaultAuthorizer`.
    pub default: Option<String>,
}

/// A JWT authorizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtSpec {
    /// `JwtConfiguration.issuer`: its `/.well-known/openid-configuration` names the keys.
    pub issuer: String,
    /// `JwtConfiguration.audience`: a token is for one of these.
    pub audience: Vec<String>,
    /// `IdentitySource`: where the token stands.
    pub source: TokenSource,
    /// `AuthorizationScopes`: what routes ask for unless they say otherwise.
    pub scopes: Vec<String>,
}

/// Where a request carries its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// `$request.header.NAME`, in lower case.
    Header(String),
    /// `$request.querystring.NAME`.
    Query(String),
}

/// What a route asks of a request before its function is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationSpec {
    /// Name of the authorizer.
    pub authorizer: String,
    /// The token has one of these; none are asked for when empty.
    pub scopes: Vec<String>,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottleSpec {
    /// `ThrottlingRateLimit`: requests a second, over time.
    pub rate: f64,
    /// `ThrottlingBurstLimit`: requests at once.
    pub burst: u32,
}

/// `CorsConfiguration` of an HTTP API, or `Cors` of a function URL; empty lists allow nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsSpec {
    /// `*`, `https://*`, `http://*`, or whole origins.
    pub allow_origins: Vec<String>,
    /// `*`, or methods.
    pub allow_methods: Vec<String>,
    /// `*`, or names of request headers.
    pub allow_headers: Vec<String>,
    /// Names of response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// Cookies are sent along; not with the origin `*` of an HTTP API.
    pub allow_credentials: bool,
    /// How long a browser keeps the answer to a preflight.
    pub max_age_seconds: Option<u32>,
}

/// One route of an API.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteSpec {
    /// `GET`, or `ANY`.
    pub method: String,
    /// `/events/{id}`, `/{proxy+}`, or `$default`.
    pub path: String,
    /// Logical id of the function.
    pub function: String,
    /// `TimeoutInMillis`; 30 s when unset, and never more.
    pub timeout: Duration,
    /// `PayloadFormatVersion`.
    pub payload: PayloadFormat,
    /// `Auth`, or the API's default; `None` is open.
    pub authorization: Option<AuthorizationSpec>,
    /// `RouteSettings` of the event.
    pub throttle: Option<ThrottleSpec>,
}

impl RouteSpec {
    /// An open route with AWS's defaults.
    #[must_use]
    pub fn new(method: &str, path: &str, function: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            function: function.to_owned(),
            timeout: Duration::from_secs(30),
            payload: PayloadFormat::V2,
            authorization: None,
            throttle: None,
        }
    }
}

/// The shape of events and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// `1.0`, that of REST APIs.
    V1,
    /// `2.0`.
    V2,
}

/// One function URL: `FunctionUrlConfig` of a function, or an `AWS::Lambda::Url`.
#[derive(Debug, Clone)]
pub struct UrlSpec {
    /// Logical id; `<function>Url` for a `FunctionUrlConfig`, as SAM calls it.
    pub logical_id: String,
    /// Logical id of the function.
    pub function: String,
    /// `Metadata.Millrace.Port`, moved by the port variable; the next one free from 3100 when neither says.
    pub port: u16,
    /// `MILLRACE_PORT_CHAT_URL`.
    pub port_variable: String,
    /// `InvokeMode: RESPONSE_STREAM`.
    pub streams: bool,
    /// `Cors`, when there is one.
    pub cors: Option<CorsSpec>,
    /// Line in the template.
    pub line: usize,
}
