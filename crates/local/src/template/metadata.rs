//! `Metadata: Millrace:` of a resource: what AWS has no property for.

use std::collections::BTreeMap;

use super::{error::Fault, fields::Fields, intrinsics::Scope, node::Node, spec::TopicSpec};

/// The `Millrace` section of a resource's metadata.
#[derive(Debug, Default)]
pub(super) struct Millrace {
    /// `System`.
    pub system: Option<String>,
    /// `Services`.
    pub services: Vec<String>,
    /// `RunOnUp`.
    pub run_on_up: bool,
    /// `Port`.
    pub port: Option<u16>,
    /// `Topics`, each with its line.
    pub topics: BTreeMap<String, (TopicSpec, super::node::Position)>,
}

/// Reads the section; `accepted` are the keys that mean something for this type of resource.
///
/// # Errors
/// Another key, or a value of the wrong kind.
pub(super) fn read(scope: &Scope<'_>, id: &str, resource: &Node, accepted: &[&str]) -> Result<Millrace, Fault> {
    let Some(node) = resource.get("Metadata").and_then(|metadata| metadata.get("Millrace")) else {
        return Ok(Millrace::default());
    };
    let fields = Fields::new(scope, format!("{id}.Metadata.Millrace"), node)?;
    fields.only(accepted, &[("Allow", "read with the outline")])?;
    let topics = fields.nested("Topics", |topics| {
        let names = topics.entries().iter().map(|entry| entry.key.as_str());
        names
            .map(|name| {
                let topic = topics.nested(name, |topic| topic_spec(name, topic))?;
                let topic = topic.unwrap_or_else(|| TopicSpec { partitions: 1, config: BTreeMap::new() });
                Ok((name.to_owned(), (topic, topics.place(name))))
            })
            .collect::<Result<BTreeMap<_, _>, Fault>>()
    })?;
    Ok(Millrace {
        system: fields.text("System")?,
        services: fields.texts("Services")?,
        run_on_up: fields.boolean("RunOnUp")?.unwrap_or(false),
        port: fields.integer("Port", 1..=65_535)?.and_then(|port| u16::try_from(port).ok()),
        topics: topics.unwrap_or_default(),
    })
}

fn topic_spec(name: &str, fields: &Fields<'_, '_>) -> Result<TopicSpec, Fault> {
    fields.only(&["Partitions", "Config"], &[])?;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.len() > 249 || !name.chars().all(fine) || matches!(name, "." | "..") {
        let message = format!("{}: a topic's name is 1 to 249 of a-z A-Z 0-9 . _ -", fields.what);
        return Err(Fault::new(fields.position, message));
    }
    let partitions = fields.count("Partitions", 1..=10_000)?.and_then(|count| i32::try_from(count).ok()).unwrap_or(1);
    let config = fields.nested("Config", |config| {
        let keys = config.entries().iter().map(|entry| entry.key.as_str());
        keys.map(|key| Ok((key.to_owned(), config.required(key)?))).collect::<Result<BTreeMap<_, _>, Fault>>()
    })?;
    Ok(TopicSpec { partitions, config: config.unwrap_or_default() })
}
