//! A request as the JSON event of payload format 1.0, the one that REST APIs have too.

use http::{HeaderMap, header, request::Parts};
use serde_json::{Map, Value, json};

use super::{
    payload::{self, Context},
    route::{Matched, route_key},
};

/// The event for a request and the route that answers it.
pub fn event(parts: &Parts, body: &[u8], matched: &Matched<'_>, context: &Context<'_>) -> Value {
    let resource = if matched.route.path == "$default" { "$default" } else { matched.route.path.as_str() };
    let (headers, multi_headers) = headers(&parts.headers, context);
    let (query, multi_query) = query(parts.uri.query().unwrap_or_default());
    let parameters: Map<String, Value> =
        matched.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let (body, encoded) = payload::encode_body(body, &payload::text(&parts.headers, header::CONTENT_TYPE.as_str()));
    let or_null = |map: Map<String, Value>| if map.is_empty() { Value::Null } else { Value::Object(map) };
    let variables = context.stage_variables.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "version": "1.0",
        "resource": resource,
        "path": context.path,
        "httpMethod": parts.method.as_str(),
        "headers": headers,
        "multiValueHeaders": multi_headers,
        "queryStringParameters": or_null(query),
        "multiValueQueryStringParameters": or_null(multi_query),
        "requestContext": request_context(parts, matched, context, resource),
        "pathParameters": or_null(parameters),
        "stageVariables": or_null(variables),
        "body": body,
        "isBase64Encoded": encoded,
    })
}

fn request_context(parts: &Parts, matched: &Matched<'_>, context: &Context<'_>, resource: &str) -> Value {
    let domain = payload::domain(&parts.headers);
    json!({
        "accountId": context.account_id,
        "apiId": context.api_id,
        "authorizer": context.jwt.cloned().unwrap_or_else(|| json!({"claims": null, "scopes": null})),
        "domainName": domain,
        "domainPrefix": domain.split('.').next().unwrap_or_default(),
        "extendedRequestId": context.request_id,
        "httpMethod": parts.method.as_str(),
        "identity": {
            "accessKey": null,
            "accountId": null,
            "caller": null,
            "cognitoAuthenticationProvider": null,
            "cognitoAuthenticationType": null,
            "cognitoIdentityId": null,
            "cognitoIdentityPoolId": null,
            "principalOrgId": null,
            "sourceIp": context.source_ip.to_string(),
            "user": null,
            "userAgent": payload::text(&parts.headers, header::USER_AGENT.as_str()),
            "userArn": null,
        },
        "path": context.path,
        "protocol": format!("{:?}", parts.version),
        "requestId": context.request_id,
        "requestTime": context.now.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
        "requestTimeEpoch": context.now.timestamp_millis(),
        "resourceId": route_key(matched.route),
        "resourcePath": resource,
        "stage": context.stage,
    })
}

/// The last value of each name, and all of them. Cookies are a header like any other here.
fn headers(headers: &HeaderMap, context: &Context<'_>) -> (Map<String, Value>, Map<String, Value>) {
    let hop = [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE];
    let (mut single, mut multi) = (Map::new(), Map::new());
    for name in headers.keys().filter(|name| !hop.contains(name)) {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let values: Vec<String> = values.collect();
        single.insert(name.as_str().to_owned(), json!(values.last()));
        multi.insert(name.as_str().to_owned(), json!(values));
    }
    for (name, value) in payload::forwarded(headers, context) {
        multi.insert(name.to_owned(), json!([value]));
        single.insert(name.to_owned(), json!(value));
    }
    (single, multi)
}

/// The last value of each name, and all of them.
fn query(raw: &str) -> (Map<String, Value>, Map<String, Value>) {
    let (mut single, mut multi): (Map<String, Value>, Map<String, Value>) = Default::default();
    for (name, value) in payload::query_pairs(raw) {
        match multi.get_mut(&name) {
            Some(Value::Array(values)) => values.push(json!(value)),
            _ => drop(multi.insert(name.clone(), json!([value]))),
        }
        single.insert(name, json!(value));
    }
    (single, multi)
}
