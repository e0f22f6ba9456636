//! Rules over every Cargo.toml: versions stand once, the lints hold everywhere, and a heavy library is linked where it
//! belongs and nowhere else.

use std::sync::LazyLock;

use toml::{Table, Value};

use super::{
    Faults,
    tree::{self, File},
};

/// A member's Cargo.toml.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Of the file.
    pub(super) path: String,
    pub(super) table: Table,
}

/// One line of a dependency section.
#[derive(Debug)]
pub(super) struct Dependency<'a> {
    /// The package, also where it was renamed.
    pub(super) package: &'a str,
    pub(super) value: &'a Value,
    /// `[dev-dependencies]`.
    pub(super) for_tests: bool,
}

impl Manifest {
    pub(super) fn parse(file: &File) -> Self {
        let table = file.text.parse().unwrap_or_else(|error| panic!("{} is not TOML: {error}", file.path));
        Self { path: file.path.clone(), table }
    }

    /// The one at `path`, when it is there.
    pub(super) fn at(path: &str) -> Option<&'static Self> {
        members().iter().find(|manifest| manifest.path == path)
    }

    /// The member's folder, relative to the repository.
    pub(super) fn folder(&self) -> &str {
        self.path.strip_suffix("/Cargo.toml").unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str).unwrap_or_default()
    }

    /// All dependencies, those of targets too.
    pub(super) fn dependencies(&self) -> Vec<Dependency<'_>> {
        let mut tables = vec![&self.table];
        let targets = self.table.get("target").and_then(Value::as_table);
        tables.extend(targets.into_iter().flat_map(|targets| targets.values().filter_map(Value::as_table)));
        let mut found = Vec::new();
        for table in tables {
            for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
                let entries = table.get(section).and_then(Value::as_table);
                found.extend(entries.into_iter().flatten().map(|(name, value)| Dependency {
                    package: value.get("package").and_then(Value::as_str).unwrap_or(name),
                    value,
                    for_tests: section == "dev-dependencies",
                }));
            }
        }
        found
    }
}

/// The manifests of all members.
pub(super) fn members() -> &'static [Manifest] {
    static MEMBERS: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
        let members = tree::files().iter().filter(|file| file.path.ends_with("/Cargo.toml"));
        members.map(Manifest::parse).collect()
    });
    &MEMBERS
}

#[test]
fn each_version_of_a_dependency_stands_in_the_root_manifest() {
    versions(members()).assert_none();
}

#[test]
fn each_member_inherits_the_lints_and_the_package_fields() {
    inheritance(members()).assert_none();
}

#[test]
fn every_dependency_is_a_released_version_of_the_public_registry() {
    let mut faults = Faults::default();
    let root = Manifest::parse(tree::file("Cargo.toml").unwrap());
    let advice = "write a version of crates.io, and keep what is not released out";
    for (name, value) in root.table["workspace"]["dependencies"].as_table().unwrap() {
        let version = value.as_str().or_else(|| value.get("version").and_then(Value::as_str));
        if value.get("git").is_some() || value.get("registry").is_some() || version.is_some_and(|v| v.contains('*')) {
            faults.add("Cargo.toml", format!("{name} = {value}"), advice);
        }
    }
    for section in ["patch", "replace"].iter().filter(|section| root.table.contains_key(**section)) {
        faults.add("Cargo.toml", format!("has [{section}]"), advice);
    }
    let lock = std::fs::read_to_string(tree::root().join("Cargo.lock")).unwrap();
    for line in lock.lines().filter(|line| line.starts_with("source = ")) {
        if line != "source = \"registry+https://github.com/rust-lang/crates.io-index\"" {
            faults.add("Cargo.lock", line, "let cargo resolve from crates.io, and commit that");
        }
    }
    faults.assert_none();
}

fn versions(members: &[Manifest]) -> Faults {
    let mut faults = Faults::default();
    for manifest in members {
        for Dependency { package, value, .. } in manifest.dependencies() {
            let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
            let beside = value.get("path").is_some() && value.get("version").is_none() && value.get("git").is_none();
            if !inherited && !beside {
                let advice = format!("write {package}.workspace = true, and the version into the root's Cargo.toml");
                faults.add(&manifest.path, format!("{package} = {value}"), advice);
            }
        }
    }
    faults
}

fn inheritance(members: &[Manifest]) -> Faults {
    let mut faults = Faults::default();
    let inherited = |value: Option<&Value>| value.and_then(|v| v.get("workspace")?.as_bool()) == Some(true);
    for Manifest { path, table } in members {
        if !inherited(table.get("lints")) {
            faults.add(path, "does not inherit the lints", "write [lints] with workspace = true");
        }
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            if !inherited(table.get("package").and_then(|package| package.get(field))) {
                faults.add(path, format!("has a {field} of its own"), format!("write {field}.workspace = true"));
            }
        }
        let has_doctests = table.get("lib").and_then(|lib| lib.get("doctest")).and_then(Value::as_bool) != Some(false);
        if has_doctests && tree::file(&path.replace("Cargo.toml", "src/lib.rs")).is_some() {
            faults.add(path, "its library is built once more for doc tests", "write [lib] with doctest = false");
        }
    }
    faults
}

#[test]
fn a_version_in_a_member_and_a_member_without_lints_are_found() {
    let manifest = |text: &str| [Manifest::parse(&File::new("crates/a/Cargo.toml", text))];
    let good = "[package]\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
                license.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n[lib]\ndoctest = false\n\
                [dependencies]\na.workspace = true\nb = { path = \"../b\" }\nc = { workspace = true, features = [\"x\"] }";
    versions(&manifest(good)).assert_none();
    inheritance(&manifest(good)).assert_none();
    for bad in [
        "[dependencies]\na = \"1\"",
        "[dev-dependencies]\na = { version = \"1\" }",
        "[build-dependencies]\na = { path = \"../a\", version = \"1\" }",
        "[target.'cfg(unix)'.dependencies]\na = { git = \"https://example.com\" }",
    ] {
        assert_eq!(versions(&manifest(bad)).places(), ["crates/a/Cargo.toml"], "{bad}");
    }
    assert_eq!(inheritance(&manifest(&good.replace("[lints]\nworkspace = true", ""))).places().len(), 1);
    assert_eq!(
        inheritance(&manifest(&good.replace("edition.workspace = true", "edition = \"2021\""))).places().len(),
        1
    );
}
