//! JWT authorizers against an issuer with keys of its own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, routing::get};
use millrace::issuer::Issuer;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ECHO, Site, answer, header, json as event_of};

/// An issuer on a port, that counts how often it is asked for its keys.
struct Provider {
    address: String,
    issuer: Issuer,
    asked: Arc<AtomicUsize>,
    _folder: TempDir,
}

impl Provider {
    async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let issuer = Issuer::open(folder.path()).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/tenant", listener.local_addr().unwrap());
        let (discovery, keys, asked) = (Issuer::discovery(&address), issuer.keys(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&asked);
        let served = move || {
            counter.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Json(keys.clone()))
        };
        let router = Router::new()
            .route("/tenant/.well-known/openid-configuration", get(move || std::future::ready(Json(discovery.clone()))))
            .route("/tenant/jwks.json", get(served));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, issuer, asked, _folder: folder }
    }

    /// A token that holds, with these claims over it.
    fn token(&self, change: &Value) -> String {
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({"iss": self.address, "aud": "app", "sub": "me", "iat": now, "exp": now + 600, "scope": "read write"});
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.issuer.sign(claims.as_object().unwrap()).unwrap()
    }

    async fn site(&self) -> Site {
        let auth = format!(
            "Auth: {{DefaultAuthorizer: X, Authorizers: {{X: {{IdentitySource: $request.header.Authorization, JwtConfiguration: {{issuer: '{}', audience: [app, other]}}}}}}}}",
            self.address
        );
        let events = [
            "Method: GET, Path: /a",
            "Method: GET, Path: /open, Auth: {Authorizer: NONE}",
            "Method: GET, Path: /scoped, Auth: {AuthorizationScopes: [admin, write]}",
            "Method: GET, Path: /admin, Auth: {Authorizer: X, AuthorizationScopes: [admin]}",
        ];
        Site::api(&auth, "", &events, ECHO).await
    }
}

pub(crate) async fn a_valid_token_reaches_the_function_with_its_claims_as_texts() {
    let provider = Provider::start().await;
    let site = provider.site().await;
    let token = provider.token(&json!({"groups": ["a", "b"], "level": 3}));
    for value in [format!("Bearer {token}"), token] {
        let event = event_of(site.get("/a").header("authorization", value)).await;
        let jwt = &event["requestContext"]["authorizer"]["jwt"];
        assert_eq!(
            (&jwt["claims"]["sub"], &jwt["claims"]["groups"], &jwt["claims"]["level"]),
            (&json!("me"), &json!("[a b]"), &json!("3"))
        );
        assert_eq!(jwt["scopes"], json!(null));
    }
}

pub(crate) async fn a_request_without_a_token_that_holds_is_401() {
    let provider = Provider::start().await;
    let site = provider.site().await;
    let token = provider.token(&json!({}));
    let (signed, _) = token.rsplit_once('.').unwrap();
    let foreign = Provider::start().await.token(&json!({"iss": provider.address}));
    let none = "eyJhbGciOiJub25lIn0.e30.".to_owned();
    let hs256 = format!("eyJhbGciOiJIUzI1NiJ9.{}", token.split_once('.').unwrap().1);
    for value in [
        "".to_owned(),
        "x".into(),
        "a.b.c".into(),
        format!("{signed}."),
        format!("{signed}.AAAA"),
        foreign,
        none,
        hs256,
    ] {
        let found = site.get("/a").header("authorization", format!("Bearer {value}"));
        assert_eq!(answer(found).await, (401, r#"{"message":"Unauthorized"}"#.to_owned()), "{value}");
    }
    let missing = site.get("/a").send().await.unwrap();
    assert_eq!((missing.status().as_u16(), header(&missing, "www-authenticate")), (401, "Bearer"));
    assert!(site.app.f().statistics().invocations == 0, "the function is not asked");
}

pub(crate) async fn issuer_audience_and_times_are_checked() {
    let provider = Provider::start().await;
    let site = provider.site().await;
    let now = chrono::Utc::now().timestamp();
    for (change, status, why) in [
        (json!({"iss": "http://other"}), 401, "issuer"),
        (json!({"aud": "nobody"}), 401, "the token does not have a valid audience"),
        (json!({"aud": null, "client_id": "other"}), 200, ""),
        (json!({"aud": "nobody", "client_id": "other"}), 401, "audience"),
        (json!({"aud": ["x", "app"]}), 200, ""),
        (json!({"exp": now - 1}), 401, "expired"),
        (json!({"nbf": now + 600}), 401, "not valid yet"),
        (json!({"iat": now + 600}), 401, "future"),
    ] {
        let found = site.get("/a").header("authorization", provider.token(&change)).send().await.unwrap();
        assert_eq!(found.status().as_u16(), status, "{change}");
        assert!(header(&found, "www-authenticate").contains(why), "{change}: {:?}", found.headers());
    }
}

pub(crate) async fn a_token_without_one_of_the_routes_scopes_is_403() {
    let provider = Provider::start().await;
    let site = provider.site().await;
    let token = provider.token(&json!({}));
    let event = event_of(site.get("/scoped").header("authorization", &token)).await;
    assert_eq!(event["requestContext"]["authorizer"]["jwt"]["scopes"], json!(["write"]));
    let refused = answer(site.get("/admin").header("authorization", &token)).await;
    assert_eq!(refused, (403, r#"{"message":"Forbidden"}"#.to_owned()));
}

pub(crate) async fn a_route_with_none_is_open() {
    let provider = Provider::start().await;
    let site = provider.site().await;
    assert!(event_of(site.get("/open")).await["requestContext"].get("authorizer").is_none());
    assert_eq!(provider.asked.load(Ordering::SeqCst), 0);
}

pub(crate) async fn keys_are_kept_and_an_unknown_one_asks_again_but_not_often() {
    let provider = Provider::start().await;
    let site = provider.site().await;
    let (token, foreign) =
        (provider.token(&json!({})), Provider::start().await.token(&json!({"iss": provider.address})));
    for _ in 0..5 {
        assert_eq!(answer(site.get("/a").header("authorization", &token)).await.0, 200);
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    for _ in 0..20 {
        assert_eq!(answer(site.get("/a").header("authorization", &foreign)).await.0, 401);
    }
    assert!(provider.asked.load(Ordering::SeqCst) <= 6, "{}", provider.asked.load(Ordering::SeqCst));
    assert_eq!(answer(site.get("/a").header("authorization", &token)).await.0, 200, "the known key still holds");
}

pub(crate) async fn an_issuer_that_cannot_be_asked_lets_nobody_in() {
    let provider = Provider::start().await;
    let auth = "Auth: {DefaultAuthorizer: X, Authorizers: {X: {JwtConfiguration: {Issuer: 'http://127.0.0.1:9', Audience: app}}}}";
    let site = Site::api(auth, "", &["Method: GET, Path: /a"], ECHO).await;
    let token = provider.token(&json!({"iss": "http://127.0.0.1:9"}));
    assert_eq!(answer(site.get("/a").header("authorization", token)).await.0, 401);
}
