//! Templates that nobody would write: they may be refused, and never panic, hang or fill the memory.

use std::{path::Path, time::Instant};

use proptest::prelude::*;

use super::{Options, parse};

/// What templates are made of, and some of what they should not have.
const PIECES: [&str; 42] = [
    "!Ref ",
    "!Sub ",
    "!If ",
    "!GetAtt ",
    "!Join ",
    "!Select ",
    "!Split ",
    "!FindInMap ",
    "!Equals ",
    "!And ",
    "!Not ",
    "!Condition ",
    "!Base64 ",
    "Fn::Sub: ",
    "Fn::ForEach::X: ",
    "Ref: ",
    "${",
    "${!",
    "}",
    "{",
    "[",
    "]",
    ", ",
    ": ",
    "\n",
    "\n  ",
    "\n      ",
    "\t",
    "- ",
    "&a ",
    "*a",
    "'",
    "\"",
    "|\n",
    "~",
    "---\n",
    "\u{feff}",
    "\r\n",
    "é世",
    "-1",
    "99999999999999999999",
    "AWS::NoValue",
];

const TEMPLATES: [&str; 8] = [
    include_str!("../../tests/templates/anchors.yaml"),
    include_str!("../../tests/templates/conditions.yaml"),
    include_str!("../../tests/templates/globals.yaml"),
    include_str!("../../tests/templates/json.yaml"),
    include_str!("../../tests/templates/parameters.yaml"),
    include_str!("../../tests/templates/rules.yaml"),
    include_str!("../../tests/templates/substitutions.yaml"),
    include_str!("../../tests/templates/triggers.yaml"),
];

/// One change: cut out, put a piece in, or move a line.
#[derive(Debug, Clone)]
enum Change {
    Cut(usize, usize),
    Insert(usize, usize),
    Move(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<usize>(), 1..60_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<usize>(), 0..PIECES.len()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Change::Move(from, to)),
    ]
}

fn apply(text: &str, change: &Change) -> String {
    match change {
        Change::Cut(at, length) => {
            let count = text.chars().count().max(1);
            let at = at % count;
            text.chars().take(at).chain(text.chars().skip(at + length)).collect()
        }
        Change::Insert(at, piece) => {
            let at = at % (text.chars().count() + 1);
            let (before, after): (String, String) = (text.chars().take(at).collect(), text.chars().skip(at).collect());
            format!("{before}{}{after}", PIECES[*piece])
        }
        Change::Move(from, to) => {
            let mut lines: Vec<&str> = text.lines().collect();
            if lines.is_empty() {
                return String::new();
            }
            let line = lines.remove(from % lines.len());
            lines.insert(to % (lines.len() + 1), line);
            lines.join("\n")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_templates_are_read_or_refused(which in 0..TEMPLATES.len(), changes in prop::collection::vec(change(), 1..6)) {
        let text = changes.iter().fold(TEMPLATES[which].to_owned(), |text, change| apply(&text, change));
        match parse(&text, Path::new("t.yaml"), &Options::default()) {
            Ok(application) => drop(crate::lint::check(&application)),
            Err(error) => prop_assert!(error.to_string().starts_with("t.yaml:"), "{}", error),
        }
    }
}

/// A template of doublings: each name is twice the one before.
fn doubled(first: &str, next: impl Fn(usize) -> String, last: &str) -> String {
    (1..60).fold(first.to_owned(), |text, at| text + &next(at)) + last
}

#[test]
fn bombs_are_refused_in_time() {
    let function = "\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Runtime: provided.al2023\n      CodeUri: f/\n";
    let aliases = doubled("X:\n  a0: &a0 [x]\n", |at| format!("  a{at}: &a{at} [*a{}, *a{}]\n", at - 1, at - 1), "");
    let long = format!("X:\n  - &a {}\n{}", "x".repeat(500_000), "  - *a\n".repeat(50_000));
    let conditions = doubled(
        "Conditions:\n  C0: !Equals [a, a]\n",
        |at| format!("  C{at}: !And [!Condition C{}, !Condition C{}]\n", at - 1, at - 1),
        "Resources: {L: {Type: AWS::Logs::LogGroup}}\n",
    );
    let names = doubled(
        "Resources:\n  B0: {Type: AWS::S3::Bucket, Properties: {BucketName: xx}}\n",
        |at| {
            let before = at - 1;
            format!(
                "  B{at}: {{Type: AWS::S3::Bucket, Properties: {{BucketName: !Sub '${{B{before}}}${{B{before}}}'}}}}\n"
            )
        },
        "",
    );
    let deep = format!("Resources: {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_maps = format!("Resources: {}", "{a: ".repeat(50_000));
    let deep_calls = format!("Resources:{function}      Timeout: {}\n", "!If [C, ".repeat(2000));
    let keys: String = (0..100_000).map(|at| format!("k{at}: x\n")).collect();
    let globals = {
        let variables: String = (0..499).map(|at| format!("        V{at}: x\n")).collect();
        let functions: String = (0..499)
            .map(|at| format!("  F{at}: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: f/}}}}\n"))
            .collect();
        format!(
            "Globals:\n  Function:\n    Runtime: provided.al2023\n    Environment:\n      Variables:\n{variables}Resources:\n{functions}"
        )
    };
    let large = "#".repeat(2_000_000);
    for (name, text) in [
        ("aliases", aliases),
        ("long", long),
        ("conditions", conditions),
        ("names", names),
        ("deep", deep),
        ("deep maps", deep_maps),
        ("deep calls", deep_calls),
        ("keys", keys),
        ("globals", globals),
        ("large", large),
    ] {
        let began = Instant::now();
        let error = parse(&text, Path::new("t.yaml"), &Options::default()).map(drop).unwrap_err().to_string();
        // Unoptimised, on a busy machine.
        assert!(began.elapsed().as_secs() < 60, "{name}: {:?}", began.elapsed());
        let limit =
            ["more than", "too many", "bytes", "longer than", "recursion", "refers to itself", "not valid YAML"];
        assert!(limit.iter().any(|words| error.contains(words)), "{name}: {error}");
    }
}
