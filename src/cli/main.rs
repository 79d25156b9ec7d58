//! The command line `certgate`: arguments, what is printed where, and exit codes.

mod check;
mod fingerprint;
mod input;
mod names;
mod render;
mod signatures;
mod time;
mod warnings;
mod yaml;

use clap::{Parser, Subcommand};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Keeps the registry of certgate, the Envoy filter for client certificates.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks registries: exit code 0 if certgate in Envoy accepts them all, 1 if not
    Check(check::Arguments),
    /// Prints the fingerprints of certificates, as a registry's `sha256` takes them
    Fingerprint(fingerprint::Arguments),
    /// Makes what Envoy, Istio or Envoy Gateway loads from a registry: certgate and the native guard round it
    Render(Box<render::Arguments>),
}

/// How a command ended, in ascending order of what the exit code must tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Good = 0,
    /// What was looked at is wrong.
    Bad = 1,
    /// It could not be looked at, or not be told of.
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

/// Where a command writes to.
struct Output<'a> {
    /// What was asked for.
    out: &'a mut dyn Write,
    /// What is wrong.
    err: &'a mut dyn Write,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
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
        Command::Render(arguments) => render::run(&arguments, &mut output),
    };
    match done.and_then(|outcome| output.out.flush().map(|()| outcome)) {
        Ok(outcome) => outcome.into(),
        Err(_) => Outcome::Failed.into(),
    }
}

/// A stream that loses what nobody reads any more, as when `head` has read enough: the exit code still tells.
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
