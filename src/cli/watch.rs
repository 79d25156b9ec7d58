//! `certgate watch`: the file that Envoy watches follows a registry that people edit, until the command is ended.

use crate::check::summary;
use crate::time::now;
use crate::{Outcome, Output, input};
use certgate_core::calendar::rfc3339;
use certgate_manage::watch::{Accepted, Event, Watch, module_in, refuse_other};
use certgate_manage::{Code, Diagnostic};
use clap::builder::NonEmptyStringValueParser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The registry, in YAML or JSON
    #[arg(value_name = "REGISTRY")]
    registry: PathBuf,
    /// The file that Envoy watches, for `render envoy --watch`, in a folder of its own
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The path of the module, as Envoy finds it [default: the one that FILE names]
    #[arg(long, value_name = "MODULE", value_parser = NonEmptyStringValueParser::new())]
    module: Option<String>,
}

/// Renders the registry whenever it is saved, and prints what happened; ends with SIGINT or SIGTERM.
pub(crate) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    let Arguments { registry, to, module } = arguments;
    if is_same_file(registry, to) {
        let error = Diagnostic::error(Code::Unwritable, "expected a file for Envoy, found the registry itself");
        input::print(to, &[error.mended_by("name another file with --to")], output)?;
        return Ok(Outcome::Failed);
    }
    let module = match refuse_other(to).and_then(|()| module.clone().map_or_else(|| module_in(to), Ok)) {
        Ok(module) => module,
        Err(error) => {
            input::print(to, &[error], output)?;
            return Ok(Outcome::Failed);
        }
    };
    let (stop, write) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        pipe::register(signal, write.try_clone()?)?;
    }
    let mut watch = Watch::new(registry.clone(), to.clone(), module, now);
    while let Some(event) = watch.next(Some(stop.as_fd()))? {
        tell(&event, registry, to, output)?;
    }
    Ok(Outcome::Good)
}

/// Whether both paths lead to one file that exists.
fn is_same_file(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// Prints a line for an event, and before it one for each error or warning.
fn tell(event: &Event, registry: &Path, to: &Path, output: &mut Output<'_>) -> io::Result<()> {
    let time = rfc3339(now());
    let (name, file) = (format!("{time} {}", registry.display()), to.display());
    let warn = |accepted: &Accepted, output: &mut Output<'_>| input::print_as(&name, &accepted.warnings, output);
    match event {
        Event::Written(accepted) => {
            warn(accepted, output)?;
            writeln!(output.out, "{name}: in {file}: {}", summary(&accepted.policy))
        }
        Event::Current(accepted) => {
            warn(accepted, output)?;
            writeln!(output.out, "{name}: in {file} already: {}", summary(&accepted.policy))
        }
        Event::Restored => writeln!(output.err, "{time} {file}: another program changed or removed it: written again"),
        Event::Refused(errors) => {
            input::print_as(&name, errors, output)?;
            writeln!(output.err, "{name}: refused: {file} stays as it is")
        }
        Event::Unwritable(error) => input::print_as(&format!("{time} {file}"), std::slice::from_ref(error), output),
    }
}
