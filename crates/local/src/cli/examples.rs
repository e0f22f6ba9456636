//! Examples beneath the long help of commands, and the commands of shell completion.

use std::io;

use clap::Command;
use clap_complete::Shell;

use super::console;

/// By command.
const EXAMPLES: [(&str, &str); 10] = [
    (
        "up",
        "  millrace up                                   everything in template.yaml, until Ctrl-C
  millrace up shop                              one system, with the services that it needs
  millrace up --template other/template.yaml --parameter Stage=test
  millrace up --detach --ports free             behind, beside another stack; then: eval \"$(millrace env)\"
  millrace up --services-only                   broker, database and storage, for tests",
    ),
    (
        "status",
        "  millrace status
  millrace status --json | jq '.functions[] | select(.errors > 0)'",
    ),
    (
        "invoke",
        "  millrace invoke github-poller                 with the event {}
  millrace invoke github-lake-writer --event events/github-lake-writer/batch.json
  echo '{\"a\": 1}' | millrace invoke my-function --event -
  millrace invoke my-function --asynchronous    accepted, and run later",
    ),
    (
        "logs",
        "  millrace logs                                 the runner's own
  millrace logs github-poller --follow --tail 20",
    ),
    (
        "lag",
        "  millrace lag
  millrace lag --json | jq 'map(.lag) | add'",
    ),
    (
        "lint",
        "  millrace lint
  millrace lint --template other.yaml --parameter Stage=prod
  millrace lint --explain M003                  why it hurts, and what to do
  millrace lint --rules",
    ),
    (
        "conformance",
        "  millrace conformance | less
  millrace conformance --json | jq -r '.[] | select(.source == \"\") | .id'",
    ),
    (
        "env",
        "  eval \"$(millrace env)\"                         addresses of the stack, for programs and tests
  millrace env --json | jq -r .KAFKA_BOOTSTRAP_SERVERS",
    ),
    (
        "redrive",
        "  millrace redrive github-events.dlq --dry-run  what would be sent, by rule and topic
  millrace redrive github-events.dlq --rule timestamp --limit 100
  millrace redrive github-events.failed         what the trigger gave up after its retries",
    ),
    (
        "completions",
        "  millrace completions bash > ~/.local/share/bash-completion/completions/millrace
  millrace completions zsh > ~/.zfunc/_millrace       (with `fpath+=~/.zfunc` before `compinit`)
  millrace completions fish > ~/.config/fish/completions/millrace.fish",
    ),
];

/// The command line with the examples.
pub(super) fn with_examples(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (name, examples)| {
        command.mut_subcommand(name, |command| command.after_long_help(format!("Examples:\n{examples}")))
    })
}

/// Prints the completions of a shell.
///
/// # Errors
/// When standard output is closed.
pub(super) fn completions(mut command: Command, shell: Shell) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "millrace", &mut script);
    console::bytes(&script)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{super::Cli, EXAMPLES, with_examples};

    /// What is shown must be accepted.
    #[test]
    fn the_examples_are_right() {
        for (name, examples) in EXAMPLES {
            let lines = examples.lines().map(str::trim);
            for line in lines {
                let from = line.find("millrace ").unwrap_or_else(|| panic!("{line}"));
                let command = line[from..].split(['|', '>', ')']).next().unwrap();
                let command = command.split("  ").next().unwrap();
                let words: Vec<&str> = command.split_whitespace().collect();
                assert_eq!(words[1], name, "{line}");
                let read = with_examples(Cli::command()).try_get_matches_from(words);
                assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
            }
        }
    }
}
