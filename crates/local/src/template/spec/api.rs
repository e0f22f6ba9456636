//! HTTP APIs.

use std::time::Duration;

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
    /// `Metadata.Millrace.System`, or that of its first function.
    pub system: String,
    /// Line in the template.
    pub line: usize,
}

/// `CorsConfiguration` of an HTTP API; empty lists allow nothing.
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
    /// Cookies are sent along; not with the origin `*`.
    pub allow_credentials: bool,
    /// How long a browser keeps the answer to a preflight.
    pub max_age_seconds: Option<u32>,
}

/// One route of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// `GET`, or `ANY`.
    pub method: String,
    /// `/events/{id}`, `/{proxy+}`, or `$default`.
    pub path: String,
    /// Logical id of the function.
    pub function: String,
    /// `TimeoutInMillis`; 30 s when unset, and never more.
    pub timeout: Duration,
}
