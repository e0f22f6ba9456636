//! Printing.

use std::io::Write;

/// Prints a line. A reader that has gone ends nothing.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// The machine's load, so that a figure says what else ran.
pub(crate) fn say_load() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    say(&format!("load average {}", load.trim()));
}
