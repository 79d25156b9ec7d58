//! `certgate watch`, through the binary: every way in which a registry is saved, errors that are told once, files that are
//! not there or that others write, and a process that does not grow.

mod months;
mod others;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, pipe};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest time in which something has to happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// A time in which everything that has to happen has happened.
const QUIET: Duration = Duration::from_secs(4);

/// A registry with one client of this alias.
fn registry(alias: &str) -> String {
    let sha256 = "0000000000000000000000000000000000000000000000000000000000000012";
    format!(
        "version: 1\ntiers: {{t: {{}}}}\nclients:\n- {{alias: {alias}, tier: t, credentials: [{{sha256: '{sha256}'}}]}}\n"
    )
}

/// A running `certgate watch` in a folder of its own. It ends when this is dropped.
struct Watch {
    folder: TempDir,
    child: Child,
    lines: Receiver<String>,
}

impl Watch {
    /// Starts with a registry of one client, `first`, and waits until it is in the file.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("registry.yaml"), registry("first")).unwrap();
        fs::create_dir(folder.path().join("live")).unwrap();
        let watch = Self::start(folder, &["--module", "certgate.wasm"]);
        watch.expect("registry.yaml: in live/ecds.yaml: ok: 1 client, ");
        assert!(watch.live().contains("alias: first"));
        watch
    }

    fn start(folder: TempDir, options: &[&str]) -> Self {
        // One pipe for both streams keeps the order of their lines.
        let (output, input) = pipe().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_certgate"))
            .args(["watch", "registry.yaml", "--to", "live/ecds.yaml"])
            .args(options)
            .current_dir(folder.path())
            .stdout(input.try_clone().unwrap())
            .stderr(input)
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                // The test may be over.
                let _ = sender.send(line.unwrap());
            }
        });
        Self { folder, child, lines }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn live(&self) -> String {
        fs::read_to_string(self.path("live/ecds.yaml")).unwrap()
    }

    /// The next line, without its time.
    fn next(&self, patience: Duration) -> Option<String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                let (time, said) = line.split_once(' ').unwrap_or_default();
                assert!(time.starts_with("20") && time.ends_with('Z') && time.len() == 20, "{line}");
                Some(said.to_owned())
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the watch has ended"),
        }
    }

    /// Asserts that the next line begins so.
    fn expect(&self, start: &str) {
        let line = self.next(PATIENCE).unwrap_or_else(|| panic!("no line {start}"));
        assert!(line.starts_with(start), "{line}\nexpected {start}");
    }

    /// Waits until the file has the client of this alias, and says so in one line.
    fn expect_live(&self, alias: &str) {
        self.expect("registry.yaml: in live/ecds.yaml: ok: 1 client, ");
        assert!(self.live().contains(&format!("alias: {alias}\n")), "{alias}: {}", self.live());
    }

    fn expect_silence(&self) {
        assert_eq!(self.next(QUIET), None);
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// The exit code after this signal.
    fn end(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("still there after {signal}");
    }

    /// A number in a file about the process.
    fn number(&self, file: &str, key: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// The files beside the one that Envoy watches.
    fn beside(&self) -> Vec<String> {
        let names = fs::read_dir(self.path("live")).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).filter(|name| name != "ecds.yaml").collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_way_of_saving_is_noticed() {
    let watch = Watch::new();
    watch.write("registry.yaml", &registry("in-place"));
    watch.expect_live("in-place");
    watch.write("registry.yaml.swp", &registry("by-rename"));
    watch.rename("registry.yaml.swp", "registry.yaml");
    watch.expect_live("by-rename");
    // As vim does with `backupcopy=no`: the old file gets another name first.
    watch.rename("registry.yaml", "registry.yaml~");
    watch.write("registry.yaml", &registry("a-new-file"));
    watch.expect_live("a-new-file");
    // Emptied, and written a moment later.
    watch.write("registry.yaml", "");
    thread::sleep(Duration::from_millis(700));
    watch.write("registry.yaml", &registry("emptied"));
    watch.expect_live("emptied");
    // In pieces.
    let text = registry("in-pieces");
    for end in [20, 40, 70, text.len()] {
        watch.write("registry.yaml", &text[..end]);
        thread::sleep(Duration::from_millis(50));
    }
    watch.expect_live("in-pieces");
    let name = |alias: &str| {
        assert!(
            Command::new("sed")
                .args(["-i", &format!("s/alias: [a-z-]*/alias: {alias}/")])
                .arg(watch.path("registry.yaml"))
                .status()
                .unwrap()
                .success()
        )
    };
    name("by-sed");
    watch.expect_live("by-sed");
    assert!(watch.beside().is_empty());
}

/// A volume of Kubernetes: the file is a link into a folder that is a link, and only the latter is replaced.
#[test]
fn a_link_that_is_replaced_is_noticed() {
    let watch = Watch::new();
    let generation = |number: u32, alias: &str| {
        let folder = format!("..generation-{number}");
        fs::create_dir(watch.path(&folder)).unwrap();
        watch.write(&format!("{folder}/registry.yaml"), &registry(alias));
        symlink(&folder, watch.path("..data_tmp")).unwrap();
        watch.rename("..data_tmp", "..data");
    };
    generation(1, "one");
    fs::remove_file(watch.path("registry.yaml")).unwrap();
    symlink("..data/registry.yaml", watch.path("registry.yaml")).unwrap();
    watch.expect_live("one");
    generation(2, "two");
    watch.expect_live("two");
    // A link to another folder, where a file is written in place.
    fs::create_dir(watch.path("elsewhere")).unwrap();
    watch.write("elsewhere/r.yaml", &registry("three"));
    symlink("elsewhere/r.yaml", watch.path("next")).unwrap();
    watch.rename("next", "registry.yaml");
    watch.expect_live("three");
    watch.write("elsewhere/r.yaml", &registry("four"));
    watch.expect_live("four");
}

#[test]
fn errors_are_told_once_and_change_nothing() {
    let watch = Watch::new();
    let before = watch.live();
    let wrong = "version: 2\nclients: []\n";
    watch.write("registry.yaml", wrong);
    watch.expect("registry.yaml:1:10: error[CG0101]: version: expected 1, found 2");
    watch.expect("registry.yaml: refused: live/ecds.yaml stays as it is");
    watch.write("registry.yaml", &format!("{wrong}# still wrong\n"));
    watch.write("registry.yaml", wrong);
    watch.expect_silence();
    watch.write("registry.yaml", "version: 3\nclients: []\n");
    watch.expect("registry.yaml:1:10: error[CG0101]: version: expected 1, found 3");
    watch.expect("registry.yaml: refused");
    assert_eq!(watch.live(), before);
    // What the file has already is good news after an error, and none otherwise.
    watch.write("registry.yaml", &registry("first"));
    watch.expect("registry.yaml: in live/ecds.yaml already: ok: 1 client, ");
    watch.write("registry.yaml", &registry("first"));
    watch.expect_silence();
    watch.write("registry.yaml", &format!("# a comment\n{}", registry("first")));
    watch.expect("registry.yaml: in live/ecds.yaml already: ok: 1 client, ");
    watch.write("registry.yaml", &format!("mode: shadow\n{}", registry("first")));
    // Two streams, which the test may read in any order.
    let mut lines = [(); 2].map(|()| watch.next(PATIENCE).unwrap());
    lines.sort();
    assert!(lines[0].starts_with("registry.yaml: in live/ecds.yaml: ok: 1 client, "), "{lines:?}");
    assert!(lines[1].starts_with("registry.yaml:1:7: warning[CG0201]: mode: "), "{lines:?}");
}

#[test]
fn a_registry_that_is_away_is_told_once() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("live")).unwrap();
    let watch = Watch::start(folder, &["--module", "m.wasm"]);
    watch.expect("registry.yaml: error[CG0001]: No such file or directory");
    watch.expect("registry.yaml: refused");
    watch.expect_silence();
    watch.write("registry.yaml", &registry("first"));
    watch.expect_live("first");
    watch.write("registry.yaml", "");
    watch.expect("registry.yaml: error[CG0002]: expected a configuration, found nothing");
    watch.expect("registry.yaml: refused");
    fs::remove_file(watch.path("registry.yaml")).unwrap();
    watch.expect("registry.yaml: error[CG0001]: No such file or directory");
    watch.expect("registry.yaml: refused");
    watch.expect_silence();
    assert!(watch.live().contains("alias: first"));
}

#[test]
fn a_folder_that_is_away_and_one_in_its_place_are_followed() {
    let folder = TempDir::new().unwrap();
    let in_folder = |name: &str| folder.path().join(name);
    fs::create_dir(in_folder("live")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_certgate"));
    child.args(["watch", "edited/registry.yaml", "--to", "live/ecds.yaml", "--module", "m"]).current_dir(&folder);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for number in 0..3 {
        fs::create_dir(in_folder("edited")).unwrap();
        fs::write(in_folder("edited/registry.yaml"), registry(&format!("a{number}"))).unwrap();
        assert!(lines.next().unwrap().unwrap().contains("edited/registry.yaml: in live/ecds.yaml: ok: 1 client"));
        assert!(fs::read_to_string(in_folder("live/ecds.yaml")).unwrap().contains(&format!("alias: a{number}\n")));
        if number == 0 {
            fs::remove_dir_all(in_folder("edited")).unwrap();
        } else {
            fs::rename(in_folder("edited"), in_folder(&format!("old{number}"))).unwrap();
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A test may run as root, who writes where nobody may: so the folder is away.
#[test]
fn a_file_that_cannot_be_written_is_told_once_and_tried_again() {
    let watch = Watch::new();
    let away = watch.path("live-away");
    fs::rename(watch.path("live"), &away).unwrap();
    watch.write("registry.yaml", &registry("second"));
    watch.expect("live/ecds.yaml: error[CG0006]: No such file or directory (os error 2): make the folder ");
    watch.expect_silence();
    fs::rename(&away, watch.path("live")).unwrap();
    watch.expect_live("second");
    // Where a folder is in its place, nothing is left beside it.
    fs::remove_file(watch.path("live/ecds.yaml")).unwrap();
    fs::create_dir(watch.path("live/ecds.yaml")).unwrap();
    watch.write("registry.yaml", &registry("third"));
    watch.expect("live/ecds.yaml: error[CG0006]: ");
    assert!(watch.beside().is_empty());
}

#[test]
fn the_file_keeps_its_mode_and_its_module() {
    let mut watch = Watch::new();
    let mode = |watch: &Watch| fs::metadata(watch.path("live/ecds.yaml")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&watch), 0o644);
    fs::set_permissions(watch.path("live/ecds.yaml"), Permissions::from_mode(0o640)).unwrap();
    watch.write("registry.yaml", &registry("second"));
    watch.expect_live("second");
    assert_eq!(mode(&watch), 0o640);
    assert_eq!(watch.end("TERM"), Some(0));
    // A file that a watch which was killed has left is replaced.
    watch.write("live/.ecds.yaml.new", "half");
    watch.write("registry.yaml", &registry("third"));
    let folder = std::mem::replace(&mut watch.folder, TempDir::new().unwrap());
    let again = Watch::start(folder, &[]);
    again.expect_live("third");
    assert!(again.live().contains("filename: certgate.wasm"), "{}", again.live());
    assert!(again.beside().is_empty());
}

#[test]
fn without_a_module_there_is_no_watch() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("registry.yaml"), registry("first")).unwrap();
    fs::write(at("empty.yaml"), "").unwrap();
    for (file, said) in [
        (
            "absent.yaml",
            "absent.yaml: error[CG0001]: No such file or directory (os error 2): name the module with --module",
        ),
        (
            "empty.yaml",
            "empty.yaml: error[CG0312]: expected the path of a module, found none: name the module with --module",
        ),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certgate"));
        let output = command.args(["watch", "registry.yaml", "--to", file]).current_dir(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(said), "{output:?}");
    }
}

/// A registry is never written over, whichever way its path is spelled.
#[test]
fn the_registry_itself_is_no_file_for_envoy() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("registry.yaml");
    fs::write(&path, registry("first")).unwrap();
    symlink("registry.yaml", folder.path().join("link.yaml")).unwrap();
    for file in ["registry.yaml", "./registry.yaml", "link.yaml"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certgate"));
        let command = command.args(["watch", "registry.yaml", "--module", "m", "--to", file]).current_dir(&folder);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{file}");
        let said = "error[CG0006]: expected a file for Envoy, found the registry itself: name another file with --to";
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("{file}: {said}\n"));
        assert_eq!(fs::read_to_string(&path).unwrap(), registry("first"));
    }
}

#[test]
fn signals_end_it_well() {
    for signal in ["INT", "TERM"] {
        let mut watch = Watch::new();
        // Even while a registry is being saved.
        watch.write("registry.yaml", &registry("second"));
        assert_eq!(watch.end(signal), Some(0), "{signal}");
        assert!(watch.beside().is_empty(), "{signal}");
    }
}
