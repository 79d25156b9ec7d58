//! Edits of documents in every form that is edited: examples, and laws over random documents.

#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use super::*;
use crate::load::{self, Format};
use certgate_test_support::laws::cases;
use proptest::prelude::*;

fn read(text: &str, format: Format) -> Document<'_> {
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

fn value(yaml: &'static str) -> Fragment<'static> {
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
fn edited(text: &str, edit: &Edit<'_>, is_json: bool) -> String {
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
    assert!(last.contains("    # deep in the router\n  - new\n# about next\n"), "{last}");
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
        ("a:  # why\nb: 1\n", Edit::Value { at: path("a"), value: value("{x: y}") }, "a: {x: y}  # why\nb: 1\n"),
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

/// A random value, and how it is written.
#[derive(Clone, Debug)]
struct Random {
    kind: Kind,
    /// In brackets.
    flow: bool,
    /// The lines above: a comment, an empty line.
    commented: bool,
    spaced: bool,
    /// A comment on the same line.
    trailing: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Scalar(u8),
    List(Vec<Random>),
    Map(Vec<Random>),
}

fn random() -> impl Strategy<Value = Random> {
    let dressed = |kind: BoxedStrategy<Kind>| {
        (kind, prop::bool::weighted(0.2), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.3))
            .prop_map(|(kind, flow, commented, spaced, trailing)| Random { kind, flow, commented, spaced, trailing })
    };
    let leaf = dressed((0..8_u8).prop_map(Kind::Scalar).boxed());
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let list = prop::collection::vec(inner.clone(), 1..5).prop_map(Kind::List);
        let map = prop::collection::vec(inner, 1..5).prop_map(Kind::Map);
        dressed(prop_oneof![list, map].boxed())
    })
}

/// Writes a random value; each key and scalar has a number of its own.
struct Scribe {
    text: String,
    next: usize,
    step: usize,
    flush: bool,
    newline: &'static str,
}

impl Scribe {
    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push_str(self.newline);
    }

    /// The value on one line.
    fn flow(&mut self, random: &Random) -> String {
        match &random.kind {
            Kind::Scalar(style) => {
                let number = self.number();
                match style {
                    0 => format!("\"v{number}: # no\""),
                    1 => format!("'v{number}'"),
                    _ => format!("v{number}"),
                }
            }
            Kind::List(items) => {
                format!("[{}]", items.iter().map(|item| self.flow(item)).collect::<Vec<_>>().join(", "))
            }
            Kind::Map(values) => {
                let entry = |value: &Random| format!("k{}: {}", self.number(), self.flow(value));
                format!("{{{}}}", values.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The value behind `introduction`, which is at this column: `k1:` or `-`.
    fn value(&mut self, introduction: &str, column: usize, random: &Random, is_item: bool) {
        let trailing = if random.trailing { format!("  # on {introduction}") } else { String::new() };
        let inner = match &random.kind {
            Kind::Scalar(7) if !random.flow => {
                let number = self.number();
                self.line(&format!("{introduction} |"));
                self.line(&format!("{:1$}v{number}", "", column + self.step));
                return self.line(&format!("{:1$}# in v{number}", "", column + self.step));
            }
            Kind::List(_) if self.flush && !is_item => column,
            Kind::List(_) | Kind::Map(_) if is_item => column + 2,
            Kind::List(_) | Kind::Map(_) => column + self.step,
            Kind::Scalar(_) => 0,
        };
        if random.flow || inner == 0 && matches!(random.kind, Kind::Scalar(_)) {
            let value = self.flow(random);
            return self.line(&format!("{introduction} {value}{trailing}"));
        }
        if is_item {
            self.text.push_str(&format!("{introduction} "));
        } else {
            self.line(&format!("{introduction}{trailing}"));
        }
        self.block(inner, random, is_item);
    }

    fn block(&mut self, column: usize, random: &Random, mut shares_line: bool) {
        let (Kind::List(values) | Kind::Map(values)) = &random.kind else { panic!("a scalar") };
        for value in values {
            let introduction = match random.kind {
                Kind::List(_) => "-".to_owned(),
                _ => format!("k{}:", self.number()),
            };
            if !shares_line {
                if value.spaced {
                    self.line("");
                }
                if value.commented {
                    let comment = format!("{:column$}# about {}", "", self.next + usize::from(introduction == "-"));
                    self.line(&comment);
                }
                self.text.push_str(&format!("{:column$}", ""));
            }
            shares_line = false;
            self.value(&introduction, column, value, introduction == "-");
        }
    }
}

fn written(random: &Random, step: usize, flush: bool, newline: &'static str, cut: bool) -> String {
    let mut scribe = Scribe { text: String::new(), next: 0, step, flush, newline };
    match random.kind {
        Kind::Scalar(_) => scribe.value("k0:", 0, random, false),
        _ if random.flow => {
            let flow = scribe.flow(random);
            scribe.line(&flow);
        }
        _ => scribe.block(0, random, false),
    }
    if cut { scribe.text.trim_end().to_owned() } else { scribe.text }
}

/// The paths of all lists and maps.
fn collections(node: &Node, path: &Path, found: &mut Vec<(Path, usize, bool)>) {
    let length = node.items().len().max(node.entries().len());
    if length > 0 {
        found.push((path.clone(), length, !node.entries().is_empty()));
    }
    for (index, item) in node.items().iter().enumerate() {
        collections(item, &path.index(index), found);
    }
    for entry in node.entries() {
        collections(&entry.node, &path.key(&entry.key), found);
    }
}

/// The lines without their ends, and of each comment that has its line for itself the line below.
fn comments(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let comment = |(index, line): (usize, &&str)| {
        line.trim()
            .starts_with("# about")
            .then(|| ((*line).to_owned(), lines.get(index + 1).copied().unwrap_or_default().to_owned()))
    };
    lines.iter().enumerate().filter_map(comment).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(4000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_insertion_changes_the_data_as_asked_and_no_other_line(
        random in random(),
        step in prop_oneof![Just(2_usize), Just(4)],
        flush in any::<bool>(),
        windows in any::<bool>(),
        cut in any::<bool>(),
        place in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        new in prop_oneof![Just("new"), Just("{new: [1, 2]}"), Just("new:\n  - a: 1\n    b: [2]\n  - c\n")],
    ) {
        let text = written(&random, step, flush, if windows { "\r\n" } else { "\n" }, cut);
        let document = read(&text, Format::Yaml);
        let mut found = Vec::new();
        collections(document.root(), &Path::default(), &mut found);
        let (path, length, is_map) = place.get(&found).clone();
        let index = at.index(length + 1);
        let edit = if is_map {
            let target = path.0.iter().try_fold(document.root(), super::step).unwrap();
            let after = target.entries().get(index).map(|entry| entry.key.clone());
            Edit::Entry { map: path, key: "added".to_owned(), after, value: value(new) }
        } else {
            Edit::Item { list: path, index, value: value(new) }
        };
        let written = edited(&text, &edit, false);
        prop_assert_eq!(text.ends_with('\n'), written.ends_with('\n'));
        let newline = if windows && text.contains('\n') { "\r\n" } else { "\n" };
        prop_assert_eq!(written.matches('\n').count(), written.matches(newline).count());
        // The lines that are gone are at most the one into which the value was written.
        let lines: Vec<&str> = written.lines().collect();
        let mut rest = &lines[..];
        let mut gone = Vec::new();
        for line in text.lines() {
            match rest.iter().position(|written| *written == line) {
                Some(index) => rest = &rest[index + 1..],
                None => gone.push(line),
            }
        }
        prop_assert!(gone.len() <= 1, "{gone:?}\n{text}---\n{written}");
        let is_shared = |line: &&str| line.contains(['{', '[']) || line.contains("- -");
        prop_assert!(gone.iter().all(is_shared), "{gone:?}\n{text}---\n{written}");
        let (before, after) = (comments(&text), comments(&written));
        prop_assert_eq!(before.len(), after.len());
        for ((comment, line), (_, below)) in before.iter().zip(&after) {
            let stays = line == below || gone.contains(&line.as_str());
            prop_assert!(stays, "{comment}: {line} -> {below}\n{text}---\n{written}");
        }
    }
}
