//! The dashboard in Chromium, as a person uses it: live figures, stop and start, a narrow window, light and dark, keyboard.

use std::process::Command;

use super::instance::{Instance, root};

pub(crate) fn shows_and_steers_the_pipeline(instance: &Instance) {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test`"));
    let output = Command::new(variable("MILLRACE_READERS_PYTHON"))
        .arg(root().join("tests/browser/check.py"))
        .args([variable("MILLRACE_CHROMIUM"), variable("MILLRACE_AXE"), instance.api("DashboardHttpApi")])
        .output()
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
}
