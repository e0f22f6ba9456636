//! `AWS::Serverless::HttpApi` and the functions' `HttpApi` events.

use std::{collections::BTreeMap, time::Duration};

use super::{
    authorizers,
    error::Fault,
    fields::Fields,
    globals, ignored, metadata, names,
    node::{Entry, Kind, Node, Position},
    ports::FIRST_API_PORT,
    resources::{IMPLICIT_API, Reader},
    spec::{ApiSpec, CorsSpec, PayloadFormat, RouteSpec},
};

/// Never more, on AWS.
const MAXIMUM_TIMEOUT_MS: u32 = 30_000;
const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

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
        let mut api = self.api_properties(id, &merged, entry.position.line)?;
        let millrace = metadata::read(self.scope, id, &entry.value, &["Port", "System"])?;
        api.system = millrace.system.unwrap_or_default();
        self.app.apis.insert(id.to_owned(), api);
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
        let none = Node { kind: Kind::Mapping(Vec::new()), position: Position { line: 1, column: 1 } };
        let properties = global.unwrap_or(&none);
        let api = self.api_properties(IMPLICIT_API, properties, properties.position.line)?;
        self.app.apis.insert(IMPLICIT_API.to_owned(), api);
        Ok(())
    }

    fn api_properties(&self, id: &str, node: &Node, line: usize) -> Result<ApiSpec, Fault> {
        let fields = Fields::new(self.scope, id, node)?;
        for key in ["DefinitionBody", "DefinitionUri"] {
            fields.not_yet(key, "routes come from the functions' HttpApi events")?;
        }
        let supported =
            ["Auth", "CorsConfiguration", "DefaultRouteSettings", "RouteSettings", "StageName", "StageVariables"];
        fields.only(&supported, ignored::HTTP_API)?;
        let stage = fields.text("StageName")?.unwrap_or_else(|| "$default".to_owned());
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if stage != "$default" && (stage.is_empty() || stage.len() > 128 || !stage.chars().all(fine)) {
            return Err(fields.refuse("StageName", &stage, "$default, or 1 to 128 of a-z A-Z 0-9 - _"));
        }
        let variables = fields.nested("StageVariables", |variables| {
            let each = variables.entries().iter().map(|e| Ok((e.key.clone(), variables.required(&e.key)?)));
            each.collect::<Result<BTreeMap<_, _>, Fault>>()
        })?;
        Ok(ApiSpec {
            logical_id: id.to_owned(),
            port: self.scope.ports.get(id).copied().unwrap_or(FIRST_API_PORT),
            port_variable: names::port_variable(id),
            routes: Vec::new(),
            cors: cors(&fields)?,
            stage,
            stage_variables: variables.unwrap_or_default(),
            auth: authorizers::auth(&fields)?,
            throttle: authorizers::throttle(&fields, "DefaultRouteSettings")?,
            route_throttles: authorizers::route_throttles(&fields)?,
            system: String::new(),
            line,
        })
    }

    /// Reads an `HttpApi` event.
    ///
    /// # Errors
    /// A property that is wrong or not supported, an API that is not there, a route that stands twice.
    pub(super) fn route(&mut self, function: &str, event: &Entry, fields: &Fields<'_, '_>) -> Result<(), Fault> {
        let supported = ["ApiId", "Auth", "Method", "Path", "PayloadFormatVersion", "RouteSettings", "TimeoutInMillis"];
        fields.only(&supported, &[])?;
        let payload = match fields.word("PayloadFormatVersion", &["1.0", "2.0"])? {
            Some("1.0") => PayloadFormat::V1,
            _ => PayloadFormat::V2,
        };
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
        let throttle = authorizers::throttle(fields, "RouteSettings")?;
        let system = self.app.functions.get(function).map(|function| function.system.clone());
        let Some(api) = self.app.apis.get_mut(&id) else { return Ok(()) };
        let authorization = authorizers::authorization(fields, &api.auth)?;
        let timeout = Duration::from_millis(timeout.into());
        let route = RouteSpec { timeout, payload, authorization, throttle, ..RouteSpec::new(&method, &path, function) };
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
    ///
    /// # Errors
    /// `RouteSettings` of a route that is not there.
    pub(super) fn finish_apis(&mut self) -> Result<(), Fault> {
        for api in self.app.apis.values_mut() {
            if api.system.is_empty() {
                "default".clone_into(&mut api.system);
            }
            let keys: Vec<String> = api.routes.iter().map(crate::gateway::route::route_key).collect();
            if let Some(unknown) = api.route_throttles.keys().find(|key| !keys.contains(key)) {
                let position = Position { line: api.line, column: 3 };
                let message = format!("{}.RouteSettings: there is no route {unknown}", api.logical_id);
                return Err(Fault::new(position, message));
            }
            for (route, key) in api.routes.iter_mut().zip(keys) {
                route.throttle = route.throttle.or_else(|| api.route_throttles.get(&key).copied()).or(api.throttle);
            }
        }
        Ok(())
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
        let spec = cors_properties(cors)?;
        if spec.allow_credentials && spec.allow_origins.iter().any(|origin| origin == "*") {
            return Err(cors.fault("AllowCredentials", "it is not accepted with the origin *; name the origins"));
        }
        Ok(spec)
    })
}

/// What HTTP APIs and function URLs call alike.
///
/// # Errors
/// A property that is wrong.
pub(super) fn cors_properties(cors: &Fields<'_, '_>) -> Result<CorsSpec, Fault> {
    let supported = ["AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge"];
    cors.only(&supported, &[])?;
    Ok(CorsSpec {
        allow_origins: cors.texts("AllowOrigins")?,
        allow_methods: cors.texts("AllowMethods")?,
        allow_headers: cors.texts("AllowHeaders")?,
        expose_headers: cors.texts("ExposeHeaders")?,
        allow_credentials: cors.boolean("AllowCredentials")?.unwrap_or(false),
        max_age_seconds: cors.count("MaxAge", 0..=86_400)?,
    })
}
