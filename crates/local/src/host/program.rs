//! Which program a function is, and the variables that it finds.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{HostConfig, function::Tuned};
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
        let beside = || config.program_dir.join(&spec.binary);
        let known = !config.program_dir.as_os_str().is_empty() && !spec.binary.is_empty();
        let built = config.programs.get(&spec.logical_id).cloned().or_else(|| known.then(beside));
        let packaged = config.root.join(&spec.code_uri).join("bootstrap");
        let Some(found) = built.iter().chain([&packaged]).find(|path| path.is_file()) else {
            let packaged = packaged.display();
            return Err(match built {
                Some(built) => format!(
                    "neither {} nor {packaged} exists; build it with `cargo build --bin {}`",
                    built.display(),
                    built.file_name().unwrap_or_default().display()
                ),
                None => format!("{packaged} does not exist, and no cargo package is known for it"),
            });
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
    ///
    /// As on Lambda, but for four: `PATH` and `TMPDIR` are this machine's, `LD_LIBRARY_PATH` has only the folders of the
    /// function and of layers, because the machine's own libraries need no path; and no X-Ray daemon is named, since
    /// none runs. Custom runtimes have no `AWS_EXECUTION_ENV`.
    pub(super) fn variables(&self, spec: &FunctionSpec, tuned: &Tuned, config: &HostConfig) -> Vec<(String, String)> {
        let name = &spec.name;
        let root = self.task_root().display();
        let of_lambda = [
            ("AWS_LAMBDA_FUNCTION_NAME", name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", tuned.memory_mb.to_string()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".into()),
            ("_HANDLER", spec.handler.clone()),
            ("LAMBDA_TASK_ROOT", root.to_string()),
            ("LAMBDA_RUNTIME_DIR", "/var/runtime".into()),
            ("LD_LIBRARY_PATH", format!("{root}:{root}/lib:/opt/lib")),
            ("LANG", "en_US.UTF-8".into()),
            ("TZ", ":UTC".into()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("TMPDIR", std::env::temp_dir().display().to_string()),
        ];
        let logging = spec.logging.json.then(|| {
            let level = |(name, level): (&str, _)| (name.to_owned(), level);
            [
                ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
                ("AWS_LAMBDA_LOG_LEVEL", spec.logging.application_level.clone()),
            ]
            .map(level)
        });
        let lambda = of_lambda.into_iter().map(|(name, value)| (name.to_owned(), value));
        let stack = config.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        let own = tuned.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        lambda.chain(logging.into_iter().flatten()).chain(stack).chain(own).collect()
    }
}

/// One stream a process, named as Lambda names them: `2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef`.
fn log_stream() -> String {
    format!("{}/[$LATEST]{}", chrono::Utc::now().format("%Y/%m/%d"), Uuid::new_v4().simple())
}
