//! `invoke`: one event to one function, here or on any other host.

use std::{
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::Value;

use super::console;
use crate::{
    instance::Instance,
    remote::{Answer, Call, Endpoint, Remote},
    stack,
};

/// Longer than Lambda's longest timeout.
const INVOKE_LIMIT: Duration = Duration::from_secs(920);

/// What `invoke` takes.
#[derive(Debug, Args)]
pub(super) struct InvokeArguments {
    /// Its name, as `millrace status` shows it
    function: String,
    /// File with the event, - for standard input; `{}` when not given
    #[arg(long, short, value_name = "FILE", conflicts_with = "sample")]
    event: Option<PathBuf>,
    /// The event of events/<function>/<NAME>.json
    #[arg(long, short, value_name = "NAME")]
    sample: Option<String>,
    /// Do not wait for the answer
    #[arg(long, short = 'a')]
    asynchronous: bool,
    /// Show the end of the invocation's log, 4 KB at most, on standard error
    #[arg(long, short, conflicts_with = "asynchronous")]
    log: bool,
    /// The host that runs it; the running instance when not given. AWS is called with the caller's credentials
    #[arg(long, value_name = "URL", value_parser = Endpoint::parse)]
    endpoint: Option<Endpoint>,
}

/// Invokes a function and prints its answer; a function error is this command's failure.
pub(super) async fn run(dir: &Path, arguments: &InvokeArguments) -> anyhow::Result<ExitCode> {
    let event = match (&arguments.event, &arguments.sample) {
        (Some(path), _) if path.as_os_str() == "-" => {
            let mut event = Vec::new();
            std::io::stdin().read_to_end(&mut event).context("read the event from standard input")?;
            event
        }
        (Some(path), _) => std::fs::read(path).with_context(|| format!("read {}", path.display()))?,
        (None, Some(name)) => sample(Path::new("."), &arguments.function, name)?,
        (None, None) => b"{}".to_vec(),
    };
    let remote = host(dir, arguments.endpoint.as_ref()).await?;
    let answer = send(&remote, &arguments.function, event, arguments.asynchronous, arguments.log).await?;
    if arguments.log {
        match &answer.log {
            Some(log) => console::aside(log.trim_end()),
            None => console::aside(&format!("{} gives no log", remote.endpoint())),
        }
    }
    console::line(readable(&answer.payload, std::io::stdout().is_terminal()))?;
    Ok(if answer.function_error.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The host at `endpoint`, or the running instance.
pub(super) async fn host(dir: &Path, endpoint: Option<&Endpoint>) -> anyhow::Result<Remote> {
    let environment = stack::without_exports(std::env::vars().collect());
    let endpoint = match endpoint {
        Some(endpoint) => endpoint.clone(),
        None => {
            let running = Instance::open(dir)?.require_running()?;
            let address = format!("http://127.0.0.1:{}", running.invoke_port);
            Endpoint::parse(&address).map_err(anyhow::Error::msg)?
        }
    };
    Remote::new(endpoint, &environment).await
}

/// Sends one event.
pub(super) async fn send(
    remote: &Remote,
    function: &str,
    event: Vec<u8>,
    asynchronous: bool,
    log_tail: bool,
) -> anyhow::Result<Answer> {
    let kind = if asynchronous { "Event" } else { "RequestResponse" };
    let call = Call { function, payload: event.into(), kind, log_tail, limit: INVOKE_LIMIT };
    remote.call(&call).await.with_context(|| format!("invoke {function}"))
}

/// JSON is indented for people; scripts get the bytes as they are.
pub(super) fn readable(payload: &[u8], for_people: bool) -> String {
    let indented = |payload: &[u8]| serde_json::to_string_pretty(&serde_json::from_slice::<Value>(payload).ok()?).ok();
    let indented = for_people.then(|| indented(payload)).flatten();
    indented.unwrap_or_else(|| String::from_utf8_lossy(payload).into_owned())
}

/// A function's sample events.
pub(super) struct Samples {
    /// `events/<function>`, absolute.
    pub(super) folder: PathBuf,
    /// Names of the files without `.json`, in order.
    pub(super) names: Vec<String>,
}

impl Samples {
    /// Those of this folder, or of the nearest one above that has some.
    pub(super) fn find(from: &Path, function: &str) -> anyhow::Result<Option<Self>> {
        let from = from.canonicalize().context("find the current folder")?;
        let mut folders = from.ancestors().map(|folder| folder.join("events").join(function));
        let Some(folder) = folders.find(|folder| folder.is_dir()) else { return Ok(None) };
        let files = std::fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        let names = files.filter_map(|file| file.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(Some(Self { folder, names }))
    }
}

/// Reads `events/<function>/<name>.json` of this folder or the nearest one above that has it.
fn sample(from: &Path, function: &str, name: &str) -> anyhow::Result<Vec<u8>> {
    let Some(Samples { folder, names }) = Samples::find(from, function)? else {
        bail!("there is no folder events/{function} here or above");
    };
    let file = folder.join(format!("{}.json", name.trim_end_matches(".json")));
    let read = std::fs::read(&file);
    read.map_err(|_| anyhow!("{} does not exist; samples are {}", file.display(), names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_found_above_and_an_unknown_one_names_those_that_exist() {
        let root = tempfile::TempDir::new().unwrap();
        let (events, deep) = (root.path().join("events/f"), root.path().join("functions/f/src"));
        for folder in [&events, &deep] {
            std::fs::create_dir_all(folder).unwrap();
        }
        for name in ["two", "one"] {
            std::fs::write(events.join(name).with_extension("json"), name).unwrap();
        }
        assert_eq!(sample(&deep, "f", "one").unwrap(), b"one");
        assert_eq!(sample(&deep, "f", "one.json").unwrap(), b"one");
        let error = sample(&deep, "f", "three").unwrap_err().to_string();
        assert!(error.ends_with("samples are one, two"), "{error}");
        assert!(sample(&deep, "g", "one").unwrap_err().to_string().contains("events/g"));
    }

    #[test]
    fn people_get_indented_json_and_scripts_the_bytes() {
        assert_eq!(readable(br#"{"a":1}"#, true), "{\n  \"a\": 1\n}");
        assert_eq!(readable(br#"{"a":1}"#, false), r#"{"a":1}"#);
        assert_eq!(readable(b"no json", true), "no json");
    }
}
