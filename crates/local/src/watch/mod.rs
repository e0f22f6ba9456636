//! Hot reload: an edit builds what depends on it, and restarts the functions whose program is a new one. A function whose
//! `CodeUri` holds a ready `bootstrap` restarts when a file in that folder changes. What runs goes on until the new
//! program is there, and a build that fails changes nothing.
//!
//! One build at a time; what changes meanwhile is the next one's.

mod changes;
mod files;
mod template;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context;

use self::{
    changes::{Places, Work},
    files::Files,
    template::Difference,
};
use crate::{build::Build, host::Host, template::spec::Application};

/// Reads the template anew.
pub type ReadTemplate = Box<dyn Fn() -> anyhow::Result<Application> + Send + Sync>;

/// What is watched, and what is done about it.
pub struct Watch {
    host: Host,
    build: Option<Build>,
    places: Places,
    application: Application,
    read: ReadTemplate,
    files: Files,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("places", &self.places).finish_non_exhaustive()
    }
}

impl Watch {
    /// Begins to watch: the template, the packages that the functions are made of, and folders with a `bootstrap`.
    ///
    /// # Errors
    /// When a folder cannot be watched.
    pub fn new(
        host: Host,
        build: Option<Build>,
        template: &Path,
        instance: &Path,
        application: Application,
        read: ReadTemplate,
    ) -> anyhow::Result<Self> {
        let template = template.canonicalize().with_context(|| format!("find {}", template.display()))?;
        let root = template.parent().unwrap_or(Path::new("/")).to_owned();
        let built = |id: &String| build.as_ref().is_some_and(|build| build.programs().contains_key(id));
        let held = application.functions.values().filter(|function| !built(&function.logical_id));
        let folder = |code_uri: &PathBuf| root.join(code_uri).canonicalize().ok();
        let bootstraps = held.filter_map(|f| Some((f.logical_id.clone(), folder(&f.code_uri)?))).collect();
        let places = Places { template, bootstraps, instance: instance.to_owned() };
        let mut files = Files::new()?;
        files.add_flat(&root)?;
        for folder in places.bootstraps.values().cloned().chain(build.iter().flat_map(folders)) {
            files.add(&folder)?;
        }
        Ok(Self { host, build, places, application, read, files })
    }

    /// Reloads until the stack ends.
    pub async fn run(mut self, progress: impl Fn(&str)) {
        while let Some(paths) = self.files.next().await {
            let work = Work::of(&paths, &self.places, self.build.as_ref());
            if work.is_empty() {
                continue;
            }
            let began = Instant::now();
            if work.template {
                self.template(&progress).await;
            }
            self.restart(&work.restart, began, &progress).await;
            if !work.build.is_empty() {
                self.rebuild(&work.build, began, &progress).await;
            }
        }
    }

    async fn rebuild(&self, functions: &BTreeSet<String>, began: Instant, progress: &impl Fn(&str)) {
        let Some(build) = &self.build else { return };
        let wanted: Vec<&str> = functions.iter().map(String::as_str).collect();
        match build.run(&wanted, false).await {
            Ok(output) if output.failed => {
                progress(output.diagnostics.trim_end());
                progress("the build failed; what ran before runs on");
            }
            Ok(output) => self.restart(&output.made, began, progress).await,
            Err(error) => progress(&format!("the build failed: {error:#}")),
        }
    }

    async fn restart(&self, functions: &BTreeSet<String>, began: Instant, progress: &impl Fn(&str)) {
        let functions: Vec<_> = functions.iter().filter_map(|id| self.host.find(id)).collect();
        if functions.is_empty() {
            return;
        }
        for function in &functions {
            function.restart().await;
        }
        let names: Vec<&str> = functions.iter().map(|function| function.spec().name.as_str()).collect();
        progress(&format!("reloaded {} after {:.1} s", names.join(", "), began.elapsed().as_secs_f64()));
    }

    async fn template(&mut self, progress: &impl Fn(&str)) {
        let name = self.places.template.file_name().unwrap_or_default().display().to_string();
        let after = match (self.read)() {
            Ok(after) => after,
            Err(error) => return progress(&format!("{name} cannot be read, so nothing changes: {error:#}")),
        };
        let difference = Difference::of(&self.application, &after);
        for (spec, changed) in &difference.settings {
            let Some(function) = self.host.find(&spec.logical_id) else { continue };
            function.set_settings(spec);
            function.restart().await;
            progress(&format!("{name}: {}: {}; reloaded", spec.name, changed.join(", ")));
        }
        if difference.needs_start.is_empty() {
            self.application = after;
            return;
        }
        for (spec, _) in difference.settings {
            // Said once; what needs a start is said at every change until there was one.
            self.application.functions.insert(spec.logical_id.clone(), spec);
        }
        progress(&format!(
            "{name}: {}: changed, and holds after `millrace down` and `millrace up`",
            difference.needs_start.join("; ")
        ));
    }
}

/// The folders of all packages that the functions are made of, and of their workspaces.
fn folders(build: &Build) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for program in build.programs().values() {
        let Some(workspace) = build.workspaces().get(program.workspace) else { continue };
        folders.insert(workspace.root.clone());
        let packages = workspace.closure(program.package);
        folders.extend(packages.into_iter().filter_map(|at| workspace.packages.get(at)).map(|p| p.dir.clone()));
    }
    folders
}
