//! Rules over tests: none is switched off, and none sleeps in the hope that something will have happened by then.

use super::{
    Faults,
    tree::{self, File},
};

/// So many lines before a sleep must hold the deadline that ends its loop.
const NEAR: usize = 15;

#[test]
fn no_test_is_switched_off() {
    switched_off(tree::files()).assert_none();
}

#[test]
fn no_test_sleeps_without_a_deadline() {
    sleeps(tree::files()).assert_none();
}

fn switched_off(files: &[File]) -> Faults {
    let mut faults = Faults::default();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (line, _) in file.code().filter(|(_, code)| code.trim_start().starts_with(concat!("#[ig", "nore"))) {
            let advice = "mend the test or remove it: what does not run proves nothing";
            faults.add(format!("{}:{line}", file.path), "a test that is switched off", advice);
        }
    }
    faults
}

/// A sleep is a pause between two looks. A loop with a deadline looks again; a bare sleep is too short on a slow machine
/// and too long on all others.
fn sleeps(files: &[File]) -> Faults {
    let mut faults = Faults::default();
    for file in files.iter().filter(|file| file.is_rust()) {
        let from = if file.path.contains("/src/") { file.tests_begin() } else { 1 };
        let lines: Vec<&str> = file.text.lines().collect();
        for (line, _) in file.code().filter(|(line, code)| *line >= from && is_sleep(code)) {
            let before = lines[line.saturating_sub(NEAR + 1)..line - 1].iter();
            if !before.clone().any(|line| line.contains("deadline")) {
                let advice = format!("look in a loop that fails at a `deadline`, within {NEAR} lines before the sleep");
                faults.add(format!("{}:{line}", file.path), "a sleep without a deadline", advice);
            }
        }
    }
    faults
}

/// A call of `sleep`, not the import.
fn is_sleep(code: &str) -> bool {
    let call = concat!("sle", "ep(");
    code.match_indices(call).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn bare_sleeps_and_switched_off_tests_are_found() {
    let sleep = concat!("tokio::time::sle", "ep(PAUSE).await;");
    let polling = format!("loop {{\n    assert!(Instant::now() < deadline);\n    {sleep}\n}}");
    sleeps(&[File::new("tests/it/a.rs", &polling), File::new("crates/a/src/lib.rs", sleep)]).assert_none();
    let inline = format!("#[cfg(test)]\nmod tests {{\n    {sleep}\n}}");
    let found = [File::new("tests/it/a.rs", sleep), File::new("crates/a/src/lib.rs", &inline)];
    assert_eq!(sleeps(&found).places(), ["tests/it/a.rs:1", "crates/a/src/lib.rs:3"]);
    let off = File::new("tests/it/a.rs", concat!("#[test]\n#[ig", "nore = \"later\"]\nfn f() {}"));
    assert_eq!(switched_off(&[off]).places(), ["tests/it/a.rs:2"]);
}
