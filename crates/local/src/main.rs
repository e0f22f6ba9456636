//! See the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    millrace::cli::main()
}
