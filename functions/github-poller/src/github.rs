//! The GitHub API's `GET /events`: one page, with limits on time and bytes, and without ever showing the token.

use crate::config::Config;
use anyhow::Context as _;
use domain::github::poll::{Limits, has_next_page};
use kit::Secret;
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LINK, USER_AGENT};
use reqwest::{Response, StatusCode, redirect};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// A page of 100 events has about 300 kB; the largest ones seen have a few megabytes.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// GitHub blocks callers that go on with a bad token; it may also come to be good again.
const REFUSED_TOKEN_REST: Duration = Duration::from_secs(15 * 60);

/// What is known of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStatus {
    /// None is configured.
    None,
    /// GitHub has not said yet.
    Unknown,
    /// GitHub answered a request with it.
    Accepted,
    /// GitHub refused it with 401; requests go without it.
    Refused,
    /// It was stored and cannot be read, or cannot stand in a header; requests go without it.
    Unreadable,
}

impl TokenStatus {
    /// As the state table has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A page as GitHub answered.
#[derive(Debug)]
pub enum Answer {
    /// 200.
    Page {
        /// The body.
        text: String,
        /// `ETag`.
        etag: Option<String>,
        /// Whether `Link` leads to another page.
        has_next: bool,
    },
    /// 304.
    NotModified,
}

/// No page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 403 or 429: fewer requests, please.
    #[error("github refused with {0}")]
    Refused(StatusCode),
    /// Any other status.
    #[error("github answered {0}")]
    Status(StatusCode),
    /// No answer, or one that broke off.
    #[error("no answer from github")]
    Transport(#[source] reqwest::Error),
    /// A body beyond the limit or not UTF-8.
    #[error("github's answer is not text of less than {BODY_BYTES_MAX} bytes")]
    Body,
}

/// A client of one API, with one token at a time.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    events_url: String,
    token: Mutex<Token>,
}

#[derive(Debug, Clone)]
struct Token {
    /// Marked as sensitive, so that no log shows it.
    header: Option<HeaderValue>,
    status: TokenStatus,
    refused_at: Option<Instant>,
}

impl Token {
    fn new(token: Option<&Secret>) -> anyhow::Result<Self> {
        let header = token.map(authorization).transpose()?;
        let status = if header.is_some() { TokenStatus::Unknown } else { TokenStatus::None };
        Ok(Self { header, status, refused_at: None })
    }

    /// What a request carries: nothing while a refusal is fresh.
    fn for_request(&self) -> Option<&HeaderValue> {
        let rests = self.refused_at.is_some_and(|at| at.elapsed() < REFUSED_TOKEN_REST);
        self.header.as_ref().filter(|_| !rests)
    }
}

impl Client {
    /// # Errors
    /// When the token cannot stand in a header, or the TLS library does not start.
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("millrace-github-poller/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(redirect::Policy::limited(3))
            .build()
            .context("build the http client")?;
        let token = Mutex::new(Token::new(config.token.as_ref())?);
        Ok(Self { http, events_url: format!("{}/events", config.api_url), token })
    }

    /// What is known of the token now.
    pub fn token_status(&self) -> TokenStatus {
        self.token().status
    }

    /// Takes this token from the next request on, or none; what was known of the last one is forgotten.
    ///
    /// # Errors
    /// When it cannot stand in a header; the last one stays.
    pub fn use_token(&self, token: Option<&Secret>) -> anyhow::Result<()> {
        *self.token() = Token::new(token)?;
        Ok(())
    }

    /// Goes on without a token, because the one that was stored cannot be had.
    pub fn miss_token(&self) {
        *self.token() = Token { header: None, status: TokenStatus::Unreadable, refused_at: None };
    }

    /// Reads one page; with `etag` only if it has changed. A token that GitHub refuses is left out and the page asked for
    /// again without it. Beside the answer stand the limits that its headers named.
    pub async fn page(&self, per_page: u32, number: u32, etag: Option<&str>) -> (Limits, Result<Answer, Error>) {
        let token = self.token().for_request().cloned();
        let response = match self.request(per_page, number, etag, token.as_ref()).await {
            Ok(response) if token.is_some() && response.status() == StatusCode::UNAUTHORIZED => {
                self.remember(TokenStatus::Refused, Some(Instant::now()));
                self.request(per_page, number, etag, None).await
            }
            Ok(response) => {
                if token.is_some() && (response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED)
                {
                    self.remember(TokenStatus::Accepted, None);
                }
                Ok(response)
            }
            Err(error) => Err(error),
        };
        match response {
            Ok(response) => {
                let limits = Limits::parse(|name| response.headers().get(name).and_then(|value| value.to_str().ok()));
                (limits, answer(response).await)
            }
            // The address may hold a user's password; the token stands in no error of the client.
            Err(error) => (Limits::default(), Err(Error::Transport(error.without_url()))),
        }
    }

    async fn request(
        &self,
        per_page: u32,
        number: u32,
        etag: Option<&str>,
        token: Option<&HeaderValue>,
    ) -> reqwest::Result<Response> {
        let mut request = self.http.get(format!("{}?per_page={per_page}&page={number}", self.events_url));
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        request.send().await
    }

    fn token(&self) -> MutexGuard<'_, Token> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, status: TokenStatus, refused_at: Option<Instant>) {
        let mut token = self.token();
        (token.status, token.refused_at) = (status, refused_at);
    }
}

fn authorization(token: &Secret) -> anyhow::Result<HeaderValue> {
    let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
    // The error of the header library does not repeat the value; the context must not either.
    let mut value = value.context("the github token has characters that no header may have")?;
    value.set_sensitive(true);
    Ok(value)
}

async fn answer(mut response: Response) -> Result<Answer, Error> {
    let status = response.status();
    match status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Ok(Answer::NotModified),
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => return Err(Error::Refused(status)),
        _ => return Err(Error::Status(status)),
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let etag = header(ETAG).map(str::to_owned);
    let has_next = header(LINK).is_some_and(has_next_page);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Error::Transport(error.without_url()))? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Error::Body);
        }
        body.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(body).map_err(|_| Error::Body)?;
    Ok(Answer::Page { text, etag, has_next })
}
