//! Edits of documents in every form that is edited: examples.

use super::*;
use crate::load::{self, Format};

pub(super) fn read(text: &str, format: Format) -> Document<'_> {
    load::read(text.as_bytes(), format).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

fn format_of(is_json: bool) -> Format {
    if is_json { Format::Json } else { Format::Yaml }
}

/// The path that is written like `a.b[0].c`.
fn path(text: &str) -> Path {
    let steps = text.split(['.', '[']).filter(|step| !step.is_empty());
    Path(
        steps
            .map(|step| match step.strip_suffix(']') {
                Some(index) => Step::Index(index.parse().unwrap()),
                None => Step::Key(step.to_owned()),
            })
            .collect(),
    )
}

pub(super) fn value(yaml: &'static str) -> Fragment<'static> {
    let document = read(yaml, Format::Yaml);
    Fragment { node: document.root().clone(), source: yaml, comment: Vec::new() }
}

fn entry(map: &str, key: &str, after: Option<&str>, yaml: &'static str) -> Edit<'static> {
    Edit::Entry { map: path(map), key: key.to_owned(), after: after.map(str::to_owned), value: value(yaml) }
}

fn item(list: &str, index: usize, yaml: &'static str) -> Edit<'static> {
    Edit::Item { list: path(list), index, value: value(yaml) }
}

/// The text after the edit; the same as data as the tree after the edit.
pub(super) fn edited(text: &str, edit: &Edit<'_>, is_json: bool) -> String {
    let document = read(text, format_of(is_json));
    let mut expected = document.root().clone();
    assert!(edit.apply(&mut expected));
    let written = edit.write(&document, is_json).unwrap_or_else(|obstacle| panic!("{obstacle:?}\n{text}"));
    let found = read(&written, format_of(is_json));
    let json = |node| serde_json::to_string(node).unwrap();
    assert_eq!(json(found.root()), json(&expected), "\n{text}---\n{written}");
    assert!(found.root().is_same(&expected));
    written
}

#[test]
fn a_comment_stays_with_what_it_describes() {
    let text = "\
filters:
  # first
  - name: cors  # trailing

  # why the router is last
  # in two lines
  - name: router
    # deep in the router
# about next
next: 1
";
    let before = edited(text, &item("filters", 1, "name: new\nvalue: {a: b}\n"), false);
    assert!(before.contains("trailing\n\n  - name: new\n    value: {a: b}\n\n  # why the router"), "{before}");
    let first = edited(text, &item("filters", 0, "new"), false);
    assert!(first.starts_with("filters:\n  - new\n  # first\n  - name: cors"), "{first}");
    let last = edited(text, &item("filters", 2, "new"), false);
    assert!(last.contains("    # deep in the router\n\n  - new\n# about next\n"), "{last}");
    let behind = edited(text, &entry("", "new", Some("filters"), "x"), false);
    assert!(behind.contains("    # deep in the router\nnew: x\n# about next\n"), "{behind}");
}

#[test]
fn new_text_follows_the_habits_of_the_document() {
    for (text, edit, expected) in [
        (
            "a:\n- b\nc:\n    d: 1",
            item("a", 1, "x:\n  - w:\n      z: 1\n"),
            "a:\n- b\n- x:\n  - w:\n        z: 1\nc:\n    d: 1",
        ),
        ("a: 1", entry("", "b", None, "2"), "a: 1\nb: 2"),
        ("a: 1\n\n# about c\nc: 1\n", entry("", "b", Some("a"), "2"), "a: 1\n\nb: 2\n\n# about c\nc: 1\n"),
        ("-   a: 1\n", item("", 1, "x: 1\nz: 1\n"), "-   a: 1\n-   x: 1\n    z: 1\n"),
        ("a: 1\r\nb: 2\r\n", entry("", "c", Some("a"), "x: 1\nw: 2\n"), "a: 1\r\nc:\r\n  x: 1\r\n  w: 2\r\nb: 2\r\n"),
        ("a: |\n  x\n\nb: 1\n", entry("", "c", Some("a"), "1"), "a: |\n  x\nc: 1\n\nb: 1\n"),
        ("a: |+\n  x\n\nb: 1\n", entry("", "c", Some("a"), "1"), "a: |+\n  x\n\nc: 1\nb: 1\n"),
        ("- - a\n  - b\n", item("[0]", 0, "new"), "- - new\n  - a\n  - b\n"),
        ("- &my-list - a\n", item("[0]", 0, "x"), ""),
        ("a:  # why\nb: 1\n", Edit::Value { at: path("a"), value: value("{x: w}") }, "a: {x: w}  # why\nb: 1\n"),
        ("a: false # why\n", Edit::Value { at: path("a"), value: value("true") }, "a: true # why\n"),
        ("a: {b: 1}\n", entry("a", "c", None, "[1, x]"), "a: {b: 1, c: [1, x]}\n"),
        ("a: [b, c]\n", item("a", 0, "d"), "a: [d, b, c]\n"),
        ("a: []\n", item("a", 0, "d"), "a: [d]\n"),
        (
            "a: [\n  b, # one\n  # two\n  c # three\n]\n",
            item("a", 2, "d"),
            "a: [\n  b, # one\n  # two\n  c, # three\n  d\n]\n",
        ),
        (
            "a: [\n  b, # one\n  # two\n  c, # three\n]\n",
            item("a", 1, "d"),
            "a: [\n  b, # one\n  d,\n  # two\n  c, # three\n]\n",
        ),
        (
            "x:\n  a:\n    b: 1\n  c: 2\n",
            Edit::Value { at: path("x.a"), value: value("p: 1\nq:\n  r: 2\n") },
            "x:\n  a:\n    p: 1\n    q:\n      r: 2\n  c: 2\n",
        ),
        ("x: !!map\n  a: &q 1\ny: *q\n", entry("x", "b", Some("a"), "on"), "x: !!map\n  a: &q 1\n  b: true\ny: *q\n"),
    ] {
        if !expected.is_empty() {
            assert_eq!(edited(text, &edit, false), expected);
        }
    }
}

#[test]
fn json_stays_json() {
    for (text, edit, expected) in [
        ("{\"a\": 1}\n", entry("", "b", None, "x: on\n"), "{\"a\": 1, \"b\": {\"x\": true}}\n"),
        (
            "{\n\t\"a\": 1,\n\t\"b\": []\n}",
            entry("", "c", Some("a"), "x: [w]\n"),
            "{\n\t\"a\": 1,\n\t\"c\": {\n\t\t\"x\": [\n\t\t\t\"w\"\n\t\t]\n\t},\n\t\"b\": []\n}",
        ),
        ("{\n  \"b\": []\n}", item("b", 0, "w"), "{\n  \"b\": [\n    \"w\"\n  ]\n}"),
        ("{\n  \"b\": [1,\n  2]\n}", item("b", 2, "w"), "{\n  \"b\": [1,\n  2, \"w\"]\n}"),
        (
            "{\n  \"b\": {\n    \"c\": 1}\n}",
            entry("b", "d", None, "w"),
            "{\n  \"b\": {\n    \"c\": 1,\n    \"d\": \"w\"}\n}",
        ),
    ] {
        assert_eq!(edited(text, &edit, true), expected);
    }
}

#[test]
fn a_form_that_is_not_edited_is_told() {
    for (text, edit) in
        [("a: |\n  x\n", Edit::Value { at: path("a"), value: value("1") }), ("? a\n: 1\n", entry("", "b", None, "1"))]
    {
        let document = read(text, Format::Yaml);
        assert!(matches!(edit.write(&document, false), Err(Obstacle::Form(_))), "{text}");
    }
}

#[test]
fn a_list_behind_an_alias_is_edited_where_it_is_written() {
    let text = "a: &list\n  # first\n  - x\nb: *list\n";
    let document = read(text, Format::Yaml);
    let edit = item("b", 1, "w");
    let written = edit.write(&document, false).unwrap();
    assert_eq!(written, "a: &list\n  # first\n  - x\n  - w\nb: *list\n");
    let again = item("a", 1, "w");
    assert!(!again.is_in(document.root()) && again.is_in(read(&written, Format::Yaml).root()));
}
