//! The live view on a terminal that answers nothing: it opens, shows the functions, and leaves the stack running.

use std::process::Command;

use super::instance::Instance;

/// A terminal of Python's: runs the command, waits for the view, presses q, and ends as the command does.
const TERMINAL: &str = r#"
import fcntl, os, pty, select, struct, sys, termios, time
pid, screen = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    os.environ["TERM"] = "xterm-256color"
    os.execv(sys.argv[1], sys.argv[1:])
shown, pressed, deadline = b"", False, time.time() + 30
while time.time() < deadline:
    if select.select([screen], [], [], 0.1)[0]:
        try:
            part = os.read(screen, 65536)
        except OSError:
            part = b""
        if not part:
            break
        shown += part
    if not pressed and b"github-poller" in shown:
        os.write(screen, b"q")
        pressed = True
else:
    sys.exit("no view, or no end of it: " + repr(shown[-2000:]))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if pressed else "no view: " + repr(shown[-2000:]))
"#;

pub(crate) fn opens_and_is_left(instance: &Instance) {
    let python = std::env::var("MILLRACE_READERS_PYTHON").expect("MILLRACE_READERS_PYTHON is not set: run `make test`");
    let output = Command::new(python)
        .args(["-c", TERMINAL])
        .arg(instance.program())
        .args(["top", "--dir"])
        .arg(instance.dir())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
