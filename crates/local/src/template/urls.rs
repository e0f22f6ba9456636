//! Function URLs: `FunctionUrlConfig` of a function, and `AWS::Lambda::Url`.

use super::{
    api,
    error::Fault,
    fields::Fields,
    mapping, names,
    node::{Entry, Kind, Node},
    ports::FIRST_URL_PORT,
    resources::Reader,
    spec::UrlSpec,
};

/// The logical id of what SAM makes of a function's `FunctionUrlConfig`.
pub(super) fn generated(function: &str) -> String {
    format!("{function}Url")
}

impl Reader<'_, '_> {
    /// Reads the `FunctionUrlConfig` of a function, when there is one.
    ///
    /// # Errors
    /// A property that is wrong or not supported.
    pub(super) fn function_url(&mut self, function: &str, fields: &Fields<'_, '_>) -> Result<(), Fault> {
        let id = generated(function);
        let position = fields.entry("FunctionUrlConfig").map_or(fields.position, |entry| entry.position);
        let read = fields.nested("FunctionUrlConfig", |url| {
            url.only(&["AuthType", "Cors", "InvokeMode"], &[])?;
            self.url(&id, function, url, position.line)
        });
        read.map(drop)
    }

    /// Reads an `AWS::Lambda::Url`.
    ///
    /// # Errors
    /// A property that is wrong or not supported, a function that is not there.
    pub(super) fn raw_url(&mut self, entry: &Entry) -> Result<(), Fault> {
        let id = entry.key.as_str();
        let none = Node { kind: Kind::Mapping(Vec::new()), position: entry.position };
        let fields = Fields::new(self.scope, id, entry.value.get("Properties").unwrap_or(&none))?;
        fields
            .only(&["AuthType", "Cors", "InvokeMode", "TargetFunctionArn"], &[("Qualifier", "there is one version")])?;
        let function = mapping::function_at(self, &fields, "TargetFunctionArn")?;
        self.url(id, &function, &fields, entry.position.line)
    }

    fn url(&mut self, id: &str, function: &str, fields: &Fields<'_, '_>, line: usize) -> Result<(), Fault> {
        fields.required("AuthType")?;
        if fields.word("AuthType", &["NONE", "AWS_IAM"])? == Some("AWS_IAM") {
            let message = format!("{}.AuthType: signatures of IAM are not checked here; the URL is open", fields.what);
            self.warn(id, fields.place("AuthType"), message);
        }
        if let Some(first) = self.app.urls.iter().find(|url| url.function == function) {
            let message = format!("{}: {function} already has a URL, {}", fields.what, first.logical_id);
            return Err(Fault::new(fields.position, message));
        }
        let streams = fields.word("InvokeMode", &["BUFFERED", "RESPONSE_STREAM"])? == Some("RESPONSE_STREAM");
        let cors = fields.nested("Cors", api::cors_properties)?;
        self.app.urls.push(UrlSpec {
            logical_id: id.to_owned(),
            function: function.to_owned(),
            port: self.scope.ports.get(id).copied().unwrap_or(FIRST_URL_PORT),
            port_variable: names::port_variable(id),
            streams,
            cors,
            line,
        });
        Ok(())
    }
}
