//! `certgate patch`: an Envoy configuration that exists, changed so that certgate protects one of its listeners.

use crate::{Outcome, Output, check, input};
use certgate_manage::patch::{PatchOptions, Patched, TrustedCa, patch};
use certgate_manage::{Code, Diagnostic, Format, replace};
use clap::builder::NonEmptyStringValueParser;
use similar::TextDiff;
use std::io;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The Envoy configuration, in YAML or JSON; `-`: standard input
    #[arg(value_name = "ENVOY")]
    envoy: PathBuf,
    /// The registry, in YAML or JSON
    #[arg(long, value_name = "FILE")]
    registry: PathBuf,
    /// The name of the listener that certgate protects
    #[arg(long, value_name = "NAME")]
    listener: String,
    /// The path of the module, for the command that makes the watched file [default: certgate.wasm beside ENVOY]
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    module: Option<String>,
    /// The file with the registry that Envoy watches [default: certgate/registry-ecds.yaml beside ENVOY]
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    watch: Option<String>,
    /// The file from which Envoy takes the authorities that sign clients' certificates, as `render sds` makes it, for
    /// filter chains that name none [default: certgate/trusted-ca-sds.yaml beside ENVOY]
    #[arg(long, value_name = "FILE", conflicts_with = "trusted_ca", value_parser = NonEmptyStringValueParser::new())]
    trusted_ca_sds: Option<String>,
    /// A PEM file with these authorities, which Envoy reads when it starts
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    trusted_ca: Option<String>,
    /// Write the whole configuration to this file, which may be ENVOY, and print no diff
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Paths as Envoy finds them.
struct Paths {
    module: String,
    watch: String,
    trusted_ca_sds: String,
}

/// Prints the changes as a unified diff, or writes the changed configuration.
pub(crate) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    let (envoy, registry) = match (input::read(&arguments.envoy), input::read(&arguments.registry)) {
        (Ok(envoy), Ok(registry)) => (envoy, registry),
        (envoy, registry) => {
            for (file, read) in [(&arguments.envoy, envoy), (&arguments.registry, registry)] {
                input::print(file, &Vec::from_iter(read.err()), output)?;
            }
            return Ok(Outcome::Failed);
        }
    };
    let Some(loaded) = check::loaded(&arguments.registry, &registry, output)? else { return Ok(Outcome::Bad) };
    let paths = arguments.paths()?;
    let trusted_ca = match &arguments.trusted_ca {
        Some(file) => TrustedCa::Pem { file, envoy_crl: None },
        None => TrustedCa::Watched { file: &paths.trusted_ca_sds },
    };
    let options = PatchOptions {
        listener: &arguments.listener,
        watch: arguments.watch.as_deref(),
        default_watch: &paths.watch,
        trusted_ca,
    };
    match patch(&envoy, Format::of(&arguments.envoy, &envoy), &loaded, &options) {
        Ok(patched) => arguments.tell(&envoy, &patched, &paths, output),
        Err(errors) => {
            input::print(&arguments.envoy, &errors, output)?;
            Ok(Outcome::Bad)
        }
    }
}

impl Arguments {
    fn paths(&self) -> io::Result<Paths> {
        let folder = std::path::absolute(self.envoy.parent().unwrap_or(Path::new("")).join("."))?;
        let beside = |given: &Option<String>, name: &str| {
            given.clone().unwrap_or_else(|| folder.join(name).display().to_string())
        };
        Ok(Paths {
            module: beside(&self.module, "certgate.wasm"),
            watch: beside(&self.watch, "certgate/registry-ecds.yaml"),
            trusted_ca_sds: beside(&self.trusted_ca_sds, "certgate/trusted-ca-sds.yaml"),
        })
    }

    /// Prints or writes the result, and says what was assumed and what is left to do.
    fn tell(&self, envoy: &[u8], patched: &Patched, paths: &Paths, output: &mut Output<'_>) -> io::Result<Outcome> {
        let before = String::from_utf8_lossy(envoy);
        input::print(&self.envoy, &patched.notes, output)?;
        let is_changed = before != patched.text;
        if is_changed {
            input::print(&self.envoy, &self.next(patched, paths), output)?;
        } else {
            let note = Diagnostic::note(Code::Kept, "nothing has to change");
            input::print(&self.envoy, &[note], output)?;
        }
        let Some(file) = &self.output else {
            if is_changed {
                let name = self.envoy.display().to_string();
                let diff = TextDiff::from_lines(&*before, &patched.text);
                write!(output.out, "{}", diff.unified_diff().header(&name, &name))?;
            }
            return Ok(Outcome::Good);
        };
        // A link is followed, so that the file is replaced and not the link.
        let target = file.canonicalize().unwrap_or_else(|_| file.clone());
        match replace(&target, &patched.text) {
            Ok(()) => Ok(Outcome::Good),
            Err(error) => {
                input::print(file, &[error], output)?;
                Ok(Outcome::Failed)
            }
        }
    }

    /// Notes about files that Envoy needs, with the commands that make them.
    fn next(&self, patched: &Patched, paths: &Paths) -> Vec<Diagnostic> {
        let Paths { module, trusted_ca_sds, .. } = paths;
        let mut notes = Vec::new();
        let mut note = |code, message| notes.push(Diagnostic::note(code, message));
        if let Some(watch) = &patched.watch {
            if *watch == paths.watch && self.watch.is_none() {
                note(Code::Assumed, format!("the watched file is {watch}, since --watch is not given"));
            }
            if self.module.is_none() {
                note(Code::Assumed, format!("the module is {module}, since --module is not given"));
            }
            let command = format!("certgate watch {} --to {watch} --module {module}", self.registry.display());
            note(Code::LeftToDo, format!("Envoy starts once {watch} is there: {}{command}", folder_of(watch)));
        }
        if patched.uses_trusted_ca && self.trusted_ca.is_none() {
            if self.trusted_ca_sds.is_none() {
                let message = format!("the authorities' file is {trusted_ca_sds}, since --trusted-ca-sds is not given");
                note(Code::Assumed, message);
            }
            let folder = Path::new(trusted_ca_sds).parent().unwrap_or(Path::new(""));
            let pem = folder.join("trusted-ca.pem").display().to_string();
            let command = format!("certgate render sds --trusted-ca {pem} > {trusted_ca_sds}");
            note(
                Code::LeftToDo,
                format!(
                    "Envoy starts once {trusted_ca_sds} is there, and {pem} with the certificates of the authorities: {}\
                     {command}",
                    folder_of(trusted_ca_sds)
                ),
            );
        }
        notes
    }
}

/// The command that makes the folder of a file, if the folder is not there.
fn folder_of(file: &str) -> String {
    let folder = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    folder.map(|folder| format!("mkdir -p {} && ", folder.display())).unwrap_or_default()
}
