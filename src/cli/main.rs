//! The command line `certgate`: arguments, terminal, exit codes. What the commands do is in `certgate-manage`.

mod check;
mod fingerprint;
mod input;
mod lint;
mod patch;
mod render;
mod schema;
mod time;
mod watch;

use clap::{Parser, Subcommand};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Checks and renders registries of certgate, the Envoy filter for client certificates
#[derive(Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check registries; exit code 0 if certgate in Envoy accepts them all, 1 if not
    Check(check::Arguments),
    /// Print the fingerprints of certificates, as a registry's `sha256` takes them
    Fingerprint(fingerprint::Arguments),
    /// Report what is dangerous or missing in an Envoy configuration; exit code 0 without errors, 1 with errors
    Lint(lint::Arguments),
    /// Print the changes to an Envoy configuration after which certgate protects one of its listeners, as a unified diff
    Patch(patch::Arguments),
    /// Print the configuration that a platform loads: certgate with this registry, and the native guard for its rules
    #[command(subcommand)]
    Render(render::Command),
    /// Print the JSON Schema (draft 2020-12) of registries, with which editors check and explain them
    Schema,
    /// Keep the file that Envoy watches up to date with a registry that people edit, until Ctrl-C or SIGTERM
    Watch(watch::Arguments),
}

/// The outcome of a command, in ascending order of severity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Good = 0,
    /// A file has an error.
    Bad = 1,
    /// A file cannot be read, or output cannot be written.
    Failed = 2,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Good => Self::SUCCESS,
            Outcome::Bad => Self::from(1),
            Outcome::Failed => Self::from(2),
        }
    }
}

/// The streams that a command writes to.
struct Output<'a> {
    /// Results.
    out: &'a mut dyn Write,
    /// Errors and warnings.
    err: &'a mut dyn Write,
}

/// Runs the command that the process's arguments name.
fn main() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Help and usage have nowhere else to go when the stream is closed.
            let _ = usage.print();
            return if usage.use_stderr() { Outcome::Failed.into() } else { ExitCode::SUCCESS };
        }
    };
    let mut output = Output { out: &mut Unread(io::stdout().lock()), err: &mut Unread(io::stderr().lock()) };
    let done = match arguments.command {
        Command::Check(arguments) => check::run(&arguments, &mut output),
        Command::Fingerprint(arguments) => fingerprint::run(&arguments, &mut output),
        Command::Lint(arguments) => lint::run(&arguments, &mut output),
        Command::Patch(arguments) => patch::run(&arguments, &mut output),
        Command::Render(command) => render::run(&command, &mut output),
        Command::Schema => schema::run(&mut output),
        Command::Watch(arguments) => watch::run(&arguments, &mut output),
    };
    match done.and_then(|outcome| output.out.flush().map(|()| outcome)) {
        Ok(outcome) => outcome.into(),
        Err(_) => Outcome::Failed.into(),
    }
}

/// A stream that drops what is written once nobody reads it, as when `head` has read enough: the exit code still tells.
struct Unread<W>(W);

impl<W: Write> Write for Unread<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
