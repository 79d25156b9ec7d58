//! The page with all findings: it has the codes that there are, each with its severity, and a test finds each.

use crate::repository;
use std::collections::BTreeSet;
use std::fs;

/// The codes of findings in a text, `CG05` and two digits.
fn codes(text: &str) -> BTreeSet<String> {
    text.match_indices("CG05").filter_map(|(start, _)| text.get(start..start + 6)).map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(repository().join(file)).unwrap()
}

/// The codes in the source.
fn all() -> BTreeSet<String> {
    let source = read("src/manage/diagnostic/code.rs");
    let numbers = source.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "));
    numbers
        .filter(|(_, number)| number.len() == 3 && number.starts_with('5'))
        .map(|(_, number)| format!("CG0{number}"))
        .collect()
}

#[test]
fn the_page_has_all_codes() {
    let page = read("docs/reference/lint.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| CG05")).collect();
    assert_eq!(rows.iter().flat_map(|row| codes(row)).collect::<BTreeSet<_>>(), all());
    assert_eq!(rows.len(), all().len(), "a row for each code");
}

/// The tests have each code with the severity that the page says.
#[test]
fn a_test_finds_each_code() {
    let page = read("docs/reference/lint.md");
    let tests =
        ["plugin", "guard", "listener", "routes"].map(|name| read(&format!("src/cli/tests/lint/{name}.rs"))).concat();
    for code in all() {
        let row = page.lines().find(|line| line.starts_with(&format!("| {code} "))).unwrap();
        let severity = row.split('|').nth(2).unwrap().trim();
        assert!(tests.contains(&format!("{severity}[{code}]")), "no test finds {severity}[{code}]");
        let other = if severity == "error" { "warning" } else { "error" };
        assert!(!tests.contains(&format!("{other}[{code}]")), "{code} is an {other} too");
    }
}
