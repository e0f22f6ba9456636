//! The command line.

mod conformance;
mod console;
mod control;
mod examples;
mod exec;
mod fire;
mod inspect;
mod invoke;
mod lint;
mod live;
mod logs;
mod paths;
mod redrive;
mod replay;
mod scale;
mod token;
mod topic;
mod up;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{instance::Instance, ports::PortChoice, stack::ServiceChoice};

/// Runs a SAM template of Rust functions whole on this machine: Kafka, schedules and HTTP drive them as on AWS.
#[derive(Debug, Parser)]
#[command(name = "millrace", version, max_term_width = 100)]
struct Cli {
    /// Folder of the instance: its data, logs and state. Several instances can run beside each other
    #[arg(long, global = true, env = "MILLRACE_DIR", default_value = ".millrace", value_name = "DIR")]
    dir: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start services, functions and triggers, and stay in front until Ctrl-C
    Up(UpArguments),
    /// Stop everything; data stays
    Down,
    /// Show what runs: services, functions, triggers, addresses
    Status {
        /// As JSON, for scripts
        #[arg(long)]
        json: bool,
    },
    /// Watch what runs, live: a row a function, its log, keys to pause and to invoke
    Top,
    /// Invoke a function and print its answer
    Invoke(invoke::InvokeArguments),
    /// Send recorded events, or what a Kafka trigger has read, once more
    Replay(replay::ReplayArguments),
    /// Send dead letters, or a trigger's failed records, to their topics again
    Redrive(redrive::RedriveArguments),
    /// Run a schedule once now, enabled or not, and print the event that its function gets
    Fire(fire::FireArguments),
    /// Print the log of a function or a service, or of the runner when none is named
    Logs(logs::LogsArguments),
    /// Stop and start a function or a service; a function's running invocations end first
    Restart(Named),
    /// Stop a function or a service
    Stop(Named),
    /// Start a function or a service that was stopped
    Start(Named),
    /// Run a command with a function's environment, or print that environment
    Exec(exec::ExecArguments),
    /// Reserve concurrency for a function: how many of its invocations may run at once
    Scale(scale::ScaleArguments),
    /// Show how far each Kafka trigger is behind, by partition
    Lag {
        /// As JSON, for scripts
        #[arg(long)]
        json: bool,
    },
    /// Look into topics
    #[command(subcommand)]
    Topic(topic::TopicCommand),
    /// Look for settings of the template that lose data or surprise; exit status 1 when one is an error
    Lint(lint::LintArguments),
    /// Print the completions of a shell
    Completions {
        /// Which one
        shell: clap_complete::Shell,
    },
    /// Print what is promised of Lambda's behaviour, a rule a line; each has a test of the same name
    Conformance {
        /// As JSON, for scripts
        #[arg(long)]
        json: bool,
    },
    /// Print a token of the local issuer, for routes with a JWT authorizer
    Token(token::TokenArguments),
    /// Print `export` lines with which other programs reach the running stack: eval "$(millrace env)"
    Env {
        /// As JSON, for scripts
        #[arg(long)]
        json: bool,
    },
}

/// What `up` takes.
#[derive(Debug, Args)]
struct UpArguments {
    /// Systems to start, with what they need; all when none is named
    systems: Vec<String>,
    /// The SAM template
    #[arg(long, default_value = "template.yaml", value_name = "FILE")]
    template: PathBuf,
    /// A parameter of the template; may stand several times
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = up::parse_parameter)]
    parameters: Vec<(String, String)>,
    /// Which ports to use; MILLRACE_PORT_* variables move single ones
    #[arg(long, value_enum, default_value_t = PortChoice::Fixed)]
    ports: PortChoice,
    /// How many invocations of a function run at once when it reserves no concurrency; twice the cores when not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: Option<u32>,
    /// Services to start: `all`, `none` (endpoints come from the environment), or names with commas between them. When
    /// not given: all, or what its triggers and functions need for a template outside of Millrace's own repository
    #[arg(long, value_name = "all|none|NAME,...", value_parser = ServiceChoice::parse)]
    services: Option<ServiceChoice>,
    /// Start the programs that are there; call no cargo
    #[arg(long)]
    no_build: bool,
    /// Rebuild and restart functions when their code, or what it depends on, is edited
    #[arg(long, conflicts_with = "services_only")]
    watch: bool,
    /// End a function that takes more memory than its MemorySize, as Lambda does (Linux)
    #[arg(long)]
    enforce_memory: bool,
    /// Start the services and topics only, no function
    #[arg(long)]
    services_only: bool,
    /// Print plain lines, also on a terminal
    #[arg(long)]
    plain: bool,
    /// Return when everything is ready, and go on behind
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    paths: paths::PathArguments,
}

/// A function or a service.
#[derive(Debug, Args)]
struct Named {
    /// Its name, as `millrace status` shows it
    name: String,
}

/// Parses the arguments, runs the command, and prints its error with the whole chain.
#[must_use]
pub fn main() -> ExitCode {
    // First of all: arguments take their defaults from it.
    if let Err(error) = read_dotenv() {
        console::error(&error);
        return ExitCode::FAILURE;
    }
    let matches = examples::with_examples(Cli::command()).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match run(&cli) {
        Ok(code) => code,
        // A reader that has seen enough (`| head`) is no failure.
        Err(error) if console::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Takes what `.env` in the working folder sets (or the file that `MILLRACE_ENV_FILE` names), and leaves what is set
/// already, as Compose does. Before any thread runs.
fn read_dotenv() -> anyhow::Result<()> {
    let file = std::env::var("MILLRACE_ENV_FILE").unwrap_or_else(|_| ".env".to_owned());
    match dotenvy::from_path(&file) {
        Err(error) if !error.not_found() => Err(error).with_context(|| format!("read {file}")),
        _ => Ok(()),
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let open = || Instance::open(&cli.dir);
        let done = match &cli.command {
            Command::Up(arguments) => up::run(&open()?, arguments).await,
            Command::Down => up::down(&cli.dir).await,
            Command::Status { json } => inspect::status(&open()?, *json).await,
            Command::Top => live::top(&open()?).await,
            Command::Lag { json } => inspect::lag(&open()?, *json).await,
            Command::Conformance { json } => conformance::print(*json),
            Command::Token(arguments) => token::run(&open()?, arguments),
            Command::Env { json } => inspect::env(&open()?, *json),
            Command::Replay(arguments) => return replay::run(&cli.dir, arguments).await,
            Command::Redrive(arguments) => return redrive::run(&cli.dir, arguments).await,
            Command::Invoke(arguments) => return invoke::run(&cli.dir, arguments).await,
            Command::Fire(arguments) => fire::fire(&open()?, arguments).await,
            Command::Restart(named) => control::act(&open()?, "restart", &named.name).await,
            Command::Stop(named) => control::act(&open()?, "stop", &named.name).await,
            Command::Start(named) => control::act(&open()?, "start", &named.name).await,
            Command::Exec(arguments) => exec::run(&open()?, arguments).await,
            Command::Scale(arguments) => scale::run(&open()?, arguments).await,
            Command::Logs(arguments) => logs::run(&open()?, arguments).await,
            Command::Completions { shell } => Ok(examples::completions(Cli::command(), *shell)?),
            Command::Lint(arguments) => return lint::run(arguments),
            Command::Topic(command) => topic::run(&open()?, command).await,
        };
        done.map(|()| ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
