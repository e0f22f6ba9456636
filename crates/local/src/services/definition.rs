//! `localstack/services.yaml`: what services there are, their ports, and what they give to others.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;

use crate::{ports::Wanted, template};

/// Where a checkout has its definitions.
const FILE: &str = "localstack/services.yaml";

/// The whole file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definitions {
    /// By name.
    pub services: BTreeMap<String, ServiceDefinition>,
    /// Further variables for `millrace env`.
    #[serde(default)]
    pub exports: BTreeMap<String, String>,
    /// Files that `millrace env` writes into the instance's folder, by path, with variables expanded.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The folder of the file, where the scripts are.
    #[serde(skip)]
    pub dir: PathBuf,
}

/// One service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceDefinition {
    /// For people.
    pub description: String,
    /// In the same folder, called as `bash SCRIPT VERB`.
    pub script: String,
    /// Its ports by their variables, with their usual values.
    pub ports: BTreeMap<String, u16>,
    /// The variable that names an endpoint which is already there.
    pub replaced_by: Option<String>,
    /// Variables with the login at that endpoint. The service itself has none, so they are left out beside it.
    #[serde(default)]
    pub login: Vec<String>,
    /// Variables that functions and `millrace env` get.
    #[serde(default)]
    pub provides: BTreeMap<String, String>,
    /// For people and for `millrace status`.
    pub address: String,
    /// Whether the script has the verb `prepare`.
    #[serde(default)]
    pub prepare: bool,
    /// Whether `up` starts it only for what needs it.
    #[serde(default)]
    pub on_demand: bool,
}

impl ServiceDefinition {
    /// The endpoint that is there already, with the variable that names it.
    pub(super) fn replacement<'a>(&'a self, environment: &'a BTreeMap<String, String>) -> Option<(&'a str, &'a str)> {
        let variable = self.replaced_by.as_deref()?;
        environment.get(variable).map(|value| (variable, value.as_str()))
    }

    /// Whether the environment names an endpoint that is there already.
    #[must_use]
    pub fn is_replaced(&self, environment: &BTreeMap<String, String>) -> bool {
        self.replacement(environment).is_some()
    }
}

impl Definitions {
    /// Reads `services.yaml`.
    ///
    /// # Errors
    /// When the file is missing or malformed.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let tree = template::yaml_to_json(&text, path)?;
        let mut definitions: Self =
            serde_json::from_value(tree).with_context(|| format!("understand {}", path.display()))?;
        let path = path.canonicalize().with_context(|| format!("find {}", path.display()))?;
        definitions.dir = path.parent().unwrap_or(Path::new(".")).to_owned();
        Ok(definitions)
    }

    /// The definitions for a template in `root`: those beside it, else those of the checkout that `MILLRACE_ROOT` names,
    /// else those of the checkout that this program was built from. `None` where there are none.
    ///
    /// # Errors
    /// When a file is there and malformed, or `MILLRACE_ROOT` names a folder without one.
    pub fn find(root: &Path, environment: &BTreeMap<String, String>) -> anyhow::Result<Option<Self>> {
        let beside = root.join(FILE);
        if beside.is_file() {
            return Self::load(&beside).map(Some);
        }
        if let Some(named) = environment.get("MILLRACE_ROOT") {
            let path = Path::new(named).join(FILE);
            return Self::load(&path).context("MILLRACE_ROOT is not a checkout of Millrace").map(Some);
        }
        let program = std::env::current_exe().unwrap_or_default();
        let above = program.ancestors().skip(1).map(Path::to_owned);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let found = above.chain([source]).map(|checkout| checkout.join(FILE)).find(|path| path.is_file());
        found.map(|path| Self::load(&path)).transpose()
    }

    /// The repository that the scripts belong to.
    #[must_use]
    pub fn checkout(&self) -> &Path {
        self.dir.parent().unwrap_or(&self.dir)
    }

    /// The service that gives this variable to others.
    #[must_use]
    pub fn providing(&self, variable: &str) -> Option<&str> {
        let provides = |definition: &ServiceDefinition| definition.provides.contains_key(variable);
        self.services.iter().find(|(_, definition)| provides(definition)).map(|(name, _)| name.as_str())
    }

    /// Every port variable with its usual port and its service.
    #[must_use]
    pub fn ports(&self, names: &[String]) -> BTreeMap<String, Wanted> {
        let wanted = self.services.iter().filter(|(name, _)| names.contains(name));
        let port = |name: &str, usual: u16| Wanted { usual, owner: name.to_owned(), may_move: false };
        wanted.flat_map(|(name, d)| d.ports.iter().map(move |(v, p)| (v.clone(), port(name, *p)))).collect()
    }
}

/// Replaces variables as a shell does: `${NAME}`; `${NAME#prefix}` is its value less the prefix, `${NAME:-text}` the text
/// when it is unset or empty, `${NAME:+text}` the text when it is not. An unknown variable is empty.
#[must_use]
pub fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        expanded.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            expanded.push_str("${");
            rest = after;
            continue;
        };
        expanded.push_str(value_of(name, variables));
        rest = after;
    }
    expanded.push_str(rest);
    expanded
}

fn value_of<'a>(expression: &'a str, variables: &'a BTreeMap<String, String>) -> &'a str {
    let value = |name: &str| variables.get(name).map_or("", String::as_str);
    if let Some((name, text)) = expression.split_once(":-") {
        let value = value(name);
        return if value.is_empty() { text } else { value };
    }
    if let Some((name, text)) = expression.split_once(":+") {
        return if value(name).is_empty() { "" } else { text };
    }
    let (name, prefix) = expression.split_once('#').unwrap_or((expression, ""));
    value(name).strip_prefix(prefix).unwrap_or(value(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_in_a_shell() {
        let variables =
            BTreeMap::from([("PORT".to_owned(), "9092".to_owned()), ("URL".to_owned(), "postgres://h/db".to_owned())]);
        assert_eq!(expand("127.0.0.1:${PORT}", &variables), "127.0.0.1:9092");
        assert_eq!(expand("postgresql+psycopg2://${URL#postgres://}", &variables), "postgresql+psycopg2://h/db");
        assert_eq!(expand("a${NONE}b ${open", &variables), "ab ${open");
        assert_eq!(expand("${PORT:-1} ${NONE:-1}", &variables), "9092 1");
        assert_eq!(expand("a${PORT:+:}${PORT} a${NONE:+:}${NONE}", &variables), "a:9092 a");
    }

    #[test]
    fn the_projects_own_file_is_understood() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../localstack/services.yaml");
        let definitions = Definitions::load(&path).unwrap();
        assert_eq!(definitions.services["kafka"].ports["MILLRACE_PORT_KAFKA"], 9092);
        assert_eq!(definitions.providing("RABBITMQ_URL"), Some("rabbitmq"));
        let there = kit::connections::settled(BTreeMap::from([
            ("BOOTSTRAP_SERVERS".to_owned(), "hubs:9093".to_owned()),
            ("DB_HOST".to_owned(), "db".to_owned()),
            ("DB_NAME".to_owned(), "flow".to_owned()),
            ("DB_USER".to_owned(), "app".to_owned()),
        ]));
        let there = there.unwrap();
        let replaced = definitions.services.iter().filter(|(_, service)| service.is_replaced(&there));
        assert_eq!(replaced.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["kafka", "postgres-master"]);
        assert!(definitions.services["kafka"].login.contains(&"EVENTHUB_CONNECTIONSTRING".to_owned()));
        for (name, service) in &definitions.services {
            assert!(definitions.dir.join(&service.script).is_file(), "{name}: {} does not exist", service.script);
        }
    }
}
