//! Functions: their runtime, their variables, their rights.

use super::rule::{Findings, Level, Rule};
use crate::template::spec::{Application, Outline};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "M070",
        level: Level::Error,
        title: "the runtime is retired",
        why: "Lambda no longer creates functions with this runtime, and no longer patches it.",
        mend: "Use Runtime: provided.al2023; a program for musl, or built on Amazon Linux 2023, runs there as it is.",
        source: "lambda/latest/dg/lambda-runtimes.html",
        check: retired,
    },
    Rule {
        id: "M071",
        level: Level::Warning,
        title: "a secret stands in the template",
        why: "Whoever reads the repository, or may read the function's configuration, has it; and changing it is a deploy.",
        mend: "Keep it in Secrets Manager and give the function its ARN; or take it from a parameter with NoEcho: true.",
        source: "lambda/latest/dg/configuration-envvars.html",
        check: secrets,
    },
    Rule {
        id: "M072",
        level: Level::Warning,
        title: "a policy allows everything of a service on everything",
        why: "A fault in the function, or in one of its dependencies, reaches every resource of the account.",
        mend: "Name the actions, and the ARNs that they are for.",
        source: "IAM/latest/UserGuide/best-practices.html",
        check: wildcards,
    },
];

fn retired(application: &Application, findings: &mut Findings<'_>) {
    for id in application.functions.keys() {
        let path = format!("{id}.Runtime");
        if let Some(runtime) =
            application.outline.text(&path).filter(|runtime| matches!(*runtime, "provided" | "provided.al2"))
        {
            findings.at(&path, format!("Runtime: {runtime}"));
        }
    }
}

/// Words that a secret's variable ends with.
const SECRET_WORDS: [&str; 9] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIALS"];

fn secrets(application: &Application, findings: &mut Findings<'_>) {
    for id in application.functions.keys() {
        let base = format!("{id}.Environment.Variables");
        for (path, written) in application.outline.below(&base) {
            let name = path.rsplit('.').next().unwrap_or(path);
            let Some(text) = written.text.as_deref().filter(|text| written.literal && !text.is_empty()) else {
                continue;
            };
            if SECRET_WORDS.iter().any(|word| name.to_ascii_uppercase().ends_with(word)) || has_password(text) {
                findings.at(path, format!("{name} is written out"));
            }
        }
    }
}

/// `postgres://user:password@host`.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

fn wildcards(application: &Application, findings: &mut Findings<'_>) {
    let outline = &application.outline;
    let statements = outline.properties.keys().filter_map(|path| {
        // `...Statement.0`, or `...Statement` when it is one alone.
        let (before, last) = path.rsplit_once('.')?;
        let listed = last.parse::<usize>().is_ok() && before.ends_with(".Statement");
        (listed || last == "Statement").then_some(path)
    });
    for statement in statements {
        let allows = outline.text(&format!("{statement}.Effect")) == Some("Allow");
        if !allows || !any(outline, &format!("{statement}.Resource"), |text| text == "*") {
            continue;
        }
        if any(outline, &format!("{statement}.Action"), |text| text.ends_with('*') && is_whole(text)) {
            findings.at(&format!("{statement}.Action"), "every action of a service on Resource: '*'".to_owned());
        }
    }
}

/// `*` or `s3:*`; `s3:Get*` is a choice.
fn is_whole(action: &str) -> bool {
    action == "*" || action.ends_with(":*")
}

fn any(outline: &Outline, path: &str, fits: impl Fn(&str) -> bool) -> bool {
    let own = outline.text(path).into_iter();
    own.chain(outline.below(path).filter_map(|(_, written)| written.text.as_deref())).any(fits)
}

#[cfg(test)]
mod tests {
    use super::has_password;

    #[test]
    fn passwords_in_urls() {
        for (text, expected) in [
            ("postgres://u:p@h/db", true),
            ("postgres://u@h/db", false),
            ("postgres://u:@h/db", false),
            ("http://h:80/a:b@c", false),
            ("u:p@h", false),
        ] {
            assert_eq!(has_password(text), expected, "{text}");
        }
    }
}
