//! `lint`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::Args;

use super::{console, up};
use crate::{
    lint::{self, Finding, Level, Rule},
    template::{self, Options},
};

/// What `lint` takes.
#[derive(Debug, Args)]
pub(super) struct LintArguments {
    /// The SAM template
    #[arg(long, default_value = "template.yaml", value_name = "FILE")]
    template: PathBuf,
    /// A parameter of the template; may stand several times
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = up::parse_parameter)]
    parameters: Vec<(String, String)>,
    /// Say everything about one rule
    #[arg(long, value_name = "RULE", conflicts_with = "rules")]
    explain: Option<String>,
    /// Print all rules instead
    #[arg(long)]
    rules: bool,
    /// As JSON, for scripts
    #[arg(long)]
    json: bool,
}

/// Reads the template and prints what the rules find; an error among it is this command's failure.
pub(super) fn run(arguments: &LintArguments) -> anyhow::Result<ExitCode> {
    if let Some(id) = &arguments.explain {
        let Some(rule) = lint::rule(&id.to_ascii_uppercase()) else {
            bail!("there is no rule {id}; `millrace lint --rules` prints all of them");
        };
        explain(rule, arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.rules {
        list(arguments.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options {
        parameters: arguments.parameters.iter().cloned().collect(),
        environment: std::env::vars().filter(|(_, value)| !value.is_empty()).collect(),
    };
    let findings = match template::load(&arguments.template, &options) {
        Ok(application) => lint::check(&application),
        Err(error) => match lint::refused(&error) {
            Some(finding) => vec![finding],
            None => return Err(error.into()),
        },
    };
    if arguments.json {
        console::line(serde_json::to_string_pretty(&findings).context("write the findings")?)?;
    } else {
        print(&arguments.template.display().to_string(), &findings)?;
    }
    let failed = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(template: &str, findings: &[Finding]) -> anyhow::Result<()> {
    for finding in findings {
        console::line(format!("{template}:{}", finding.line()))?;
        console::line(format!("    why:  {}", finding.why))?;
        console::line(format!("    mend: {}", finding.mend))?;
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    let warnings = findings.len() - errors;
    console::line(match (errors, warnings) {
        (0, 0) => format!("{template}: no trap found by {} rules", lint::rules().count()),
        _ => format!("{} and {}", counted(errors, "error"), counted(warnings, "warning")),
    })?;
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn explain(rule: &Rule, json: bool) -> anyhow::Result<()> {
    if json {
        console::line(serde_json::to_string_pretty(rule).context("write the rule")?)?;
        return Ok(());
    }
    console::line(format!("{} ({}): {}", rule.id, rule.level, rule.title))?;
    console::line(format!("\n{}\n\nMend: {}", rule.why, rule.mend))?;
    if !rule.source.is_empty() {
        console::line(format!("\nSource: https://docs.aws.amazon.com/{}", rule.source))?;
    }
    console::line(format!("\nWhere it is meant: `Metadata: {{Millrace: {{Allow: [{}]}}}}` of the resource.", rule.id))?;
    Ok(())
}

fn list(json: bool) -> anyhow::Result<()> {
    if json {
        let rules: Vec<_> = lint::rules().collect();
        console::line(serde_json::to_string_pretty(&rules).context("write the rules")?)?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> =
        lint::rules().map(|rule| vec![rule.id.to_owned(), rule.level.to_string(), rule.title.to_owned()]).collect();
    console::table(&rows)?;
    Ok(())
}
