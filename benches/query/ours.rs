//! The function behind the runner's gateway and host, as the repository's template has it.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use uuid::Uuid;

use crate::fill::Table;

/// A folder with a template, and the runner on it. Both go when it is dropped.
pub(crate) struct Ours {
    dir: PathBuf,
    runner: Child,
    /// Of the API.
    pub(crate) address: String,
}

impl Ours {
    /// Starts the runner: this program once more, in the runner's part.
    pub(crate) async fn start(table: &Table) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("millrace-bench-{}", Uuid::new_v4().simple()));
        let program = std::env::var("QUERY_PROGRAM").map(PathBuf::from).or_else(|_| program())?;
        ensure!(program.is_file(), "{} is missing; build it with the profile of this bench", program.display());
        std::fs::create_dir_all(dir.join("query"))?;
        symlink(program, dir.join("query/bootstrap"))?;
        std::fs::write(dir.join("template.yaml"), template(&table.warehouse))?;
        let output = std::fs::File::create(dir.join("output"))?;
        let runner = runner(&dir)?
            .args(["up", "--services", "none", "--ports", "free", "--plain", "--no-build"])
            .env("DATABASE_URL", &table.database.url)
            .env_remove("MILLRACE_EXPORTS")
            .env_remove("MILLRACE_BIN_DIR")
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output)
            .spawn()
            .context("start the runner")?;
        let mut ours = Self { dir, runner, address: String::new() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while ours.address.is_empty() {
            let ended = ours.runner.try_wait()?.is_some();
            if ended || Instant::now() > deadline {
                bail!("the runner did not start: {}", std::fs::read_to_string(ours.dir.join("output"))?);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            let status = runner_output(&ours.dir)?;
            let address = status.pointer("/apis/0/1").and_then(Value::as_str);
            ours.address = address.unwrap_or_default().trim_end_matches('/').to_owned();
        }
        Ok(ours)
    }
}

impl Drop for Ours {
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

/// Where cargo put the function, of the profile that this bench was built with.
fn program() -> anyhow::Result<PathBuf> {
    let folder =
        Path::new(env!("CARGO_BIN_EXE_bench-lake-writer")).parent().context("the build's folder is nowhere")?;
    Ok(folder.join("github-query-api"))
}

fn runner(dir: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--dir", "i"]).env(crate::PART, "runner").current_dir(dir);
    Ok(command)
}

/// What the runner says of itself; null while it says nothing.
fn runner_output(dir: &Path) -> anyhow::Result<Value> {
    let output = runner(dir)?.args(["status", "--json"]).output().context("ask for the runner's status")?;
    Ok(serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

fn template(warehouse: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Runtime: provided.al2023, MemorySize: 1024, LoggingConfig: {{LogFormat: JSON}}}}}}
Parameters:
  DatabaseUrl: {{Type: String}}
Metadata: {{Millrace: {{Parameters: {{DatabaseUrl: DATABASE_URL}}}}}}
Resources:
  Api: {{Type: AWS::Serverless::HttpApi}}
  Query:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: query/
      Timeout: 29
      Environment:
        Variables: {{DATABASE_URL: !Ref DatabaseUrl, LAKE_WAREHOUSE: '{warehouse}'}}
      Events:
        Root: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: ANY, Path: /}}}}
        Everything: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: ANY, Path: '/{{proxy+}}'}}}}
"
    )
}
