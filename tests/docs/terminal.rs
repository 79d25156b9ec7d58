//! The terminals of a reader: in one, commands are typed one after the other; in others, commands keep running. Each ends
//! when it is dropped.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// How long a command may take: the tutorial's first one may have to build what it starts.
const PATIENCE: Duration = Duration::from_secs(300);

const END: &str = "-- the end, with ";

/// Where a terminal is opened.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The folder of its first command.
    pub(crate) folder: PathBuf,
    /// A folder with programs that come before those of the machine, and with the settings of curl.
    pub(crate) programs: PathBuf,
}

impl Setting {
    fn bash(&self) -> Command {
        // A terminal's commands react to Ctrl-C. The tests may run where it is ignored, such as behind `&` in a script, and
        // a child inherits that.
        let mut bash = Command::new("env");
        bash.args(["--default-signal=INT", "bash"]).current_dir(&self.folder);
        let path = std::env::var("PATH").unwrap_or_default();
        bash.env("PATH", format!("{}:{path}", self.programs.display())).env("CURL_HOME", &self.programs);
        // A reader's terminal has none of the variables that `cargo test` and `make test` set.
        for name in ["MAKEFLAGS", "MAKELEVEL", "CARGO", "CARGO_MANIFEST_DIR", "RENEW"] {
            bash.env_remove(name);
        }
        bash
    }
}

/// Runs the commands that it is given, after leaving a process behind that kills them when standard input ends: when the
/// test drops its end of the pipe, or ends, even by SIGKILL.
const KILLED_WITH_THE_TEST: &str = r#"exec 3<&0 </dev/null; (read -r _ <&3; kill -KILL -- -$$) & exec 3<&-; eval "$1""#;

/// Commands that go on until they are interrupted.
pub(crate) struct Background {
    child: Child,
    output: NamedTempFile,
    /// The length of the output that the reader has seen.
    seen: usize,
}

impl Background {
    pub(crate) fn start(setting: &Setting, commands: &str) -> Self {
        let output = NamedTempFile::new().unwrap();
        let write = || File::options().append(true).open(output.path()).unwrap();
        let child = setting
            .bash()
            .args(["-c", KILLED_WITH_THE_TEST, "bash", commands])
            .stdin(Stdio::piped())
            .stdout(write())
            .stderr(write())
            // Ctrl-C reaches this group.
            .process_group(0)
            .spawn()
            .expect("bash");
        Self { child, output, seen: 0 }
    }

    /// Leaves out of [`Self::new_output`] everything that there is now.
    pub(crate) fn look_away(&mut self) {
        self.seen = self.output().len();
    }

    /// The output that the reader has not seen.
    pub(crate) fn new_output(&self) -> String {
        self.output().split_off(self.seen)
    }

    /// Whether the commands have ended.
    pub(crate) fn has_ended(&self) -> bool {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let state = fs::read_to_string(process.join("stat")).unwrap_or_default();
        state.contains(") Z ")
    }

    fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.output.path()).unwrap()).into_owned()
    }

    /// Ctrl-C: the commands end.
    pub(crate) fn interrupt(mut self) {
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
            eprintln!("--- the end of what kept running:\n{}\n---", end(&self.output()));
        }
        self.signal("KILL");
        drop(self.child.wait());
    }
}

/// The output of commands, both streams, and their exit code.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) output: String,
    pub(crate) exit: i32,
}

/// The terminal where commands are typed. A change of folder or of a variable holds for the next command too.
pub(crate) struct Terminal {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Terminal {
    pub(crate) fn open(setting: &Setting) -> Self {
        let mut child = setting
            .bash()
            .args(["-c", "exec 2>&1; exec bash"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        let input = child.stdin.take().unwrap();
        let lines = lines_of(&mut child);
        Self { child, input, lines }
    }

    /// Runs these commands and waits for their end. The exit code is that of the first one that fails.
    pub(crate) fn run(&mut self, commands: &str) -> Outcome {
        // No command reads the lines that are typed after it, as at a terminal.
        let before = "status=0; trap 'code=$?; [ $status -ne 0 ] || status=$code' ERR";
        let after = format!("trap - ERR; echo; echo \"{END}$status\"");
        writeln!(self.input, "{before}\n{{\n{commands}\n}} </dev/null\n{after}").unwrap();
        let mut output = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no end of:\n{commands}\nbut so far:\n{output}"));
            if let Some(exit) = line.strip_prefix(END) {
                return Outcome { output, exit: exit.trim().parse().expect("an exit code") };
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

/// The last lines of an output.
pub(crate) fn end(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

/// The lines of a child's standard output, as they come.
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
