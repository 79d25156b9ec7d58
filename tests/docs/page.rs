//! A page as a list of steps: its fenced blocks, each with the comments in front of it.

use certgate_test_rig::envoys::repository;
use std::fs;

/// What a reader does, or sees, at one place of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Commands are typed, and end with this exit code. With `again`, they are typed until the output is as shown.
    Run { commands: String, exit: i32, again: bool },
    /// Commands that go on are typed in the terminal of this name.
    KeepRunning { terminal: String, commands: String },
    /// Commands that no test runs.
    NotRun { reason: String },
    /// The output of the commands before, or of the terminal of this name.
    See { terminal: Option<String>, text: String },
    /// A file is written.
    Write { path: String, text: String },
    /// Entries are added to a file under this key.
    Add { path: String, key: String, text: String },
    /// Lines of a file change.
    Edit { path: String, diff: String },
    /// What runs in the terminal of this name is ended.
    Interrupt { terminal: String },
    /// A block that is only read.
    Read,
}

/// A step, and the heading and the line under which it stands.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) step: Step,
    pub(crate) heading: String,
    pub(crate) line: usize,
}

/// The comments that stand in front of a block.
const MARKS: [&str; 8] = ["again", "exit", "keep running", "not run", "output of", "file", "add to", "edit"];

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its path from the top of the repository.
    pub(crate) path: String,
    /// The page whose blocks come before those of this one, from the top of the repository.
    pub(crate) begins_with: Option<String>,
    /// Whether its commands are typed at the top of the repository, not in an empty folder.
    pub(crate) in_repository: bool,
    pub(crate) steps: Vec<Placed>,
}

impl Page {
    /// The page at this path from the top of the repository.
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self::parse(path, &text)
    }

    /// A page with this text. Panics where a comment or a block is none of those that a page may have.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let mut page = Self { path: path.to_owned(), begins_with: None, in_repository: false, steps: Vec::new() };
        let mut heading = String::new();
        let mut marks = Vec::new();
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        while let Some((number, line)) = lines.next() {
            let at = |problem: String| -> ! { panic!("{path}:{number}: {problem}") };
            if let Some(comment) = line.trim_start().strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->")) {
                match comment.split_once(": ") {
                    Some(("begins with", other)) => page.begins_with = Some(other.to_owned()),
                    None if comment == "at the top of the repository" => page.in_repository = true,
                    Some(("Ctrl-C", terminal)) => {
                        page.push(Step::Interrupt { terminal: terminal.to_owned() }, &heading, number)
                    }
                    _ => marks.push(comment),
                }
            } else if let Some(language) = line.trim_start().strip_prefix("```") {
                let indentation = line.len() - line.trim_start().len();
                let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
                let block: Vec<&str> = inside.map(|line| line.get(indentation..).unwrap_or_default()).collect();
                let step = step(language, &block.join("\n"), &marks).unwrap_or_else(|problem| at(problem));
                page.push(step, &heading, number);
                marks.clear();
            } else if let Some(title) = line.strip_prefix('#') {
                title.trim_start_matches('#').trim().clone_into(&mut heading);
            } else if !line.is_empty()
                && let Some(mark) = marks.drain(..).find(|mark| stands_before_a_block(mark))
            {
                at(format!("no block follows `{mark}`"));
            }
        }
        page
    }

    /// The steps under this heading. Panics if there are none.
    pub(crate) fn under(&self, heading: &str) -> Vec<Placed> {
        let steps: Vec<Placed> = self.steps.iter().filter(|placed| placed.heading == heading).cloned().collect();
        assert!(!steps.is_empty(), "{} has no steps under `{heading}`", self.path);
        steps
    }

    fn push(&mut self, step: Step, heading: &str, line: usize) {
        self.steps.push(Placed { step, heading: heading.to_owned(), line });
    }
}

fn stands_before_a_block(comment: &str) -> bool {
    let kind = comment.split_once(": ").map_or(comment, |(kind, _)| kind);
    MARKS.contains(&kind)
}

/// The step that a block of this language is, with these comments in front of it.
fn step(language: &str, block: &str, marks: &[&str]) -> Result<Step, String> {
    let text = || block.to_owned();
    let marks: Vec<(&str, &str)> = marks.iter().map(|mark| mark.split_once(": ").unwrap_or((mark, ""))).collect();
    Ok(match (language, &marks[..]) {
        ("sh", [("keep running", name)]) => Step::KeepRunning { terminal: name.to_string(), commands: text() },
        ("sh", [("not run", reason)]) => Step::NotRun { reason: reason.to_string() },
        ("sh", marks) if marks.iter().all(|(kind, _)| ["again", "exit"].contains(kind)) => {
            let exit = marks.iter().find(|(kind, _)| *kind == "exit").map_or(Ok(0), |(_, code)| code.parse());
            let exit = exit.map_err(|_| format!("no exit code in {marks:?}"))?;
            Step::Run { commands: text(), exit, again: marks.iter().any(|(kind, _)| *kind == "again") }
        }
        ("text", []) => Step::See { terminal: None, text: text() },
        ("text", [("output of", name)]) => Step::See { terminal: Some(name.to_string()), text: text() },
        (_, [("file", path)]) => Step::Write { path: path.to_string(), text: format!("{block}\n") },
        ("yaml", [("add to", place)]) => {
            let (path, key) = place.split_once(" under ").ok_or("`add to: PATH under KEY` was expected")?;
            Step::Add { path: path.to_owned(), key: key.to_owned(), text: text() }
        }
        ("diff", [("edit", path)]) => Step::Edit { path: path.to_string(), diff: text() },
        ("", _) => return Err("a block names its language".to_owned()),
        ("bash" | "shell" | "console", _) => return Err(format!("commands are in `sh`, not `{language}`")),
        (_, []) => Step::Read,
        _ => return Err(format!("no block of `{language}` has the comments {marks:?}")),
    })
}

#[test]
fn a_block_is_a_step_by_its_language_and_comments() {
    let text = "# Title\n<!-- begins with: docs/other.md -->\n\n<!-- exit: 1 -->\n```sh\nfalse\n```\nIt fails:\n\n```text\n...\n```\n\
        ## Then\n\n<!-- add to: a.yaml under clients -->\n```yaml\n- {a: 1}\n```\n";
    let page = Page::parse("page.md", text);
    assert_eq!(page.begins_with.as_deref(), Some("docs/other.md"));
    let steps: Vec<_> = page.steps.iter().map(|placed| placed.step.clone()).collect();
    assert_eq!(
        steps,
        [
            Step::Run { commands: "false".to_owned(), exit: 1, again: false },
            Step::See { terminal: None, text: "...".to_owned() },
            Step::Add { path: "a.yaml".to_owned(), key: "clients".to_owned(), text: "- {a: 1}".to_owned() },
        ]
    );
    assert_eq!((page.under("Then").len(), page.under("Then")[0].line), (1, 16));
}

#[test]
#[should_panic(expected = "page.md:2: no block of `sh` has the comments")]
fn an_unknown_comment_is_an_error() {
    Page::parse("page.md", "<!-- excit: 1 -->\n```sh\nfalse\n```\n");
}

#[test]
#[should_panic(expected = "page.md:3: no block follows `again`")]
fn a_comment_without_a_block_is_an_error() {
    Page::parse("page.md", "<!-- again -->\n\nThen:\n```sh\ntrue\n```\n");
}
