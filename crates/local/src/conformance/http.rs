//! HTTP APIs, JWT authorizers, function URLs and streamed answers.

use super::Rule;

/// Checked by `tests/it/http/`.
pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "http.routes.the-most-specific-route-answers",
        text: "The most specific route answers: a whole path, then a variable, then a greedy one, then $default; a method goes before ANY",
        source: "apigateway/latest/developerguide/http-api-develop-routes.html",
    },
    Rule {
        id: "http.routes.a-path-without-a-route-is-404",
        text: "A request that no route fits is answered with 404 Not Found; a trailing slash is another path",
        source: "apigateway/latest/developerguide/http-api-develop-routes.html",
    },
    Rule {
        id: "http.event.the-event-has-the-shape-of-payload-2",
        text: "Payload 2.0 has the decoded path, the query as it came, several values joined by commas, and cookies apart",
        source: "apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
    },
    Rule {
        id: "http.event.payload-1-has-single-and-multi-values",
        text: "Payload 1.0 has the last value and all values of headers and query parameters",
        source: "apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
    },
    Rule {
        id: "http.event.a-body-that-is-no-text-is-base64",
        text: "A body that is no text, a form too, is base64 with isBase64Encoded",
        source: "apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
    },
    Rule {
        id: "http.event.a-named-stage-is-the-paths-first-segment",
        text: "A stage with a name is the first segment of the path, and its variables are in the event",
        source: "apigateway/latest/developerguide/http-api-stages.html",
    },
    Rule {
        id: "http.answers.a-status-code-makes-the-answer-a-response",
        text: "An answer with a statusCode is a response with its headers, cookies and base64 body",
        source: "apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
    },
    Rule {
        id: "http.answers.without-a-status-code-the-answer-is-the-body",
        text: "An answer without a statusCode is the body, with status 200 and type JSON",
        source: "apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
    },
    Rule {
        id: "http.answers.payload-1-needs-a-status-code",
        text: "With payload 1.0 an answer needs a statusCode, and may have multiValueHeaders",
        source: "apigateway/latest/developerguide/http-api-develop-integrations-lambda.html",
    },
    Rule {
        id: "http.answers.errors-and-nonsense-are-500",
        text: "A function error, a crash and an answer that is no response are 500 Internal Server Error",
        source: "apigateway/latest/developerguide/http-api-troubleshooting-lambda.html",
    },
    Rule {
        id: "http.answers.an-answer-after-the-routes-timeout-is-503",
        text: "An answer that comes after TimeoutInMillis, at most 30 s, is 503 Service Unavailable",
        source: "apigateway/latest/developerguide/http-api-quotas.html",
    },
    Rule {
        id: "http.answers.a-function-without-concurrency-is-503",
        text: "A function that is throttled is 503 Service Unavailable",
        source: "",
    },
    Rule {
        id: "http.limits.a-request-over-the-limit-is-413",
        text: "A body over 10 MB, and an event over Lambda's 6 MB, is 413 Request Entity Too Large",
        source: "apigateway/latest/developerguide/http-api-quotas.html",
    },
    Rule {
        id: "http.limits.what-exceeds-the-burst-is-429",
        text: "What exceeds a route's burst and rate is 429 Too Many Requests; each route has its own bucket",
        source: "apigateway/latest/developerguide/http-api-throttling.html",
    },
    Rule {
        id: "http.limits.requests-that-make-no-sense-are-answered-and-harm-nobody",
        text: "A malformed request gets an answer or a closed connection, and the next request is served",
        source: "",
    },
    Rule {
        id: "http.cors.a-preflight-needs-neither-route-nor-token",
        text: "With a CORS configuration, a preflight is answered without a route and without a token",
        source: "apigateway/latest/developerguide/http-api-cors.html",
    },
    Rule {
        id: "http.cors.the-apis-cors-headers-replace-the-functions",
        text: "With a CORS configuration, the function's own CORS headers are ignored",
        source: "apigateway/latest/developerguide/http-api-cors.html",
    },
    Rule {
        id: "jwt.tokens.a-valid-token-reaches-the-function-with-its-claims-as-texts",
        text: "A token, alone or after Bearer, lets a request through, and the function finds its claims as texts",
        source: "apigateway/latest/developerguide/http-api-jwt-authorizer.html",
    },
    Rule {
        id: "jwt.tokens.a-request-without-a-token-that-holds-is-401",
        text: "A missing, broken, foreign or not RSA-signed token is 401 Unauthorized, and the function is not asked",
        source: "apigateway/latest/developerguide/http-api-jwt-authorizer.html",
    },
    Rule {
        id: "jwt.tokens.issuer-audience-and-times-are-checked",
        text: "iss, aud (or client_id where there is no aud), exp, nbf and iat are checked, and www-authenticate says what is wrong",
        source: "apigateway/latest/developerguide/http-api-jwt-authorizer.html",
    },
    Rule {
        id: "jwt.scopes.a-token-without-one-of-the-routes-scopes-is-403",
        text: "A token needs at least one of the route's scopes, in scope or scp, or the answer is 403 Forbidden",
        source: "apigateway/latest/developerguide/http-api-jwt-authorizer.html",
    },
    Rule {
        id: "jwt.scopes.a-route-with-none-is-open",
        text: "Authorizer NONE opens a route of an API with a default authorizer",
        source: "serverless-application-model/latest/developerguide/sam-property-function-httpapifunctionauth.html",
    },
    Rule {
        id: "jwt.keys.keys-are-kept-and-an-unknown-one-asks-again-but-not-often",
        text: "The issuer's keys are kept; an unknown key id asks the issuer again, at most once a second",
        source: "apigateway/latest/developerguide/http-api-jwt-authorizer.html",
    },
    Rule {
        id: "jwt.keys.an-issuer-that-cannot-be-asked-lets-nobody-in",
        text: "While an issuer cannot be asked for its keys, its tokens are 401",
        source: "apigateway/latest/developerguide/http-api-jwt-authorizer.html",
    },
    Rule {
        id: "url.buffered.the-event-is-payload-2-with-the-path-as-it-came",
        text: "A function URL sends payload 2.0 with the route $default, and leaves the path percent-encoded",
        source: "lambda/latest/dg/urls-invocation.html",
    },
    Rule {
        id: "url.buffered.an-answer-without-a-status-code-is-sent-as-it-came",
        text: "A function URL sends an answer without a statusCode as it came: a text keeps its quotes",
        source: "lambda/latest/dg/urls-invocation.html",
    },
    Rule {
        id: "url.buffered.a-function-error-is-502",
        text: "Function errors, timeouts and answers that are no response are 502 Internal Server Error at a function URL",
        source: "lambda/latest/dg/urls-monitoring.html",
    },
    Rule {
        id: "url.buffered.a-function-without-concurrency-is-429",
        text: "A function URL answers 429 when the function is throttled",
        source: "lambda/latest/dg/urls-configuration.html",
    },
    Rule {
        id: "url.buffered.a-request-over-6-mb-is-413",
        text: "A request over 6 MB is 413 at a function URL",
        source: "lambda/latest/dg/gettingstarted-limits.html",
    },
    Rule {
        id: "url.buffered.the-urls-cors-answers-preflights",
        text: "With Cors, a function URL answers preflights itself",
        source: "lambda/latest/dg/urls-configuration.html",
    },
    Rule {
        id: "stream.url.parts-arrive-before-the-function-ends",
        text: "With RESPONSE_STREAM, parts reach the client while the function still works",
        source: "lambda/latest/dg/configuration-response-streaming.html",
    },
    Rule {
        id: "stream.url.the-prelude-is-the-responses-head",
        text: "A stream of type application/vnd.awslambda.http-integration-response begins with status, headers and cookies as JSON and eight zero bytes",
        source: "lambda/latest/dg/runtimes-custom.html",
    },
    Rule {
        id: "stream.url.what-fails-before-the-first-byte-is-502",
        text: "A streaming function that fails before its first byte is 502",
        source: "",
    },
    Rule {
        id: "stream.url.what-fails-half-way-ends-the-answer-without-its-end",
        text: "An error, a crash or a timeout half-way ends the client's answer without its end",
        source: "lambda/latest/dg/runtimes-custom.html",
    },
    Rule {
        id: "stream.url.a-slow-reader-slows-the-function-down",
        text: "A client that reads slowly slows the function down; nothing is piled up",
        source: "",
    },
    Rule {
        id: "stream.invoke.who-wants-the-whole-gets-it-collected",
        text: "Who does not ask for a stream gets a streamed answer as a whole, up to 6 MB",
        source: "lambda/latest/dg/configuration-response-streaming.html",
    },
    Rule {
        id: "stream.invoke.the-caller-learns-how-a-stream-ended",
        text: "A caller of a stream learns at its end whether the function failed half-way",
        source: "lambda/latest/api/API_InvokeWithResponseStream.html",
    },
];
