//! `logs`.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;

use super::console;
use crate::instance::Instance;

/// How often a followed log is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(200);

/// What `logs` takes.
#[derive(Debug, Args)]
pub(super) struct LogsArguments {
    /// Function or service; the runner's own log when not given
    name: Option<String>,
    /// Go on with what is written from now on
    #[arg(long, short)]
    follow: bool,
    /// Begin with this many of the newest lines
    #[arg(long, default_value_t = 100, value_name = "N")]
    tail: usize,
}

/// Prints the end of a log, and follows it.
pub(super) async fn run(instance: &Instance, arguments: &LogsArguments) -> anyhow::Result<()> {
    let name = arguments.name.as_deref().unwrap_or("millrace");
    let path = instance.log_file(name);
    if !path.is_file() {
        bail!("there is no log of {name}; there are {}", known(instance).join(", "));
    }
    let mut file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).with_context(|| format!("read {}", path.display()))?;
    console::bytes(last_lines(&text, arguments.tail))?;
    if !arguments.follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(FOLLOW_INTERVAL).await;
        text.clear();
        let end = file.metadata().with_context(|| format!("read {}", path.display()))?.len();
        if end < file.stream_position().context("read the log")? {
            // It was emptied (`make clean`, or somebody's `> log`): from its beginning again.
            file.seek(SeekFrom::Start(0)).context("read the log")?;
        }
        file.read_to_end(&mut text).with_context(|| format!("read {}", path.display()))?;
        console::bytes(&text)?;
    }
}

fn known(instance: &Instance) -> Vec<String> {
    let entries = std::fs::read_dir(instance.log_dir()).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().to_str().and_then(|name| name.strip_suffix(".log")).map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn last_lines(text: &[u8], lines: usize) -> &[u8] {
    let ends = text.iter().enumerate().rev().filter(|(at, byte)| **byte == b'\n' && *at + 1 < text.len());
    // The end of the line before the first wanted one.
    let start = ends.map(|(at, _)| at + 1).nth(lines.saturating_sub(1)).unwrap_or(0);
    if lines == 0 { &[] } else { text.get(start..).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_newest_lines_are_shown() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), b"b\nc\n");
        assert_eq!(last_lines(b"a\nb\nc\n", 9), b"a\nb\nc\n");
        assert_eq!(last_lines(b"a\nb", 1), b"b");
        assert_eq!(last_lines(b"a\n", 0), b"");
        assert_eq!(last_lines(b"", 3), b"");
    }
}
