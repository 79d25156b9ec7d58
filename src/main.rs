//! The command line `certgate`: parse, run, exit code. Everything else is in [`certgate::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    certgate::cli::run()
}
