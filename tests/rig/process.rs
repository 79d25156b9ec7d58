//! An Envoy as a process: started with its output in a file, and gone when its owner is, however that ends.

use super::envoys::repository;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// The most lines of a log that are worth printing.
const TAIL: usize = 100;

/// What to start.
#[derive(Debug)]
pub struct Launch<'a> {
    /// The binary.
    pub envoy: &'a Path,
    /// The bootstrap configuration.
    pub config: &'a Path,
    /// The number of workers.
    pub concurrency: u32,
    /// More arguments.
    pub arguments: Vec<String>,
    /// Where the output goes.
    pub log: &'a Path,
}

/// A running Envoy. Its log is printed if the test that owns it panics.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// Becomes the Envoy whose command line it is given, after leaving somebody behind who kills it when standard input
/// ends: that is when this process drops its end of the pipe, or dies, even by SIGKILL.
const KILLED_WITH_ITS_OWNER: &str = r#"exec 3<&0; (read -r _ <&3; kill -KILL $$) & exec "$@" </dev/null 3<&-"#;

impl Process {
    /// Starts it, at the top of the repository, to which paths in the shipped configuration are relative.
    pub fn start(launch: &Launch<'_>) -> Self {
        drop(fs::remove_file(launch.log));
        // Appending: Envoy opens it a second time where an access log goes to /dev/stdout.
        let output = OpenOptions::new().create(true).append(true).open(launch.log).expect("a log file");
        let child = Command::new("sh")
            .args(["-c", KILLED_WITH_ITS_OWNER, "envoy"])
            .arg(launch.envoy)
            .arg("--config-path")
            .arg(launch.config)
            .args(["--concurrency", &launch.concurrency.to_string()])
            // Nothing takes over from this process, and so many of them can run at once without an id each.
            .arg("--disable-hot-restart")
            .args(["--file-flush-interval-msec", "20"])
            .args(&launch.arguments)
            .current_dir(repository())
            // Ctrl-C at a terminal is for the owner alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output.try_clone().expect("a log file"))
            .stderr(output)
            .spawn()
            .expect("sh can be started");
        Self { child, log: launch.log.to_owned() }
    }

    /// The kernel's number for it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child process")
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).expect("a log file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The last lines of that, without those in which Envoy lists what it consists of and does as always.
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let is_telling = |line: &&str| !line.contains("][info][") || line.contains("][wasm]");
        let lines: Vec<&str> = log.lines().filter(is_telling).collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the end of {}:\n{}\n---", self.log.display(), self.log_tail());
        }
        // The one left behind kills it, and never a stranger of the same number: the number is ours until it is waited for.
        drop(self.child.stdin.take());
        for _ in 0..200 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
