//! The page, its stylesheet, its script and its icon, all of them in the program.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// Only what comes from here may be used, only calls to here may be made, and nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Path, media type, text.
const FILES: [(&str, &str, &str); 7] = [
    ("/", "text/html; charset=utf-8", include_str!("../assets/index.html")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../assets/style.css")),
    ("/script.js", "text/javascript; charset=utf-8", include_str!("../assets/script.js")),
    ("/page.js", "text/javascript; charset=utf-8", include_str!("../assets/page.js")),
    ("/tables.js", "text/javascript; charset=utf-8", include_str!("../assets/tables.js")),
    ("/charts.js", "text/javascript; charset=utf-8", include_str!("../assets/charts.js")),
    ("/icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
];

/// `GET` of each file. A browser asks again each time: after a deploy nobody sees a mixture of two versions.
pub(crate) fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
        ];
        router.route(path, get(move || async move { (headers, text) }))
    })
}
