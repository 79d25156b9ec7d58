//! A reader who does what a page says, step by step, and compares what comes with what the page shows.

use crate::edit;
use crate::page::{Page, Placed, Step};
use crate::shown::{is_among, is_as_shown};
use crate::terminal::{Background, Outcome, Setting, Terminal, end};
use certgate_test_rig::{command_line::command_line, envoys, module};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a reader waits: for commands to have the outcome that the page shows, and for a terminal that prints nothing
/// more. The tutorial's first command builds what it starts, and says every few seconds how far it is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pages name ports, so one reader at a time has them.
static PORTS: Mutex<()> = Mutex::new(());

/// Somebody at a machine with `certgate` and `envoy` on `PATH`.
pub(crate) struct Reader {
    setting: Setting,
    typing: Terminal,
    running: BTreeMap<String, Background>,
    _folders: [TempDir; 2],
    _ports: MutexGuard<'static, ()>,
}

impl Reader {
    /// A reader in the folder in which the commands of the page are typed: the top of the repository, or a folder that is
    /// empty but for the module.
    pub(crate) fn of(page: &Page) -> Self {
        let files = tempfile::tempdir().unwrap();
        if page.in_repository {
            return Self::at(envoys::repository().to_owned(), files);
        }
        symlink(module::path(), files.path().join("certgate.wasm")).unwrap();
        Self::at(files.path().to_owned(), files)
    }

    fn at(folder: PathBuf, files: TempDir) -> Self {
        let ports = PORTS.lock().unwrap_or_else(PoisonError::into_inner);
        let programs = tempfile::tempdir().unwrap();
        symlink(command_line(), programs.path().join("certgate")).unwrap();
        symlink(envoys::pinned(), programs.path().join("envoy")).unwrap();
        // curl shows its progress where its output is no terminal.
        fs::write(programs.path().join(".curlrc"), "no-progress-meter\n").unwrap();
        let setting = Setting { folder, programs: programs.path().to_owned() };
        let typing = Terminal::open(&setting);
        Self { setting, typing, running: BTreeMap::new(), _folders: [files, programs], _ports: ports }
    }

    /// Follows a page from its beginning to its end, after the pages that it begins with.
    pub(crate) fn follow(&mut self, page: &Page) {
        if let Some(first) = &page.begins_with {
            self.follow(&Page::read(first));
        }
        self.take(&page.path, &page.steps);
    }

    /// A file that the reader has already.
    pub(crate) fn put(&self, name: &str, text: &str) {
        fs::write(self.setting.folder.join(name), text).unwrap();
    }

    /// Takes these steps of the page at this path.
    pub(crate) fn take(&mut self, path: &str, steps: &[Placed]) {
        let mut last = String::new();
        for (index, placed) in steps.iter().enumerate() {
            let place = format!("{path}:{}", placed.line);
            let shown = steps.get(index + 1).and_then(|next| match &next.step {
                Step::See { terminal: None, text } => Some(text.as_str()),
                _ => None,
            });
            if !matches!(placed.step, Step::See { .. }) {
                self.running.values_mut().for_each(Background::look_away);
            }
            match &placed.step {
                Step::Run { commands, exit, again } => {
                    let outcome =
                        if *again { self.run_until(commands, *exit, shown) } else { self.typing.run(commands) };
                    assert_eq!(outcome.exit, *exit, "{place}: the exit code, with this output:\n{}", outcome.output);
                    last = outcome.output;
                }
                Step::See { terminal: None, text } => {
                    assert!(is_as_shown(text, &last), "{place}: shown is\n{text}\n\nbut it is\n{last}");
                }
                Step::See { terminal: Some(name), text } => self.wait_for(&place, name, text),
                Step::KeepRunning { terminal, commands } => {
                    if let Some(before) = self.running.remove(terminal) {
                        before.interrupt();
                    }
                    self.running.insert(terminal.clone(), Background::start(&self.setting, commands));
                }
                Step::Interrupt { terminal } => {
                    self.running.remove(terminal).unwrap_or_else(|| panic!("{place}: nothing runs")).interrupt();
                }
                Step::Write { path, text } => {
                    let text = self.filled(text);
                    let file = self.path(path);
                    fs::write(file, text).unwrap_or_else(|error| panic!("{place}: {path}: {error}"));
                }
                Step::Add { path, key, text } => {
                    self.change(&place, path, text, |file, entries| edit::add(file, key, entries))
                }
                Step::Edit { path, diff } => self.change(&place, path, diff, edit::apply),
                Step::NotRun { .. } | Step::Read => {}
            }
        }
    }

    fn run_until(&mut self, commands: &str, exit: i32, shown: Option<&str>) -> Outcome {
        let began = Instant::now();
        loop {
            let outcome = self.typing.run(commands);
            let is_good = outcome.exit == exit && shown.is_none_or(|shown| is_as_shown(shown, &outcome.output));
            if is_good || began.elapsed() > PATIENCE {
                return outcome;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn wait_for(&self, place: &str, name: &str, text: &str) {
        let terminal = self.running.get(name).unwrap_or_else(|| panic!("{place}: there is no terminal `{name}`"));
        let mut last = (String::new(), Instant::now());
        while !is_among(text, &last.0) {
            let output = terminal.new_output();
            let ended = terminal.has_ended() && output == last.0;
            assert!(!ended, "{place}: it ended before it printed\n{text}\n\nbut printed\n{output}");
            assert!(last.1.elapsed() < PATIENCE, "{place}: it has not printed\n{text}\n\nbut\n{output}");
            if output != last.0 {
                last = (output, Instant::now());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Opens a file in an editor, changes and saves it.
    fn change(&mut self, place: &str, path: &str, how: &str, edit: impl Fn(&str, &str) -> Result<String, String>) {
        let how = self.filled(how);
        let file = self.path(path);
        let before = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{place}: {path}: {error}"));
        let after = edit(&before, &how).unwrap_or_else(|problem| panic!("{place}: {path}: {problem}"));
        fs::write(file, after).unwrap();
    }

    /// The text with the fingerprints that it asks for.
    fn filled(&mut self, text: &str) -> String {
        let fill = |filled: String, file| edit::with_fingerprint(&filled, file, &self.fingerprint(file));
        edit::fingerprints_asked_for(text).into_iter().fold(text.to_owned(), fill)
    }

    /// The fingerprint that `certgate` prints of a certificate.
    fn fingerprint(&mut self, file: &str) -> String {
        let outcome = self.typing.run(&format!("certgate fingerprint {file}"));
        assert_eq!(outcome.exit, 0, "{}", outcome.output);
        outcome.output.split_whitespace().next().expect("a fingerprint").to_owned()
    }

    /// A path as the reader means it, who is in the folder where the last command has left the terminal.
    fn path(&mut self, path: &str) -> PathBuf {
        let outcome = self.typing.run("pwd");
        PathBuf::from(outcome.output.trim()).join(path)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let log = fs::read_to_string(self.setting.folder.join("envoy.log")).unwrap_or_default();
        let log: String =
            log.lines().filter(|line| !line.contains("][info][")).map(|line| format!("{line}\n")).collect();
        if std::thread::panicking() && !log.is_empty() {
            eprintln!("--- the end of envoy.log:\n{}\n---", end(&log));
        }
    }
}
