//! HTTP APIs.

use super::rule::{Findings, Level, Rule};
use crate::template::spec::Application;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M050",
        level: Level::Warning,
        title: "the API gives up before the function does",
        why: "An HTTP API waits at most 30 seconds, or TimeoutInMillis. The caller is told 503 and tries again, while \
              the first invocation still runs, writes and costs.",
        mend: "Set the function's Timeout below the API's: 29 seconds or less.",
        source: "apigateway/latest/developerguide/http-api-quotas.html",
        check: outlasts_api,
    },
    Rule {
        id: "M051",
        level: Level::Warning,
        title: "an API without routes",
        why: "Every request is answered 404.",
        mend: "Add HttpApi events with this ApiId to functions, or remove the API.",
        source: "",
        check: no_routes,
    },
    Rule {
        id: "M052",
        level: Level::Warning,
        title: "a wildcard that means nothing with credentials",
        why: "For requests with cookies, browsers read * in allowed headers, methods and exposed headers as the name *, \
              and refuse the request.",
        mend: "Name the headers and methods.",
        source: "apigateway/latest/developerguide/http-api-cors.html",
        check: literal_wildcard,
    },
    Rule {
        id: "M053",
        level: Level::Warning,
        title: "CORS answers no preflight",
        why: "Origins are allowed and methods are not: browsers send GET, HEAD and simple POST only, and every request \
              with JSON, another method or an own header fails.",
        mend: "Add AllowMethods, and AllowHeaders with what the page sends (content-type, authorization).",
        source: "apigateway/latest/developerguide/http-api-cors.html",
        check: no_methods,
    },
];

fn outlasts_api(application: &Application, findings: &mut Findings<'_>) {
    for function in application.functions.values() {
        let routes = application.apis.values().flat_map(|api| &api.routes);
        let own = routes.filter(|route| route.function == function.logical_id);
        if let Some(route) = own.filter(|route| function.timeout >= route.timeout).min_by_key(|route| route.timeout) {
            let message = format!(
                "{} may run {} s, and {} {} is given up after {} ms",
                function.logical_id,
                function.timeout.as_secs(),
                route.method,
                route.path,
                route.timeout.as_millis()
            );
            findings.at(&format!("{}.Timeout", function.logical_id), message);
        }
    }
}

fn no_routes(application: &Application, findings: &mut Findings<'_>) {
    for api in application.apis.values().filter(|api| api.routes.is_empty()) {
        findings.at(&api.logical_id, format!("{} has no routes", api.logical_id));
    }
}

fn literal_wildcard(application: &Application, findings: &mut Findings<'_>) {
    for api in application.apis.values() {
        let Some(cors) = api.cors.as_ref().filter(|cors| cors.allow_credentials) else { continue };
        let lists = [
            ("AllowHeaders", &cors.allow_headers),
            ("AllowMethods", &cors.allow_methods),
            ("ExposeHeaders", &cors.expose_headers),
        ];
        for (key, _) in lists.into_iter().filter(|(_, list)| list.iter().any(|item| item == "*")) {
            let path = format!("{}.CorsConfiguration.{key}", api.logical_id);
            findings.at(&path, format!("{key}: * beside AllowCredentials: true"));
        }
    }
}

fn no_methods(application: &Application, findings: &mut Findings<'_>) {
    for api in application.apis.values() {
        let Some(cors) = &api.cors else { continue };
        // `CorsConfiguration: true` is short for all origins, and says no more.
        if !cors.allow_origins.is_empty() && cors.allow_methods.is_empty() {
            let path = format!("{}.CorsConfiguration", api.logical_id);
            findings.at(&path, "AllowOrigins without AllowMethods".to_owned());
        }
    }
}
