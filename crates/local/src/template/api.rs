//! `AWS::Serverless::HttpApi` and the functions' `HttpApi` events.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Options,
    error::Fault,
    fields::Fields,
    globals, ignored,
    intrinsics::Scope,
    metadata, names,
    node::{Entry, Kind, Node},
    resources::{IMPLICIT_API, Reader},
    spec::{ApiSpec, CorsSpec, RouteSpec},
};

const TYPE: &str = "AWS::Serverless::HttpApi";
/// Where APIs without a `Port` begin, as `sam local start-api` does.
const FIRST_PORT: u16 = 3000;
/// Never more, on AWS.
const MAXIMUM_TIMEOUT_MS: u32 = 30_000;
const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The local port of each API, by logical id: the port variable, `Metadata.Millrace.Port`, or the next one free from
/// 3000.
///
/// # Errors
/// A port or a variable that stands twice, a variable that is no port.
pub(super) fn ports(
    scope: &Scope<'_>,
    resources: &[(&Entry, &str)],
    options: &Options,
) -> Result<BTreeMap<String, u16>, Fault> {
    let mut declared = Vec::new();
    for (entry, _) in resources.iter().filter(|(_, kind)| *kind == TYPE) {
        let millrace = metadata::read(scope, &entry.key, &entry.value, &["Port", "System"])?;
        declared.push((entry.key.as_str(), millrace.port, entry.position));
    }
    if let Some(event) = implicit_event(resources) {
        declared.push((IMPLICIT_API, None, event.position));
    }
    let mut variables: BTreeMap<String, &str> = BTreeMap::new();
    let mut fixed: BTreeMap<&str, u16> = BTreeMap::new();
    for (id, port, position) in &declared {
        let variable = names::port_variable(id);
        let moved = match options.environment.get(&variable) {
            Some(text) => {
                let port = text.parse::<u16>().ok().filter(|port| *port > 0);
                Some(port.ok_or_else(|| {
                    Fault::new(
                        *position,
                        format!("{variable}: \"{text}\" is not accepted; accepted: a port, 1 to 65535"),
                    )
                })?)
            }
            None => *port,
        };
        if let Some(first) = variables.insert(variable.clone(), id) {
            return Err(Fault::new(*position, format!("{id} and {first} have the same port variable, {variable}")));
        }
        let Some(port) = moved else { continue };
        if let Some((first, _)) = fixed.iter().find(|(_, taken)| **taken == port) {
            return Err(Fault::new(*position, format!("{id} and {first} have the same port, {port}")));
        }
        fixed.insert(id, port);
    }
    let mut free = (FIRST_PORT..u16::MAX)
        .filter(|port| !fixed.values().any(|taken| taken == port))
        .collect::<Vec<_>>()
        .into_iter();
    let ports = declared.iter().filter_map(|(id, ..)| {
        let port = fixed.get(id).copied().or_else(|| free.next())?;
        Some(((*id).to_owned(), port))
    });
    Ok(ports.collect())
}

/// The first `HttpApi` event without an `ApiId`.
fn implicit_event<'n>(resources: &[(&'n Entry, &str)]) -> Option<&'n Entry> {
    let functions = resources.iter().filter(|(_, kind)| *kind == "AWS::Serverless::Function");
    let events = functions.filter_map(|(entry, _)| entry.value.get("Properties")?.get("Events")?.as_mapping());
    events.flatten().find(|event| {
        event.value.get("Type").and_then(Node::as_text) == Some("HttpApi")
            && event.value.get("Properties").is_none_or(|properties| properties.get("ApiId").is_none())
    })
}

impl Reader<'_, '_> {
    /// Reads an API, without its routes.
    ///
    /// # Errors
    /// A property that is wrong or not supported.
    pub(super) fn api(&mut self, entry: &Entry) -> Result<(), Fault> {
        let id = entry.key.as_str();
        let none = Node { kind: Kind::Mapping(Vec::new()), position: entry.position };
        let own = entry.value.get("Properties").unwrap_or(&none);
        let global = self.scope.root.get("Globals").and_then(|globals| globals.get("HttpApi"));
        let merged = global.map_or_else(|| own.clone(), |global| globals::merge(global, own));
        let cors = self.api_properties(id, &merged)?;
        let millrace = metadata::read(self.scope, id, &entry.value, &["Port", "System"])?;
        self.insert_api(id, cors, millrace.system, entry.position.line);
        Ok(())
    }

    /// Adds the API of the events that name none.
    ///
    /// # Errors
    /// A property in `Globals.HttpApi` that is wrong or not supported.
    pub(super) fn implicit_api(&mut self) -> Result<(), Fault> {
        if !self.scope.ports.contains_key(IMPLICIT_API) || self.app.apis.contains_key(IMPLICIT_API) {
            return Ok(());
        }
        let global = self.scope.root.get("Globals").and_then(|globals| globals.get("HttpApi"));
        let (cors, line) = match global {
            Some(global) => (self.api_properties(IMPLICIT_API, global)?, global.position.line),
            None => (None, 1),
        };
        self.insert_api(IMPLICIT_API, cors, None, line);
        Ok(())
    }

    fn insert_api(&mut self, id: &str, cors: Option<CorsSpec>, system: Option<String>, line: usize) {
        let api = ApiSpec {
            logical_id: id.to_owned(),
            port: self.scope.ports.get(id).copied().unwrap_or(FIRST_PORT),
            port_variable: names::port_variable(id),
            routes: Vec::new(),
            cors,
            system: system.unwrap_or_default(),
            line,
        };
        self.app.apis.insert(id.to_owned(), api);
    }

    fn api_properties(&self, id: &str, node: &Node) -> Result<Option<CorsSpec>, Fault> {
        let fields = Fields::new(self.scope, id, node)?;
        fields.not_yet("Auth", "every route is open")?;
        for key in ["DefinitionBody", "DefinitionUri"] {
            fields.not_yet(key, "routes come from the functions' HttpApi events")?;
        }
        fields.not_yet("StageVariables", "events have none")?;
        fields.only(&["CorsConfiguration", "StageName"], ignored::HTTP_API)?;
        fields.word("StageName", &["$default"])?;
        cors(&fields)
    }

    /// Reads an `HttpApi` event.
    ///
    /// # Errors
    /// A property that is wrong or not supported, an API that is not there, a route that stands twice.
    pub(super) fn route(&mut self, function: &str, event: &Entry, fields: &Fields<'_, '_>) -> Result<(), Fault> {
        fields.not_yet("Auth", "every route is open")?;
        let supported = ["ApiId", "Method", "Path", "PayloadFormatVersion", "TimeoutInMillis"];
        fields.only(&supported, &[("RouteSettings", "nothing is throttled")])?;
        fields.word("PayloadFormatVersion", &["2.0"])?;
        let id = fields.text("ApiId")?.unwrap_or_else(|| IMPLICIT_API.to_owned());
        if !self.app.apis.contains_key(&id) {
            return Err(fields.refuse("ApiId", &id, "!Ref of an AWS::Serverless::HttpApi"));
        }
        let (method, path) = match (fields.text("Method")?, fields.text("Path")?) {
            (None, None) => ("ANY".to_owned(), "$default".to_owned()),
            (_, Some(path)) if path == "$default" => ("ANY".to_owned(), path),
            (method, Some(path)) => (self.method(fields, method)?, path),
            (Some(_), None) => return Err(fields.missing("Path")),
        };
        if path != "$default"
            && let Err(why) = crate::gateway::route::check_path(&path)
        {
            return Err(fields.fault("Path", why));
        }
        let timeout = fields.count("TimeoutInMillis", 50..=MAXIMUM_TIMEOUT_MS)?.unwrap_or(MAXIMUM_TIMEOUT_MS);
        let route =
            RouteSpec { method, path, function: function.to_owned(), timeout: Duration::from_millis(timeout.into()) };
        let system = self.app.functions.get(function).map(|function| function.system.clone());
        let Some(api) = self.app.apis.get_mut(&id) else { return Ok(()) };
        if let Some(first) = api.routes.iter().find(|r| (&r.method, &r.path) == (&route.method, &route.path)) {
            let message =
                format!("{}: {id} already has {} {}, to {}", fields.what, route.method, route.path, first.function);
            return Err(Fault::new(event.position, message));
        }
        if api.system.is_empty() {
            api.system = system.unwrap_or_default();
        }
        api.routes.push(route);
        Ok(())
    }

    fn method(&self, fields: &Fields<'_, '_>, method: Option<String>) -> Result<String, Fault> {
        let method = method.ok_or_else(|| fields.missing("Method"))?;
        let upper = match method.to_ascii_uppercase().as_str() {
            "X-AMAZON-APIGATEWAY-ANY-METHOD" => "ANY".to_owned(),
            upper => upper.to_owned(),
        };
        if METHODS.contains(&upper.as_str()) {
            Ok(upper)
        } else {
            Err(fields.refuse("Method", &method, &METHODS.join(", ")))
        }
    }

    /// What can be said only when all routes are known.
    pub(super) fn finish_apis(&mut self) {
        for api in self.app.apis.values_mut() {
            if api.system.is_empty() {
                "default".clone_into(&mut api.system);
            }
        }
    }
}

fn cors(fields: &Fields<'_, '_>) -> Result<Option<CorsSpec>, Fault> {
    let key = "CorsConfiguration";
    let any = || vec!["*".to_owned()];
    if let Some(node) = fields.get(key)?.filter(|node| node.as_text().is_some()) {
        return match node.as_text() {
            Some("true" | "True") => Ok(Some(CorsSpec { allow_origins: any(), ..CorsSpec::default() })),
            Some("false" | "False") => Ok(None),
            _ => Err(Fault::value(&format!("{}.{key}", fields.what), &node, "true, or a mapping with AllowOrigins")),
        };
    }
    fields.nested(key, |cors| {
        cors.only(
            &["AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge"],
            &[],
        )?;
        let spec = CorsSpec {
            allow_origins: cors.texts("AllowOrigins")?,
            allow_methods: cors.texts("AllowMethods")?,
            allow_headers: cors.texts("AllowHeaders")?,
            expose_headers: cors.texts("ExposeHeaders")?,
            allow_credentials: cors.boolean("AllowCredentials")?.unwrap_or(false),
            max_age_seconds: cors.count("MaxAge", 0..=86_400)?,
        };
        if spec.allow_credentials && spec.allow_origins.iter().any(|origin| origin == "*") {
            return Err(cors.fault("AllowCredentials", "it is not accepted with the origin *; name the origins"));
        }
        Ok(spec)
    })
}
