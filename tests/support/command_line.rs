//! The command line `certgate`, as a program: where its binary is, and runs of it.

use crate::repository;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

/// The exit code and the output of a run of `certgate`.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Run {
    /// Runs this binary of `certgate` in this folder.
    ///
    /// # Panics
    ///
    /// If the binary cannot be run, a signal ends it, or its output is not UTF-8.
    pub fn of(binary: impl AsRef<Path>, folder: &Path, arguments: &[&str], input: &str) -> Self {
        let mut child = Command::new(binary.as_ref())
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A run that refuses its options does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The standard output of a run that succeeds, in the folder of the test.
    ///
    /// # Panics
    ///
    /// If the run fails.
    pub fn successful(arguments: &[&str], input: &str) -> String {
        let run = Self::of(command_line(), Path::new("."), arguments, input);
        assert_eq!(run.code, 0, "{}", run.err);
        run.out
    }
}

/// The binary `certgate`, which Cargo puts beside the tests that it builds.
///
/// # Panics
///
/// If the binary is missing, or older than the source of the command line.
pub fn command_line() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    current(test.parent().and_then(Path::parent).expect("the folder of the tests").join("certgate"), "cargo build")
}

/// The static binary `certgate`, which runs in any container.
///
/// # Panics
///
/// If the binary is missing, or older than the source of the command line.
pub fn static_command_line() -> PathBuf {
    current(repository().join("target/certgate"), "make certgate")
}

/// The binary, which this command builds, unless it is missing or older than its source.
fn current(binary: PathBuf, command: &str) -> PathBuf {
    let built = modified(&binary).unwrap_or_else(|| panic!("no binary {}: run `{command}`", binary.display()));
    for folder in ["src/core", "src/manage", "src/cli"] {
        let newest = newest(&repository().join(folder));
        assert!(newest <= Some(built), "{} is older than {folder}: run `{command}`", binary.display());
    }
    binary
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// When a Rust file of the product in the folder was last changed. Cargo builds the binary anew for each of these, and
/// not for a file of tests or a manifest.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).expect("a folder of source").map(|entry| entry.expect("an entry").path());
    let product = entries.filter(|path| path.file_stem().is_some_and(|name| name != "tests"));
    let modified = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => newest(&path),
        Some(extension) if extension == "rs" => modified(&path),
        _ => None,
    };
    product.filter_map(modified).max()
}
