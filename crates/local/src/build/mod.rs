//! The programs of Rust functions: which cargo package each is, and the calls of cargo that build them.
//!
//! Cargo is called for the whole workspace and a selection of its programs (`--workspace --bin a --bin b`): features are
//! then resolved as for `cargo build --workspace`, and a single program recompiles nothing that a whole build has made.
//!
//! Deliberately absent: anything that cargo decides itself, such as what is out of date.

mod cargo;
mod graph;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

pub use cargo::Output;
pub use graph::{Package, Workspace};

use crate::template::spec::{Application, FunctionSpec};

/// Where each function's program comes from.
#[derive(Debug, Clone)]
pub struct Build {
    workspaces: Vec<Workspace>,
    /// By logical id; a function that is missing here is a ready `bootstrap`.
    programs: BTreeMap<String, Program>,
    /// `dev`, or the profile whose folder holds the runner itself.
    profile: String,
}

/// One function's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Index of its workspace.
    pub workspace: usize,
    /// Index of its package in the workspace.
    pub package: usize,
    /// Its name.
    pub bin: String,
}

impl Build {
    /// Asks cargo about the template's folder, and about every `CodeUri` with a `Cargo.toml` that is not part of it.
    /// `beside` is the runner's own folder: a runner in `target/release` builds with that profile.
    ///
    /// # Errors
    /// When cargo cannot read a manifest, or a package has several programs and the template names none.
    pub async fn of(root: &Path, application: &Application, beside: &Path) -> anyhow::Result<Self> {
        let mut workspaces: Vec<Workspace> = Vec::new();
        let folders = application.functions.values().map(|function| root.join(&function.code_uri));
        for folder in std::iter::once(root.to_owned()).chain(folders) {
            let Ok(folder) = folder.canonicalize() else { continue };
            let known = workspaces.iter().any(|w| w.root == folder || w.package_at(&folder).is_some());
            if !known && folder.join("Cargo.toml").is_file() {
                let text = cargo::metadata(&folder).await?;
                workspaces.push(Workspace::parse(&text).with_context(|| format!("read {}", folder.display()))?);
            }
        }
        let mut programs = BTreeMap::new();
        for (id, function) in &application.functions {
            if let Some(program) = program(&workspaces, root, function)? {
                programs.insert(id.clone(), program);
            }
        }
        let profile = workspaces.iter().find_map(|workspace| workspace.profile_of(beside));
        Ok(Self { workspaces, programs, profile: profile.unwrap_or_else(|| "dev".to_owned()) })
    }

    /// The cargo workspaces.
    #[must_use]
    pub fn workspaces(&self) -> &[Workspace] {
        &self.workspaces
    }

    /// Programs by the function's logical id.
    #[must_use]
    pub fn programs(&self) -> &BTreeMap<String, Program> {
        &self.programs
    }

    /// Where cargo puts each program.
    #[must_use]
    pub fn paths(&self) -> BTreeMap<String, PathBuf> {
        let folder = if self.profile == "dev" { "debug" } else { self.profile.as_str() };
        let path = |program: &Program| {
            self.workspaces.get(program.workspace).map(|workspace| workspace.target.join(folder).join(&program.bin))
        };
        self.programs.iter().filter_map(|(id, program)| Some((id.clone(), path(program)?))).collect()
    }

    /// Builds these functions' programs, one workspace after the other; with `show`, cargo's own words go to the
    /// terminal. What was made anew is named by logical id.
    ///
    /// # Errors
    /// When cargo cannot be called. A build that fails is an [`Output`] with what the compiler says.
    pub async fn run(&self, functions: &[&str], show: bool) -> anyhow::Result<Output> {
        let mut output = Output::default();
        for (index, workspace) in self.workspaces.iter().enumerate() {
            let here = |id: &&&str| self.programs.get(**id).is_some_and(|program| program.workspace == index);
            let wanted: Vec<&Program> = functions.iter().filter(here).filter_map(|id| self.programs.get(*id)).collect();
            if wanted.is_empty() {
                continue;
            }
            let built = cargo::build(workspace, &self.profile, &wanted, show).await?;
            let made = self.programs.iter().filter(|(_, p)| p.workspace == index && built.made.contains(&p.bin));
            output.made.extend(made.map(|(id, _)| id.clone()));
            output.diagnostics.push_str(&built.diagnostics);
            output.failed |= built.failed;
        }
        Ok(output)
    }
}

/// Which program a function is: that of the package in its `CodeUri` (the layout of SAM's `rust-cargolambda`), or the one
/// with its name in a workspace around its `CodeUri` (`target/lambda/<name>/`).
fn program(workspaces: &[Workspace], root: &Path, function: &FunctionSpec) -> anyhow::Result<Option<Program>> {
    let folder = root.join(&function.code_uri);
    let folder = folder.canonicalize().unwrap_or(folder);
    let bins = |package: &Package| package.bins.clone();
    for (workspace, w) in workspaces.iter().enumerate() {
        let Some(package) = w.package_at(&folder) else { continue };
        let bins = w.packages.get(package).map(bins).unwrap_or_default();
        let bin = match bins.as_slice() {
            _ if bins.contains(&function.binary) => function.binary.clone(),
            [only] => only.clone(),
            [] => continue,
            several => bail!(
                "line {}: {}: the package in {} has the programs {}; name one in Metadata.BuildProperties.Binary",
                function.line,
                function.logical_id,
                function.code_uri.display(),
                several.join(", ")
            ),
        };
        return Ok(Some(Program { workspace, package, bin }));
    }
    let named = workspaces.iter().enumerate().find_map(|(workspace, w)| {
        let package = w.packages.iter().position(|package| package.bins.contains(&function.binary))?;
        let around = folder.starts_with(&w.root) || folder.starts_with(&w.target);
        around.then(|| Program { workspace, package, bin: function.binary.clone() })
    });
    Ok(named)
}
