//! Ends the functions' processes when the runner itself is killed, and so cannot.
//!
//! A shell with a pipe from the runner keeps the list of process groups. When the runner ends, however that happens, the
//! pipe closes, and the shell kills what is still on the list. Linux's signal for the parent's death would miss what a
//! function has started, comes at the end of a thread, and does not exist elsewhere.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{ChildStdin, Command, Stdio},
    sync::{LazyLock, Mutex, PoisonError},
};

use tracing::warn;

/// `+ 12` adds a group, `- 12` removes it.
const SCRIPT: &str = r#"
trap '' INT TERM HUP QUIT
groups=' '
while read -r sign group; do
    case $sign in
        +) groups="$groups$group " ;;
        -) case $groups in *" $group "*) groups="${groups%% "$group" *} ${groups#* "$group" }" ;; esac ;;
    esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
"#;

/// One for the whole process; it ends with it.
static GUARD: LazyLock<Option<Mutex<ChildStdin>>> = LazyLock::new(|| match start() {
    Ok(pipe) => Some(Mutex::new(pipe)),
    Err(error) => {
        warn!(%error, "functions would outlive a runner that is killed: no shell to end them");
        None
    }
});

fn start() -> std::io::Result<ChildStdin> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "millrace-guard"]).current_dir("/").env_clear().process_group(0);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    child.stdin.ok_or_else(|| std::io::Error::other("the shell has no input"))
}

/// Puts a process group on the list.
pub(super) fn add(group: u32) {
    tell('+', group);
}

/// Takes one that has ended off it.
pub(super) fn remove(group: u32) {
    tell('-', group);
}

fn tell(sign: char, group: u32) {
    if let Some(pipe) = GUARD.as_ref() {
        let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        // A shell that somebody killed guards nothing; functions run on without it.
        let _ = writeln!(pipe, "{sign} {group}");
    }
}
