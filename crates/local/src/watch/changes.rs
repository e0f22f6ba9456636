//! What follows from changed files: which programs are built, which functions only restart, whether the template is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::build::Build;

/// Folders of any name that hold nothing of a program's source.
const IGNORED_FOLDERS: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Where the things lie that can change.
#[derive(Debug)]
pub(super) struct Places {
    /// The template file.
    pub(super) template: PathBuf,
    /// Folders with a ready `bootstrap`, by the function's logical id.
    pub(super) bootstraps: BTreeMap<String, PathBuf>,
    /// The instance's own folder.
    pub(super) instance: PathBuf,
}

/// What is to be done about a change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Functions whose programs are built; those that were linked anew restart.
    pub(super) build: BTreeSet<String>,
    /// Functions that restart without a build.
    pub(super) restart: BTreeSet<String>,
    /// Whether the template is read again.
    pub(super) template: bool,
}

impl Work {
    /// What follows from these changed paths.
    pub(super) fn of(paths: &BTreeSet<PathBuf>, places: &Places, build: Option<&Build>) -> Self {
        let mut work = Self::default();
        for path in paths {
            if *path == places.template {
                work.template = true;
                continue;
            }
            let held = places.bootstraps.iter().filter(|(_, folder)| path.starts_with(folder));
            let held: Vec<&String> = held.filter(|(_, f)| !is_ignored(path, f)).map(|(id, _)| id).collect();
            if !held.is_empty() {
                work.restart.extend(held.into_iter().cloned());
            } else if let Some(build) = build.filter(|_| !path.starts_with(&places.instance)) {
                work.build.extend(affected(path, build));
            }
        }
        work
    }

    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.build.is_empty() && self.restart.is_empty() && !self.template
    }
}

/// The functions whose programs may change with this file: those whose package depends on the one it belongs to. A file
/// of the workspace that is in no package (`Cargo.lock`, SQL that a macro reads) may belong to all; cargo knows.
fn affected(path: &Path, build: &Build) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (index, workspace) in build.workspaces().iter().enumerate() {
        let owner = workspace.owner(path);
        let outside = owner.is_none() && path.starts_with(&workspace.root);
        let base = owner.and_then(|at| workspace.packages.get(at)).map_or(&workspace.root, |package| &package.dir);
        if owner.is_none() && !outside || path.starts_with(&workspace.target) || is_ignored(path, base) {
            continue;
        }
        let of_root = owner.and_then(|at| workspace.packages.get(at)).is_some_and(|p| p.dir == workspace.root);
        // A package at the root holds the workspace's own files too.
        let of_workspace = outside || of_root && is_workspace_file(path);
        let programs = build.programs().iter().filter(|(_, program)| program.workspace == index);
        let touched = programs.filter(|(_, program)| {
            of_workspace || owner.is_some_and(|at| workspace.closure(program.package).contains(&at))
        });
        found.extend(touched.map(|(id, _)| id.clone()));
    }
    found
}

fn is_workspace_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Cargo.toml" || name == "Cargo.lock" || name == "rust-toolchain.toml")
}

/// Whether a path is of no interest below `base`: build output, what begins with a dot, and editors' temporary files.
pub(super) fn is_ignored(path: &Path, base: &Path) -> bool {
    let below = path.strip_prefix(base).unwrap_or(path);
    below.components().filter_map(|component| component.as_os_str().to_str()).any(|name| {
        // Cargo reads its configuration from a folder with a dot.
        name.starts_with('.') && name != ".cargo"
            || IGNORED_FOLDERS.contains(&name)
            || name.ends_with('~')
            || name.starts_with('#')
            || name == "4913"
            || [".swp", ".swx", ".tmp", ".bak"].iter().any(|end| name.ends_with(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_compilers_leave_is_ignored() {
        let base = Path::new("/w");
        for name in ["target/debug/a", ".git/index", "src/.main.rs.swp", "src/main.rs~", "src/4913", "src/#a#", "x.tmp"]
        {
            assert!(is_ignored(&base.join(name), base), "{name}");
        }
        for name in ["src/main.rs", "Cargo.toml", ".cargo/config.toml", "sql/1.sql"] {
            assert!(!is_ignored(&base.join(name), base), "{name}");
        }
        // The folder itself may have any name.
        assert!(!is_ignored(Path::new("/home/me/.work/src/a.rs"), Path::new("/home/me/.work")));
    }

    #[test]
    fn a_template_and_a_bootstrap_need_no_build() {
        let places = Places {
            template: "/w/template.yaml".into(),
            bootstraps: BTreeMap::from([("F".to_owned(), PathBuf::from("/w/target/lambda/f"))]),
            instance: "/w/.millrace".into(),
        };
        let paths = ["/w/template.yaml", "/w/target/lambda/f/handler.py", "/w/README.md"].map(PathBuf::from);
        let work = Work::of(&BTreeSet::from(paths), &places, None);
        let expected = Work { build: BTreeSet::new(), restart: BTreeSet::from(["F".to_owned()]), template: true };
        assert_eq!(work, expected);
        assert!(Work::of(&BTreeSet::from(["/w/target/lambda/f/.x".into()]), &places, None).is_empty());
    }
}
