//! `certgate lint`: the values of an Envoy configuration that are dangerous with certgate in it, and the values that it
//! lacks.

use crate::{Outcome, Output, check, input};
use certgate_manage::envoy_file::EnvoyFile;
use certgate_manage::lint::{self, Finding};
use certgate_manage::{Diagnostic, Document, Format, Severity, load, read};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The Envoy configuration, in YAML or JSON; `-`: standard input
    #[arg(value_name = "ENVOY")]
    envoy: PathBuf,
    /// The registry, in YAML or JSON [default: the one in the configuration, or in the file that Envoy watches]
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<PathBuf>,
}

/// Prints the findings, each with its help, and their number.
pub(crate) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    let Some(envoy) = bytes(&arguments.envoy, output)? else { return Ok(Outcome::Failed) };
    let envoy = match EnvoyFile::read(&envoy, Format::of(&arguments.envoy, &envoy)) {
        Ok(envoy) => envoy,
        Err(errors) => return failed(&arguments.envoy, &errors, output),
    };
    let registry = match &arguments.registry {
        None => None,
        Some(file) => match bytes(file, output)? {
            None => return Ok(Outcome::Failed),
            Some(bytes) => Some((file, bytes)),
        },
    };
    let registry = match &registry {
        None => None,
        Some((file, bytes)) => match load(bytes, Format::of(file, bytes)) {
            Ok(loaded) => Some(loaded),
            Err(errors) => {
                input::print(file, &errors, output)?;
                return Ok(Outcome::Bad);
            }
        },
    };
    // A file that cannot be read is a finding.
    let named = lint::named_files(&envoy).into_iter().filter_map(|path| Some((fs::read(&path).ok()?, path)));
    let named: Vec<(Vec<u8>, String)> = named.collect();
    let mut files: BTreeMap<String, Document<'_>> = BTreeMap::new();
    for (bytes, path) in &named {
        match read(bytes, Format::of(Path::new(path), bytes)) {
            Ok(document) => drop(files.insert(path.clone(), document)),
            Err(errors) => return failed(Path::new(path), &errors, output),
        }
    }
    print(&arguments.envoy, &lint::lint(&envoy, &files, registry.as_ref()), output)
}

/// The bytes of a file, or its error, printed.
fn bytes(file: &Path, output: &mut Output<'_>) -> io::Result<Option<Vec<u8>>> {
    match input::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => input::print(file, &[error], output).map(|()| None),
    }
}

fn failed(file: &Path, errors: &[Diagnostic], output: &mut Output<'_>) -> io::Result<Outcome> {
    input::print(file, errors, output)?;
    Ok(Outcome::Failed)
}

fn print(file: &Path, findings: &[Finding], output: &mut Output<'_>) -> io::Result<Outcome> {
    let here = file.display().to_string();
    for Finding { file, diagnostic } in findings {
        let file = file.as_ref().unwrap_or(&here);
        let found = Diagnostic { mend: None, ..diagnostic.clone() };
        writeln!(output.out, "{}", found.line(file))?;
        if let Some(help) = &diagnostic.mend {
            writeln!(output.out, "  help: {help}")?;
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.diagnostic.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    writeln!(output.out, "{here}: {}, {}", check::count(errors, "error"), check::count(warnings, "warning"))?;
    Ok(if errors == 0 { Outcome::Good } else { Outcome::Bad })
}
