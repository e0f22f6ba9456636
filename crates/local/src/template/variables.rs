//! A function's environment and logging, by Lambda's rules.

use std::collections::BTreeMap;

use super::{
    error::Fault,
    fields::Fields,
    spec::{LoggingSpec, SystemLogLevel},
};

/// What Lambda sets itself and refuses to have set.
const RESERVED: [&str; 19] = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
];

/// Lambda's limit for all variables of a function, measured as JSON.
const LIMIT: usize = 4096;

/// Reads `Environment.Variables`.
///
/// # Errors
/// A name that is none or that Lambda keeps for itself, or more than 4 KB.
pub(super) fn read(fields: &Fields<'_, '_>) -> Result<BTreeMap<String, String>, Fault> {
    let mut variables = BTreeMap::new();
    for entry in fields.entries() {
        let name = entry.key.as_str();
        if RESERVED.contains(&name) {
            let message = format!(
                "{}: {name} is one of the reserved keys, which Lambda does not let a function set",
                fields.what
            );
            return Err(Fault::new(entry.position, message));
        }
        let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
        if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let message = format!(
                "{}: \"{name}\" is no name; it begins with a letter and has letters, digits and _",
                fields.what
            );
            return Err(Fault::new(entry.position, message));
        }
        // NoValue leaves the variable out; nothing at all after the colon is the empty text.
        match fields.get(name)? {
            Some(node) if node.is_null() => drop(variables.insert(name.to_owned(), String::new())),
            Some(_) => drop(variables.insert(name.to_owned(), fields.required(name)?)),
            None => {}
        }
    }
    let size = serde_json::to_string(&variables).map_or(0, |json| json.len());
    if size > LIMIT {
        let message = format!("{}: the variables have {size} bytes as JSON, Lambda takes {LIMIT} (4 KB)", fields.what);
        return Err(Fault::new(fields.position, message));
    }
    Ok(variables)
}

/// Reads `LoggingConfig`.
///
/// # Errors
/// An unknown format or level, or a level without `LogFormat: JSON`, which Lambda refuses too.
pub(super) fn logging(function: &Fields<'_, '_>) -> Result<LoggingSpec, Fault> {
    let read = |fields: &Fields<'_, '_>| {
        fields.only(&["LogFormat", "ApplicationLogLevel", "SystemLogLevel"], &[("LogGroup", "logs are files")])?;
        let json = fields.word("LogFormat", &["JSON", "Text"])? == Some("JSON");
        for level in ["ApplicationLogLevel", "SystemLogLevel"] {
            if !json && fields.has(level)? {
                return Err(fields.fault(level, format!("{level} needs LogFormat: JSON")));
            }
        }
        let application = fields
            .word("ApplicationLogLevel", &["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])?
            .unwrap_or("INFO");
        let system_level = match fields.word("SystemLogLevel", &["DEBUG", "INFO", "WARN"])? {
            Some("DEBUG") => SystemLogLevel::Debug,
            Some("WARN") => SystemLogLevel::Warn,
            _ => SystemLogLevel::Info,
        };
        Ok(LoggingSpec { json, application_level: application.to_owned(), system_level })
    };
    let plain = LoggingSpec { json: false, application_level: "INFO".to_owned(), system_level: SystemLogLevel::Info };
    Ok(function.nested("LoggingConfig", read)?.unwrap_or(plain))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::template::{Options, parse, spec::SystemLogLevel};

    fn read(properties: &str) -> Result<crate::template::spec::FunctionSpec, String> {
        let text = format!(
            "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: f/\n      {properties}\n"
        );
        let read = parse(&text, Path::new("t.yaml"), &Options::default());
        read.map(|application| application.functions["F"].clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn reserved_names_are_refused_with_their_place() {
        let error = read("Environment: {Variables: {GOOD: a, AWS_REGION: eu-west-1}}").unwrap_err();
        assert!(error.contains("AWS_REGION is one of the reserved keys") && error.contains("7:42"), "{error}");
        assert!(read("Environment: {Variables: {TZ: Europe/Berlin, LANG: C, PATH: /bin}}").is_ok());
    }

    #[test]
    fn four_kilobytes_of_environment_are_the_limit() {
        let fits = format!("Environment: {{Variables: {{AA: {}}}}}", "x".repeat(4096 - r#"{"AA":""}"#.len()));
        assert!(read(&fits).is_ok());
        let error = read(&fits.replace("AA: ", "AAA: ")).unwrap_err();
        assert!(error.contains("4097 bytes"), "{error}");
    }

    #[test]
    fn levels_need_the_json_format() {
        let logging =
            read("LoggingConfig: {LogFormat: JSON, ApplicationLogLevel: DEBUG, SystemLogLevel: WARN}").unwrap().logging;
        assert_eq!(
            (logging.json, logging.application_level.as_str(), logging.system_level),
            (true, "DEBUG", SystemLogLevel::Warn)
        );
        assert!(!read("Timeout: 3").unwrap().logging.json);
        assert!(
            read("LoggingConfig: {LogFormat: Text, SystemLogLevel: WARN}")
                .unwrap_err()
                .contains("needs LogFormat: JSON")
        );
    }
}
