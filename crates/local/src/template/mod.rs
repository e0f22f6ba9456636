//! The SAM template: YAML text -> [`node::Node`]s with their places -> the resolved [`spec::Application`].
//!
//! What is not understood is an error with line and column, never ignored. What has no effect on one machine is on the
//! lists of [`ignored`], each with its reason.

mod access;
mod api;
mod asynchronous;
mod authorizers;
mod conditions;
mod constraints;
mod destinations;
mod error;
mod fields;
mod filters;
mod function;
mod globals;
mod ignored;
mod intrinsics;
mod kafka;
mod lists;
mod mapping;
mod messaging;
mod metadata;
mod mq;
#[cfg(test)]
mod mutated;
pub mod names;
mod node;
mod outline;
mod parameters;
mod ports;
mod references;
#[cfg(test)]
mod refusals;
mod resources;
mod rules;
mod schedules;
#[cfg(test)]
mod snapshots;
pub mod spec;
#[cfg(test)]
mod tests;
mod urls;
mod variables;
mod yaml;

use std::{collections::BTreeMap, path::Path};

pub use error::TemplateError;
pub use parameters::{ACCOUNT, REGION};
use spec::Application;

/// What a template is read with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Values of parameters, over everything else.
    pub parameters: BTreeMap<String, String>,
    /// Variables of the running stack: ports, and the parameters that `Metadata.Millrace.Parameters` maps.
    pub environment: BTreeMap<String, String>,
}

/// Reads a template.
///
/// # Errors
/// The file cannot be read, is no YAML, or asks for what cannot be had here; the first such place is named.
pub fn load(path: &Path, options: &Options) -> Result<Application, TemplateError> {
    let text =
        std::fs::read_to_string(path).map_err(|error| TemplateError::Read { path: path.to_path_buf(), error })?;
    parse(&text, path, options)
}

/// Any YAML file of ours as JSON, read by the same parser as the template.
///
/// # Errors
/// The text is no YAML.
pub fn yaml_to_json(text: &str, path: &Path) -> Result<serde_json::Value, TemplateError> {
    yaml::parse(text).map(|node| node.to_json()).map_err(|fault| TemplateError::At {
        path: path.to_path_buf(),
        line: fault.position.line,
        column: fault.position.column,
        message: fault.message,
    })
}

/// As [`load`], for a text that is already read; `path` is only shown.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path, options: &Options) -> Result<Application, TemplateError> {
    let read = || resources::read(&yaml::parse(text)?, options);
    read().map_err(|fault| TemplateError::At {
        path: path.to_path_buf(),
        line: fault.position.line,
        column: fault.position.column,
        message: fault.message,
    })
}
