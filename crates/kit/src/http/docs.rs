//! `GET /openapi.json` and `GET /docs`: what an API accepts and answers, out of the code that does it. The page is
//! Swagger UI with all of its files in the program, so that it works without the internet.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::Path,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use http::header;
use utoipa::openapi::{Info, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::Config;

use super::Problem;

/// Every path of it is relative, so that it works behind a prefix too.
const PAGE: &str = include_str!("docs.html");

/// The router with `GET /openapi.json` and `GET /docs` beside its own paths. `name` is the function's; `description` is a
/// sentence on what it is for.
///
/// ```ignore
/// kit::http::documented("numbers-api", "Numbers and what became of them.", OpenApiRouter::new().routes(routes!(health)))
/// ```
pub fn documented(name: &'static str, description: &str, router: OpenApiRouter) -> Router {
    let (router, mut api) = router.split_for_parts();
    api.info = Info::new(name, env!("CARGO_PKG_VERSION"));
    api.info.description = Some(description.to_owned());
    let api: Arc<OpenApi> = Arc::new(api);
    let page = PAGE.replace("{{name}}", name);
    router
        .route("/openapi.json", get(|| async move { Json(api.as_ref().clone()) }))
        .route("/docs", get(|| async move { Html(page) }))
        .route("/docs/{file}", get(|Path(file): Path<String>| async move { asset(&file) }))
}

fn asset(file: &str) -> Response {
    let Ok(Some(file)) = utoipa_swagger_ui::serve(file, Arc::new(Config::from("../openapi.json"))) else {
        return Problem::not_found(format!("the documentation has no file {file:?}")).into_response();
    };
    let headers = [(header::CONTENT_TYPE, file.content_type), (header::CACHE_CONTROL, "max-age=86400".to_owned())];
    let gzip = file.gzpipped.then_some([(header::CONTENT_ENCODING, "gzip")]);
    (headers, gzip.map(axum::response::AppendHeaders), file.bytes.into_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use serde_json::Value;
    use tower::ServiceExt;
    use utoipa_axum::routes;

    use super::*;

    #[utoipa::path(get, path = "/thing", responses((status = 200, body = String), (status = 400, body = Problem)))]
    async fn thing() -> &'static str {
        "a thing"
    }

    async fn answer(path: &str) -> (StatusCode, http::HeaderMap, Vec<u8>) {
        let router = documented("things-api", "Things.", OpenApiRouter::new().routes(routes!(thing)));
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn the_description_is_that_of_the_routes() {
        let api: Value = serde_json::from_slice(&answer("/openapi.json").await.2).unwrap();
        assert_eq!((&api["info"]["title"], &api["info"]["description"]), (&"things-api".into(), &"Things.".into()));
        assert!(api["paths"]["/thing"]["get"]["responses"]["400"].is_object(), "{api}");
    }

    #[tokio::test]
    async fn the_page_finds_all_that_it_names_here() {
        let (status, _, page) = answer("/docs").await;
        assert_eq!(status, StatusCode::OK);
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains("things-api") && !page.contains("//"), "nothing from elsewhere: {page}");
        let names = page.split(['"']).filter(|text| text.starts_with("docs/"));
        let mut seen = 0;
        for name in names {
            let (status, headers, body) = answer(&format!("/{name}")).await;
            assert!(status == StatusCode::OK && !body.is_empty(), "{name}");
            assert_eq!(headers[header::CONTENT_ENCODING], "gzip", "{name}");
            seen += 1;
        }
        assert_eq!(seen, 2);
        assert_eq!(answer("/docs/nothing.js").await.0, StatusCode::NOT_FOUND);
    }
}
