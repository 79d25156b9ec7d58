//! Commands of other programs, each with an end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// The most seconds that a command may take: images are written to disk, on a machine that others use too.
const SECONDS: &str = "120";

/// This command, which is killed if it takes too long.
pub(super) fn bounded(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", SECONDS, program]);
    // Of a `make` that runs the tests.
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    command
}

/// What a command wrote to standard output. Panics if it fails.
pub(super) fn said(command: &mut Command) -> Vec<u8> {
    let Output { status, stdout, stderr } = command.output().expect("`timeout` can be started");
    assert!(
        status.success(),
        "{command:?}: {status}\n{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    );
    stdout
}

/// The same as text, without white space round it.
pub(super) fn text(command: &mut Command) -> String {
    String::from_utf8(said(command)).expect("text in UTF-8").trim().to_owned()
}

/// Runs a program in a folder.
pub(super) fn run<S: AsRef<OsStr>>(folder: &Path, program: &str, arguments: impl IntoIterator<Item = S>) -> String {
    text(bounded(program).args(arguments).current_dir(folder))
}
