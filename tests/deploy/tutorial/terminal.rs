//! The reader's terminals: one in which something keeps running, one in which commands are typed one after the other, and
//! a connection that is left open. Each ends when it is dropped.

use crate::support::envoys::repository;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// How long a command may take: the first one may have to build what it starts.
const PATIENCE: Duration = Duration::from_secs(300);

const END: &str = "-- the end, with ";

fn bash() -> Command {
    // A terminal's commands react to Ctrl-C. The tests may run where it is ignored, such as behind `&` in a script, and a
    // child inherits that.
    let mut bash = Command::new("env");
    bash.args(["--default-signal=INT", "bash"]).current_dir(repository());
    // What `cargo test` and `make test` set, the reader's terminal does not have.
    for name in ["MAKEFLAGS", "MAKELEVEL", "CARGO", "CARGO_MANIFEST_DIR"] {
        bash.env_remove(name);
    }
    bash
}

/// A command that goes on until it is interrupted.
pub(super) struct Background {
    child: Child,
    output: NamedTempFile,
}

impl Background {
    pub(super) fn start(command: &str) -> Self {
        let output = NamedTempFile::new().unwrap();
        let write = || File::options().append(true).open(output.path()).unwrap();
        let child = bash()
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(write())
            .stderr(write())
            // What Ctrl-C reaches.
            .process_group(0)
            .spawn()
            .expect("bash");
        Self { child, output }
    }

    /// Waits until it has said this.
    pub(super) fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    /// Waits until it has said this so many times.
    pub(super) fn wait_for_times(&self, text: &str, times: usize) {
        let began = Instant::now();
        loop {
            let said = self.said();
            if said.matches(text).count() >= times {
                return;
            }
            let process = format!("/proc/{}", self.child.id());
            let state = fs::read_to_string(format!("{process}/stat")).unwrap_or_default();
            assert!(!state.contains(") Z "), "it ended before it said `{text}`:\n{said}");
            assert!(began.elapsed() < PATIENCE, "it has not said `{text}`, but:\n{said}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.output.path()).unwrap()
    }

    /// Ctrl-C: it ends.
    pub(super) fn interrupt(mut self) {
        self.signal("INT");
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_secs(20), "Ctrl-C does not end it");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        drop(Command::new("kill").args(["-s", signal, "--", &group]).stderr(Stdio::null()).status());
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the first terminal:\n{}\n---", self.said());
        }
        self.signal("KILL");
        drop(self.child.wait());
    }
}

/// What a command printed, both streams, and its exit code.
pub(super) struct Said {
    pub(super) output: String,
    pub(super) status: i32,
}

impl Said {
    pub(super) fn succeeds(self) {
        assert_eq!(self.status, 0, "{}", self.output);
    }
}

/// Where commands are typed. The folder that one changes to is where the next one begins.
pub(super) struct Terminal {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Terminal {
    pub(super) fn open() -> Self {
        let mut child = bash()
            .args(["-c", "exec 2>&1; exec bash"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        let input = child.stdin.take().unwrap();
        let lines = lines_of(&mut child);
        Self { child, input, lines }
    }

    /// Runs this and waits for its end.
    pub(super) fn run(&mut self, commands: &str) -> Said {
        // So that no command reads what is typed after it, as none does at a terminal.
        writeln!(self.input, "{{\n{commands}\n}} </dev/null\nstatus=$?; echo; echo \"{END}$status\"").unwrap();
        let mut output = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no end of:\n{commands}\nbut so far:\n{output}"));
            if let Some(status) = line.strip_prefix(END) {
                return Said { output, status: status.trim().parse().expect("an exit code") };
            }
            output.push_str(&line);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A TLS connection with a certificate of the demo's that stays open between requests.
pub(super) struct Open {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Open {
    pub(super) fn connect(certificate: &str) -> Self {
        let command = format!(
            "openssl s_client -quiet -connect localhost:8443 -CAfile ca.pem -cert {certificate}.pem -key {certificate}.key"
        );
        let mut child = bash()
            .args(["-c", &format!("cd target/demo && exec {command}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash");
        let input = child.stdin.take().unwrap();
        let lines = lines_of(&mut child);
        Self { child, input, lines }
    }

    /// Asks for this path: the status of the answer.
    pub(super) fn ask(&mut self, path: &str) -> String {
        write!(self.input, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20)).expect("an answer on an open connection");
            // The answer before may have ended without an end of line.
            if let Some((_, rest)) = line.split_once("HTTP/1.1 ") {
                return rest.chars().take(3).collect();
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What it writes to its standard output, as it comes.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    receiver
}
