//! What `cargo metadata` says of a workspace: its packages, their programs, and which package depends on which by path.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::Deserialize;

/// One cargo workspace, or a package without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
    /// Packages that lie on this machine: members, and what they depend on by path.
    pub packages: Vec<Package>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// Its programs.
    pub bins: Vec<String>,
    /// Indexes of the local packages that it depends on, for its build too.
    pub depends_on: Vec<usize>,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<MetadataPackage>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct MetadataPackage {
    id: String,
    name: String,
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

impl Workspace {
    /// Reads the output of `cargo metadata --format-version 1`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &[u8]) -> anyhow::Result<Self> {
        let metadata: Metadata = serde_json::from_slice(text).context("understand cargo's metadata")?;
        // Only what lies on this machine can be edited; registries' packages have a source.
        let local: Vec<&MetadataPackage> = metadata.packages.iter().filter(|p| p.source.is_none()).collect();
        let index: BTreeMap<&str, usize> = local.iter().enumerate().map(|(at, p)| (p.id.as_str(), at)).collect();
        let mut packages: Vec<Package> = local.iter().map(|package| read(package)).collect();
        for node in &metadata.resolve.nodes {
            let Some(package) = index.get(node.id.as_str()).and_then(|at| packages.get_mut(*at)) else { continue };
            let real = |d: &&Dependency| d.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"));
            let wanted = node.deps.iter().filter(real).filter_map(|d| index.get(d.pkg.as_str()).copied());
            package.depends_on = wanted.collect();
        }
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self { root: real(&metadata.workspace_root), target: real(&metadata.target_directory), packages })
    }

    /// The package whose `Cargo.toml` is in this folder.
    #[must_use]
    pub fn package_at(&self, dir: &Path) -> Option<usize> {
        self.packages.iter().position(|package| package.dir == dir)
    }

    /// The package that a file belongs to: the innermost around it.
    #[must_use]
    pub fn owner(&self, path: &Path) -> Option<usize> {
        let around = self.packages.iter().enumerate().filter(|(_, package)| path.starts_with(&package.dir));
        around.max_by_key(|(_, package)| package.dir.as_os_str().len()).map(|(at, _)| at)
    }

    /// This package and all that it depends on.
    #[must_use]
    pub fn closure(&self, package: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.packages.get(next).into_iter().flat_map(|package| package.depends_on.iter().copied()));
            }
        }
        found
    }

    /// The profile that builds into this folder: `dev` for `target/debug`.
    #[must_use]
    pub fn profile_of(&self, folder: &Path) -> Option<String> {
        let folder = folder.canonicalize().ok()?;
        let name = folder.strip_prefix(&self.target).ok()?.to_str()?;
        match name {
            "debug" => Some("dev".to_owned()),
            // A further level would be a target's folder, for another machine perhaps.
            name if name.is_empty() || name.contains('/') => None,
            name => Some(name.to_owned()),
        }
    }
}

fn read(package: &MetadataPackage) -> Package {
    let dir = package.manifest_path.parent().unwrap_or(Path::new("/"));
    let bins = package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "bin"));
    Package {
        name: package.name.clone(),
        dir: dir.canonicalize().unwrap_or_else(|_| dir.to_owned()),
        bins: bins.map(|target| target.name.clone()).collect(),
        depends_on: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace() -> Workspace {
        let package = |name: &str, kind: &str| {
            json!({"id": name, "name": name, "source": null, "manifest_path": format!("/w/{name}/Cargo.toml"),
                "targets": [{"name": name, "kind": [kind]}]})
        };
        let dep = |name: &str, kind: Option<&str>| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let text = json!({
            "workspace_root": "/w", "target_directory": "/w/target",
            "packages": [package("a", "bin"), package("b", "bin"), package("shared", "lib"), package("base", "lib"),
                {"id": "serde", "name": "serde", "source": "registry", "manifest_path": "/r/serde/Cargo.toml", "targets": []}],
            "resolve": {"nodes": [
                {"id": "a", "deps": [dep("shared", None), dep("serde", None)]},
                {"id": "b", "deps": [dep("shared", Some("dev"))]},
                {"id": "shared", "deps": [dep("base", Some("build"))]},
                {"id": "base", "deps": []},
                {"id": "serde", "deps": []},
            ]},
        });
        Workspace::parse(text.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn dependencies_are_followed_but_for_those_of_tests() {
        let workspace = workspace();
        let names = |package: usize| -> Vec<&str> {
            workspace.closure(package).into_iter().map(|at| workspace.packages[at].name.as_str()).collect()
        };
        assert_eq!(names(0), ["a", "shared", "base"]);
        assert_eq!(names(1), ["b"]);
        assert_eq!(workspace.packages.len(), 4, "what comes from a registry is not edited");
    }

    #[test]
    fn a_file_belongs_to_the_innermost_package() {
        let mut workspace = workspace();
        workspace.packages[3].dir = "/w/shared/base".into();
        let owner = |path: &str| workspace.owner(Path::new(path)).map(|at| workspace.packages[at].name.as_str());
        assert_eq!(owner("/w/shared/src/lib.rs"), Some("shared"));
        assert_eq!(owner("/w/shared/base/src/lib.rs"), Some("base"));
        assert_eq!(owner("/w/sharedness/lib.rs"), None);
    }
}
