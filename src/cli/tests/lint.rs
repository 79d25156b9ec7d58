//! The lint of Envoy configurations: each finding with its place and its help, and nothing about good configurations.

mod good;
mod guard;
mod listener;
mod page;
mod plugin;
mod routes;

use certgate_test_support::command_line::Run;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A configuration in which there is nothing to find.
const ENVOY: &str = include_str!("lint/envoy.yaml");

/// A folder with an Envoy configuration, and files that it names.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.path().join(name), text).unwrap());
        Self(folder)
    }

    fn lint(&self, arguments: &[&str]) -> Run {
        lint(self.0.path(), arguments)
    }
}

fn lint(folder: &Path, arguments: &[&str]) -> Run {
    Run::of(env!("CARGO_BIN_EXE_certgate"), folder, &[&["lint"], arguments].concat(), "")
}

/// The good configuration with these changes: each is a text in it, and the text in its place.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(ENVOY.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "{old} is not in the configuration");
        text.replacen(old, new, 1)
    })
}

/// The output for the good configuration with these changes.
fn found(changes: &[(&str, &str)]) -> String {
    let run = Folder::new(&[("envoy.yaml", &changed(changes))]).lint(&["envoy.yaml"]);
    assert_eq!((run.code, run.err.as_str()), (i32::from(run.out.contains(" error[")), ""), "{}", run.out);
    run.out
}
