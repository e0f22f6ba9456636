//! What `Ref` and `Fn::GetAtt` of a parameter or a resource give locally.

use super::{
    error::Fault,
    intrinsics::Scope,
    names,
    node::{Node, Position},
    parameters::{ACCOUNT, REGION, Value},
    resources::IMPLICIT_API,
};
use crate::schedule::event::rule_arn;

impl Scope<'_> {
    /// `Ref`: a parameter's value, or what names a resource. `None` for `AWS::NoValue`.
    ///
    /// # Errors
    /// A name that is neither, or that has no local value.
    pub(super) fn reference(&self, argument: &Node) -> Result<Option<Node>, Fault> {
        let position = argument.position;
        let Some(name) = argument.as_text() else {
            return Err(Fault::new(position, format!("Ref takes a name, found {}", argument.describe())));
        };
        match self.parameters.get(name) {
            Some(Value::Text(text)) => return Ok(Some(Node::text(text, position))),
            Some(Value::List(values)) => {
                let items = values.iter().map(|value| Node::text(value, position)).collect();
                return Ok(Some(Node::sequence(items, position)));
            }
            Some(Value::Nothing) => return Ok(None),
            Some(Value::Missing(why)) => {
                return Err(Fault::new(position, format!("parameter {name} is needed here: {why}")));
            }
            None => {}
        }
        let value = self.nested(position, || match self.resource(name, position)? {
            Target::Function => self.function_name(name).map(Some),
            Target::Api => Ok(Some(name.to_owned())),
            Target::Url => Ok(self.property(name, "TargetFunctionArn")?.map(|(arn, _)| arn)),
            Target::Mapping => Ok(Some(names::mapping_uuid(name))),
            Target::Schedule(given) => Ok(Some(given)),
            Target::Named { kind, name } => Ok(match kind {
                Named::Bucket | Named::Role | Named::Group | Named::Rule => Some(name),
                // As on AWS, `Ref` of a queue is its URL, and of a topic its ARN.
                Named::Queue => Some(format!("{}/{ACCOUNT}/{name}", self.queues_at)),
                Named::Topic => Some(names::sns_arn(&name)),
                Named::Secret => Some(secret_arn(&name)),
                Named::Broker => Some(names::broker_id(&name)),
            }),
            Target::Other => Ok(None),
        })?;
        match value {
            Some(text) => Ok(Some(Node::text(text, position))),
            None => Err(self.no_value(name, "Ref", position)),
        }
    }

    /// `Fn::GetAtt`.
    ///
    /// # Errors
    /// No such resource, or an attribute without a local value.
    pub(super) fn attribute(&self, id: &str, attribute: &str, position: Position) -> Result<Node, Fault> {
        let value = self.nested(position, || {
            let target = self.resource(id, position)?;
            Ok(match (target, attribute) {
                (Target::Function, "Arn") => Some(names::function_arn(&self.function_name(id)?)),
                (Target::Api, "ApiEndpoint") => self.ports.get(id).map(|port| format!("http://localhost:{port}")),
                (Target::Url, "FunctionUrl") => self.ports.get(id).map(|port| format!("http://localhost:{port}/")),
                (Target::Url, "FunctionArn") => self.property(id, "TargetFunctionArn")?.map(|(arn, _)| arn),
                (Target::Api, "ApiId") => Some(id.to_owned()),
                (Target::Mapping, "Id") => Some(names::mapping_uuid(id)),
                (Target::Mapping, "EventSourceMappingArn") => {
                    let uuid = names::mapping_uuid(id);
                    Some(format!("arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{uuid}"))
                }
                (Target::Schedule(name), "Arn") => Some(names::schedule_arn(&name)),
                (Target::Named { kind, name }, attribute) => match (kind, attribute) {
                    (Named::Bucket, "Arn") => Some(format!("arn:aws:s3:::{name}")),
                    (Named::Queue, "Arn") => Some(names::sqs_arn(&name)),
                    (Named::Queue, "QueueName") | (Named::Topic, "TopicName") => Some(name),
                    (Named::Queue, "QueueUrl") => Some(format!("{}/{ACCOUNT}/{name}", self.queues_at)),
                    (Named::Topic, "TopicArn") => Some(names::sns_arn(&name)),
                    (Named::Rule, "Arn") => Some(rule_arn(REGION, ACCOUNT, &name)),
                    (Named::Role, "Arn") => Some(format!("arn:aws:iam::{ACCOUNT}:role/{name}")),
                    (Named::Secret, "Id" | "Arn") => Some(secret_arn(&name)),
                    (Named::Broker, "Arn") => Some(names::broker_arn(&name)),
                    (Named::Group, "Arn") => {
                        Some(format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{name}"))
                    }
                    _ => None,
                },
                _ => None,
            })
        })?;
        match value {
            Some(text) => Ok(Node::text(text, position)),
            None => Err(self.no_value(id, &format!("Fn::GetAtt {attribute}"), position)),
        }
    }

    /// The name of a function: `FunctionName`, or the logical id in kebab-case.
    ///
    /// # Errors
    /// A name that cannot be resolved, or that Lambda would refuse.
    pub(super) fn function_name(&self, id: &str) -> Result<String, Fault> {
        let given = self.property(id, "FunctionName")?;
        let Some((name, position)) = given else { return Ok(names::kebab(id)) };
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
            let message =
                format!("{id}.FunctionName: \"{name}\" is not accepted; accepted: 1 to 64 of a-z A-Z 0-9 - _");
            return Err(Fault::new(position, message));
        }
        Ok(name)
    }

    fn no_value(&self, id: &str, what: &str, position: Position) -> Fault {
        let kind =
            self.root.get("Resources").and_then(|r| r.get(id)).and_then(|r| r.get("Type")).and_then(Node::as_text);
        let kind = kind.unwrap_or("resource of SAM's own");
        Fault::new(position, format!("{what} of {id} ({kind}) has no local value; use a parameter with a default"))
    }

    /// A text property of a resource, with its place.
    fn property(&self, id: &str, key: &str) -> Result<Option<(String, Position)>, Fault> {
        let resource = self.root.get("Resources").and_then(|resources| resources.get(id));
        let Some(node) = resource.and_then(|r| r.get("Properties")).and_then(|p| p.get(key)) else {
            return Ok(None);
        };
        match self.resolve(node)? {
            Some(value) => match value.as_text() {
                Some(text) => Ok(Some((text.to_owned(), node.position))),
                None => Err(Fault::value(&format!("{id}.{key}"), &value, "text")),
            },
            None => Ok(None),
        }
    }

    fn named(&self, kind: Named, id: &str, key: &str) -> Result<Target, Fault> {
        let name = match self.property(id, key)? {
            Some((name, _)) => name,
            None => format!("millrace-{}", names::kebab(id)),
        };
        Ok(Target::Named { kind, name })
    }

    /// The name of a queue or topic; that of a FIFO one ends in `.fifo`.
    ///
    /// # Errors
    /// A name that cannot be resolved or does not fit.
    pub(super) fn messaging_name(&self, id: &str, key: &str, fifo: &str) -> Result<String, Fault> {
        let is_fifo = self.property(id, fifo)?.is_some_and(|(value, _)| value.eq_ignore_ascii_case("true"));
        let suffix = if is_fifo { ".fifo" } else { "" };
        let Some((name, position)) = self.property(id, key)? else {
            return Ok(format!("millrace-{}{suffix}", names::kebab(id)));
        };
        let stem = name.strip_suffix(".fifo").unwrap_or(&name);
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if stem.is_empty() || name.len() > 256 || !stem.chars().all(fine) || is_fifo != name.ends_with(".fifo") {
            let message = format!(
                "{id}.{key}: \"{name}\" is not accepted; accepted: a-z A-Z 0-9 - _, and .fifo at the end with {fifo}: true"
            );
            return Err(Fault::new(position, message));
        }
        Ok(name)
    }

    fn resource(&self, id: &str, position: Position) -> Result<Target, Fault> {
        let resources = self.root.get("Resources");
        let Some(resource) = resources.and_then(|resources| resources.get(id)) else {
            return self.generated(id).ok_or_else(|| Fault::new(position, format!("no parameter or resource {id}")));
        };
        if let Some(condition) = resource.get("Condition")
            && !self.named_condition(condition)?
        {
            let condition = condition.as_text().unwrap_or_default();
            return Err(Fault::new(position, format!("{id} is not there, because its condition {condition} is false")));
        }
        let kind = resource.get("Type").and_then(Node::as_text).unwrap_or_default();
        match kind {
            "AWS::Serverless::Function" => Ok(Target::Function),
            "AWS::Serverless::HttpApi" => Ok(Target::Api),
            "AWS::Lambda::Url" => Ok(Target::Url),
            "AWS::Lambda::EventSourceMapping" => Ok(Target::Mapping),
            "AWS::Scheduler::Schedule" => {
                let given = self.property(id, "Name")?;
                Ok(Target::Schedule(given.map_or_else(|| names::kebab(id), |(name, _)| name)))
            }
            "AWS::Events::Rule" => {
                let name = self.property(id, "Name")?.map_or_else(|| names::kebab(id), |(name, _)| name);
                Ok(Target::Named { kind: Named::Rule, name })
            }
            "AWS::Scheduler::ScheduleGroup" => self.named(Named::Group, id, "Name"),
            "AWS::S3::Bucket" => self.named(Named::Bucket, id, "BucketName"),
            "AWS::SQS::Queue" => {
                let name = self.messaging_name(id, "QueueName", "FifoQueue")?;
                Ok(Target::Named { kind: Named::Queue, name })
            }
            "AWS::SNS::Topic" => {
                let name = self.messaging_name(id, "TopicName", "FifoTopic")?;
                Ok(Target::Named { kind: Named::Topic, name })
            }
            "AWS::IAM::Role" => self.named(Named::Role, id, "RoleName"),
            "AWS::AmazonMQ::Broker" => self.named(Named::Broker, id, "BrokerName"),
            "AWS::SecretsManager::Secret" => self.named(Named::Secret, id, "Name"),
            _ => Ok(Target::Other),
        }
    }

    /// Resources that SAM makes: a function's role, the mapping or schedule of an event, the implicit API.
    fn generated(&self, id: &str) -> Option<Target> {
        if id == IMPLICIT_API && self.ports.contains_key(id) {
            return Some(Target::Api);
        }
        // What SAM makes of a FunctionUrlConfig.
        if self.ports.contains_key(id) {
            return Some(Target::Url);
        }
        let resources = self.root.get("Resources")?.as_mapping()?;
        let functions = resources
            .iter()
            .filter(|entry| entry.value.get("Type").and_then(Node::as_text) == Some("AWS::Serverless::Function"));
        for function in functions {
            let Some(rest) = id.strip_prefix(function.key.as_str()) else { continue };
            let events = function.value.get("Properties").and_then(|properties| properties.get("Events"));
            let event = events.and_then(|events| events.get(rest));
            match event.and_then(|event| event.get("Type")).and_then(Node::as_text) {
                Some("MQ" | "MSK" | "SelfManagedKafka") => return Some(Target::Mapping),
                Some("ScheduleV2") => {
                    let name = event.and_then(|event| event.get("Properties")).and_then(|p| p.get("Name"));
                    let given = name.and_then(|name| self.resolve_text(name).ok());
                    let default =
                        || Some(format!("{}-{}", self.function_name(&function.key).ok()?, names::kebab(rest)));
                    return given.or_else(default).map(Target::Schedule);
                }
                _ if rest == "Role" => {
                    let name = format!("millrace-{}", names::kebab(id));
                    return Some(Target::Named { kind: Named::Role, name });
                }
                _ => {}
            }
        }
        None
    }
}

fn secret_arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}")
}

enum Target {
    Function,
    Api,
    Url,
    Mapping,
    /// With its name.
    Schedule(String),
    Named {
        kind: Named,
        name: String,
    },
    Other,
}

#[derive(Clone, Copy)]
enum Named {
    Rule,
    Broker,
    Bucket,
    Queue,
    Topic,
    Role,
    Secret,
    Group,
}
