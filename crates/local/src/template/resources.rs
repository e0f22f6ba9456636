//! The template's sections and the dispatch over resource types.

use std::{cell::Cell, collections::BTreeMap};

use super::{
    Options, asynchronous,
    error::Fault,
    function, globals, ignored,
    intrinsics::{FOR_EACH, Scope},
    kafka,
    metadata::Millrace,
    mq,
    node::{Entry, Node, Position},
    outline,
    parameters::{self, REGION},
    ports, rules, schedules,
    spec::{Application, Destination, TopicSpec, Warning},
};

/// The API that SAM makes for `HttpApi` events without an `ApiId`.
pub(super) const IMPLICIT_API: &str = "ServerlessHttpApi";

const SECTIONS: [&str; 9] = [
    "AWSTemplateFormatVersion",
    "Transform",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Globals",
    "Rules",
];
/// `Outputs` are what a deploy prints; `Hooks` guard one.
const IGNORED_SECTIONS: [&str; 2] = ["Outputs", "Hooks"];

/// What is read so far, and what it is read with.
pub(super) struct Reader<'s, 'a> {
    /// Values of references.
    pub scope: &'s Scope<'a>,
    /// The result.
    pub app: Application,
    /// Where each topic was declared.
    topic_lines: BTreeMap<String, Position>,
}

/// Reads a whole template.
///
/// # Errors
/// The first place that is wrong or not supported.
pub(super) fn read(root: &Node, options: &Options) -> Result<Application, Fault> {
    check_sections(root)?;
    let queues_at = options.environment.get("AWS_ENDPOINT_URL").map(|url| url.trim_end_matches('/').to_owned());
    let scope = Scope {
        root,
        parameters: parameters::read(root, options)?,
        ports: BTreeMap::new(),
        queues_at: queues_at.unwrap_or_else(|| format!("https://sqs.{REGION}.amazonaws.com")),
        depth: Cell::new(0),
        steps: Cell::new(0),
    };
    rules::check(&scope)?;
    for condition in root.get("Conditions").and_then(Node::as_mapping).unwrap_or_default() {
        scope.condition(&condition.key, condition.position)?;
    }
    let resources = active(&scope)?;
    let ports = ports::read(&scope, &resources, options)?;
    let scope = Scope { ports, ..scope };
    let mut reader = Reader { scope: &scope, app: Application::default(), topic_lines: BTreeMap::new() };
    // Functions and APIs first: triggers refer to them wherever they stand.
    let is_api = |kind: &str| kind == "AWS::Serverless::HttpApi";
    for (entry, _) in resources.iter().filter(|(_, kind)| is_api(kind)) {
        reader.api(entry)?;
    }
    reader.implicit_api()?;
    for (entry, kind) in resources.iter().filter(|(_, kind)| !is_api(kind)) {
        reader.resource(entry, kind)?;
    }
    reader.check_names()?;
    for (entry, kind) in &resources {
        match *kind {
            "AWS::Serverless::Function" => reader.events(entry)?,
            "AWS::Events::Rule" => schedules::rule(&mut reader, entry)?,
            "AWS::Lambda::EventInvokeConfig" => asynchronous::raw(&mut reader, entry)?,
            "AWS::Lambda::EventSourceMapping" => kafka::raw(&mut reader, entry)?,
            "AWS::Lambda::Url" => reader.raw_url(entry)?,
            "AWS::SNS::Subscription" => reader.subscription(entry)?,
            "AWS::Scheduler::Schedule" => schedules::raw(&mut reader, entry)?,
            _ => {}
        }
    }
    reader.app.outline = outline::read(reader.scope, &resources)?;
    reader.finish()
}

fn check_sections(root: &Node) -> Result<(), Fault> {
    let entries = root.as_mapping().ok_or_else(|| Fault::value("the template", root, "a mapping with Resources"))?;
    for entry in entries {
        let key = entry.key.as_str();
        match key {
            "Transform" => check_transform(&entry.value)?,
            "Globals" => globals::check(&entry.value)?,
            "Resources" => {}
            _ if SECTIONS.contains(&key) || IGNORED_SECTIONS.contains(&key) => {}
            _ => {
                let message = format!("{key} is not supported; supported: Resources, {}", SECTIONS.join(", "));
                return Err(Fault::new(entry.position, message));
            }
        }
    }
    match root.get("Resources") {
        Some(resources) if resources.as_mapping().is_some_and(|entries| !entries.is_empty()) => Ok(()),
        Some(resources) => Err(Fault::value("Resources", resources, "a mapping with at least one resource")),
        None => Err(Fault::new(root.position, "the template has no Resources")),
    }
}

fn check_transform(node: &Node) -> Result<(), Fault> {
    let all = node.as_sequence().unwrap_or(std::slice::from_ref(node));
    if let Some(extensions) = all.iter().find(|transform| transform.as_text() == Some("AWS::LanguageExtensions")) {
        let message = "Transform: AWS::LanguageExtensions is not supported: no Fn::ForEach, Fn::Length, \
                       Fn::ToJsonString, no DefaultValue in Fn::FindInMap";
        return Err(Fault::new(extensions.position, message));
    }
    match all.iter().find(|transform| transform.as_text() != Some("AWS::Serverless-2016-10-31")) {
        Some(other) => Err(Fault::value("Transform", other, "AWS::Serverless-2016-10-31")),
        None => Ok(()),
    }
}

/// The resources whose condition holds, with their types.
fn active<'n>(scope: &Scope<'n>) -> Result<Vec<(&'n Entry, &'n str)>, Fault> {
    const KEYS: [&str; 4] = ["Type", "Properties", "Metadata", "Condition"];
    let mut found = Vec::new();
    for entry in scope.root.get("Resources").and_then(Node::as_mapping).unwrap_or_default() {
        let id = &entry.key;
        if id.starts_with("Fn::ForEach") {
            return Err(Fault::new(entry.position, FOR_EACH));
        }
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(Fault::new(
                entry.position,
                format!("\"{id}\" is no logical id; it has letters and digits only"),
            ));
        }
        let keys = entry.value.as_mapping().ok_or_else(|| Fault::value(id, &entry.value, "a mapping with Type"))?;
        for key in keys {
            let name = key.key.as_str();
            if !KEYS.contains(&name) && !ignored::RESOURCE_KEYS.iter().any(|(key, _)| *key == name) {
                let message = format!("{id}: {name} is not supported; supported: {}", KEYS.join(", "));
                return Err(Fault::new(key.position, message));
            }
        }
        let kind = entry.value.get("Type").and_then(Node::as_text);
        let kind = kind.ok_or_else(|| Fault::new(entry.position, format!("{id}: Type is missing")))?;
        let holds = match entry.value.get("Condition") {
            Some(condition) => scope.named_condition(condition)?,
            None => true,
        };
        if holds {
            found.push((entry, kind));
        }
    }
    Ok(found)
}

impl Reader<'_, '_> {
    fn resource(&mut self, entry: &Entry, kind: &str) -> Result<(), Fault> {
        match kind {
            "AWS::Serverless::Function" => function::read(self, entry),
            "AWS::Events::Rule"
            | "AWS::Lambda::EventInvokeConfig"
            | "AWS::Lambda::EventSourceMapping"
            | "AWS::Lambda::Url"
            | "AWS::SNS::Subscription"
            | "AWS::Scheduler::Schedule" => Ok(()),
            "AWS::SQS::Queue" => self.queue(entry),
            "AWS::SNS::Topic" => self.sns_topic(entry),
            "AWS::S3::Bucket" => {
                let name = self.scope.reference(&Node::text(&entry.key, entry.position))?;
                self.app.buckets.extend(name.as_ref().and_then(Node::as_text).map(str::to_owned));
                Ok(())
            }
            "AWS::AmazonMQ::Broker" => mq::broker(self, entry),
            _ if ignored::RESOURCES.iter().any(|(name, _)| *name == kind) => Ok(()),
            _ => {
                let hint = match kind {
                    "AWS::Serverless::Api" => " (REST APIs are not; use AWS::Serverless::HttpApi)",
                    "AWS::Lambda::Function" => " (use AWS::Serverless::Function)",
                    _ => "",
                };
                let place = entry.value.get("Type").map_or(entry.position, |node| node.position);
                let message = format!(
                    "{}: {kind} is not supported{hint}; supported: AWS::Serverless::Function, AWS::Serverless::HttpApi, AWS::Lambda::Url, \
                     AWS::Lambda::EventSourceMapping (Kafka, Amazon MQ), AWS::Scheduler::Schedule, AWS::Events::Rule (with a schedule), AWS::S3::Bucket, AWS::SQS::Queue, AWS::SNS::Topic, \
                     AWS::AmazonMQ::Broker (RabbitMQ); {} more types, \
                     which have no effect here, are ignored",
                    entry.key,
                    ignored::RESOURCES.len()
                );
                Err(Fault::new(place, message))
            }
        }
    }

    /// Declares the topics of a resource's metadata.
    ///
    /// # Errors
    /// The same topic with other partitions or another configuration.
    pub(super) fn declare_topics(&mut self, millrace: &Millrace) -> Result<(), Fault> {
        for (name, (topic, position)) in &millrace.topics {
            match self.app.topics.get(name) {
                Some(first) if first != topic => {
                    let line = self.topic_lines.get(name).map_or(0, |position| position.line);
                    let message = format!("topic {name} is declared otherwise on line {line}");
                    return Err(Fault::new(*position, message));
                }
                Some(_) => {}
                None => {
                    self.app.topics.insert(name.clone(), topic.clone());
                    self.topic_lines.insert(name.clone(), *position);
                }
            }
        }
        Ok(())
    }

    /// Notes a setting that has an effect on AWS and none here.
    pub(super) fn warn(&mut self, resource: &str, position: Position, message: String) {
        self.app.warnings.push(Warning { resource: resource.to_owned(), place: position.into(), message });
    }

    fn check_names(&self) -> Result<(), Fault> {
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for function in self.app.functions.values() {
            if let Some(first) = names.insert(&function.name, &function.logical_id) {
                let message = format!("{} and {first} have the same name, {}", function.logical_id, function.name);
                return Err(Fault::new(Position { line: function.line, column: 3 }, message));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Application, Fault> {
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for schedule in &self.app.schedules {
            if let Some(first) = names.insert(&schedule.name, &schedule.function) {
                let message =
                    format!("two schedules are called {}, the first one of {first}; give one a Name", schedule.name);
                return Err(Fault::new(Position { line: schedule.line, column: 1 }, message));
            }
        }
        for mapping in &self.app.kafka_mappings {
            let failed = match &mapping.on_failure {
                Some(Destination::KafkaTopic(topic)) => Some(topic),
                _ => None,
            };
            for topic in failed.into_iter().chain([&mapping.topic]) {
                if !self.app.topics.contains_key(topic) {
                    self.app.topics.insert(topic.clone(), TopicSpec { partitions: 1, config: BTreeMap::new() });
                }
            }
        }
        self.finish_apis()?;
        Ok(self.app)
    }
}
