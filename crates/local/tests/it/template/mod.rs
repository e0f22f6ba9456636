//! How a template is read: CloudFormation's and SAM's rules, without a process or a broker.

pub(crate) mod defaults;
pub(crate) mod merging;
pub(crate) mod parameters;
pub(crate) mod refusals;

use std::{collections::BTreeMap, path::Path};

use millrace::template::{self, Options, spec::Application};

/// What a template means, with these parameters.
fn read_with(text: &str, parameters: &[(&str, &str)]) -> Result<Application, String> {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let options = Options { parameters, environment: BTreeMap::new() };
    template::parse(text, Path::new("t.yaml"), &options).map_err(|error| error.to_string())
}

fn read(text: &str) -> Application {
    read_with(text, &[]).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn refused(text: &str) -> String {
    match read_with(text, &[]) {
        Ok(_) => panic!("it is accepted:\n{text}"),
        Err(error) => error,
    }
}

/// Sections before a function `F`, whose further properties are in one line.
fn function(sections: &str, properties: &str) -> String {
    format!(
        "{sections}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {{Runtime: provided.al2023, CodeUri: f/, {properties}}}\n"
    )
}

/// The variable `A` of the function `F`, where it has this value.
fn variable(sections: &str, value: &str) -> Option<String> {
    let text = function(sections, &format!("Environment: {{Variables: {{A: {value}}}}}"));
    read(&text).functions["F"].environment.get("A").cloned()
}
