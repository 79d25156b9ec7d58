//! `docs/reference/command-line.md` describes each command with its options, and no others.

use certgate_test_support::command_line::Run;
use certgate_test_support::repository;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The output of `certgate ARGUMENTS --help`.
fn help(arguments: &[&str]) -> String {
    let arguments = [arguments, &["--help"]].concat();
    let run = Run::of(env!("CARGO_BIN_EXE_certgate"), Path::new("."), &arguments, "");
    assert_eq!(run.code, 0, "{}", run.err);
    run.out
}

/// The names of the subcommands that a help lists.
fn subcommands(help: &str) -> Vec<String> {
    let list = help.split_once("Commands:\n").map_or("", |(_, list)| list);
    let names =
        list.lines().take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The commands, each as its arguments: those without subcommands of their own.
fn commands() -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for command in subcommands(&help(&[])) {
        match subcommands(&help(&[&command])) {
            targets if targets.is_empty() => commands.push(vec![command]),
            targets => commands.extend(targets.into_iter().map(|target| vec![command.clone(), target])),
        }
    }
    commands
}

/// The options in a help or on a page, which begin with two hyphens, or are the short one of a single letter.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let is_option = |word: &&str| match word.strip_prefix('-') {
        Some(rest) if rest.len() == 1 => rest.chars().all(|c| c.is_ascii_lowercase()),
        Some(rest) => rest.strip_prefix('-').is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase())),
        None => false,
    };
    words.filter(is_option).map(str::to_owned).collect()
}

/// The options that a help lists, in the lines that begin with one.
fn listed(help: &str) -> BTreeSet<String> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let own = lines.flat_map(|line| options(line.split("  ").next().unwrap_or_default()));
    own.filter(|option| !["--help", "-h", "--version", "-V", "--output"].contains(&option.as_str())).collect()
}

/// The section of the page with this heading, as far as the next heading.
fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let start = page.find(&format!("# {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = &page[start + 2..];
    section.split_once("\n#").map_or(section, |(section, _)| section)
}

/// The options in the first column of the tables of a section.
fn described(section: &str) -> BTreeSet<String> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `-"));
    rows.flat_map(|row| options(&format!("-{}", row.split(" |").next().unwrap_or_default()))).collect()
}

#[test]
fn each_command_has_a_section_with_its_options() {
    let page = fs::read_to_string(repository().join("docs/reference/command-line.md")).unwrap();
    let commands = commands();
    assert!(commands.len() >= 11, "{commands:?}");
    for command in commands {
        let arguments: Vec<_> = command.iter().map(String::as_str).collect();
        let heading = command.join(" ");
        let (listed, described) = (listed(&help(&arguments)), described(section(&page, &heading)));
        assert_eq!(listed, described, "the help of {heading}, and its section");
    }
}

#[test]
fn options_are_found_in_a_help_and_on_a_page() {
    let help = "Options:\n      --to <FILE>      A file, as `--module` names it\n  -o, --output <OUT>\n  -h, --help\n";
    let page = "## watch\n\n| option |\n|---|\n| `--to FILE` | see `--other` |\n| `-o OUT` | a file |\n\n## next\n\n| `--no` |\n";
    let names = ["--to", "-o"].map(str::to_owned).into();
    assert_eq!(listed(help), names);
    assert_eq!(described(section(page, "watch")), names);
}
