//! Which program a function is, and the variables that it finds.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::HostConfig;
use crate::template::spec::FunctionSpec;

/// A program that is there.
#[derive(Debug)]
pub(super) struct Program {
    /// Absolute.
    path: PathBuf,
}

impl Program {
    /// Our own build of the program, or the ready `bootstrap` in the function's `CodeUri`.
    ///
    /// # Errors
    /// When there is neither; the text says where was looked.
    pub(super) fn find(spec: &FunctionSpec, config: &HostConfig) -> Result<Self, String> {
        let built = config.program_dir.join(&spec.binary);
        let packaged = config.root.join(&spec.code_uri).join("bootstrap");
        let Some(found) = [&built, &packaged].into_iter().find(|path| path.is_file()) else {
            let (built, packaged) = (built.display(), packaged.display());
            return Err(format!(
                "neither {built} nor {packaged} exists; build it with `cargo build -p {}`",
                spec.binary
            ));
        };
        let path = std::path::absolute(found).map_err(|error| format!("{}: {error}", found.display()))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its folder: `LAMBDA_TASK_ROOT`, and where it starts. A custom runtime finds its code there.
    pub(super) fn task_root(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// What the process sees beside its Runtime API: Lambda's own variables, the stack's, then the function's.
    pub(super) fn variables(&self, spec: &FunctionSpec, config: &HostConfig) -> Vec<(String, String)> {
        let name = &spec.name;
        let of_lambda = [
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", Uuid::new_v4().to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".into()),
            ("_HANDLER", "bootstrap".into()),
            ("LAMBDA_TASK_ROOT", self.task_root().display().to_string()),
            ("TZ", ":UTC".into()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("TMPDIR", std::env::temp_dir().display().to_string()),
        ];
        let lambda = of_lambda.into_iter().map(|(name, value)| (name.to_owned(), value));
        let stack = config.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        let own = spec.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        lambda.chain(stack).chain(own).collect()
    }
}
