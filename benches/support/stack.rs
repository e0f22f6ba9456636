//! The runner on a template of the bench's own, as a process, and the functions below it: programs that were built with the
//! same profile as this bench. The runner is this program once more, from the same code as `millrace`.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use uuid::Uuid;

use crate::figures::say;

/// The variable that says that this program is the runner.
const PART: &str = "BENCH_PART";
const LONGEST_START: Duration = Duration::from_secs(60);

/// What a bench's `main` does: this program is the runner when it was started as that, else it measures. What fails is said.
pub(crate) fn main(measure: impl FnOnce() -> anyhow::Result<()>) -> ExitCode {
    if std::env::var(PART).is_ok_and(|part| part == "runner") {
        return millrace::cli::main();
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// A folder with a template, and the runner on it. Both go when it is dropped.
pub(crate) struct Stack {
    dir: PathBuf,
    pub(crate) runner: Child,
}

impl Stack {
    /// Starts the runner. `programs` are a function's folder and its program; `up` stands behind the command `up`.
    pub(crate) fn start(
        template: &str,
        programs: &[(&str, &str)],
        variables: &[(String, String)],
        up: &[&str],
    ) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("millrace-bench-{}", Uuid::new_v4().simple()));
        let built =
            Path::new(env!("CARGO_BIN_EXE_bench-function")).parent().context("the build's folder is nowhere")?;
        for (folder, program) in programs {
            let program = built.join(program);
            ensure!(program.is_file(), "{} is missing; build it with the profile of this bench", program.display());
            std::fs::create_dir_all(dir.join(folder))?;
            symlink(program, dir.join(folder).join("bootstrap"))?;
        }
        std::fs::write(dir.join("template.yaml"), template)?;
        let output = std::fs::File::create(dir.join("output"))?;
        let runner = Command::new(std::env::current_exe()?)
            .args(["--dir", "i", "up", "--services", "none", "--ports", "free", "--plain", "--no-build"])
            .args(up)
            .env(PART, "runner")
            .envs(variables.iter().cloned())
            .env_remove("MILLRACE_EXPORTS")
            .env_remove("MILLRACE_BIN_DIR")
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .context("start the runner")?;
        Ok(Self { dir, runner })
    }

    /// What the runner has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.dir.join("output")).unwrap_or_default()
    }

    /// Where the gateway listens for this API, as host and port, once it does.
    #[allow(dead_code, reason = "not all have an API")]
    pub(crate) async fn address(&mut self, api: &str) -> anyhow::Result<String> {
        let deadline = Instant::now() + LONGEST_START;
        loop {
            self.check()?;
            let said = self.said();
            if said.contains("ready after") {
                let found = said.lines().find_map(|line| line.strip_prefix(api)?.strip_prefix(": http://"));
                return Ok(found.with_context(|| format!("the runner does not say where {api} is"))?.trim().to_owned());
            }
            ensure!(Instant::now() < deadline, "the runner is not ready after {LONGEST_START:?}: {said}");
            // Short of the deadline, look again.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Fails when the runner has ended, with what it said.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let ended = self.runner.try_wait()?;
        ensure!(ended.is_none(), "the runner has ended: {}", self.said());
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let down = Command::new("kill").arg(self.runner.id().to_string()).status();
        if down.is_ok_and(|status| status.success()) {
            let _ = self.runner.wait();
        }
        if std::env::var_os("BENCH_KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}
