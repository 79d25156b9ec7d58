//! Laws of edits over random documents: the data change as asked, other lines stay, and comments stay where they were.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use super::tests::{edited, read, value};
use super::*;
use crate::load::Format;
use certgate_test_support::laws::cases;
use proptest::prelude::*;

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
            Kind::Scalar(style @ 6..) if !random.flow => {
                let number = self.number();
                let header = if *style == 6 { "|+" } else { "|" };
                self.line(&format!("{introduction} {header}  # text {number}"));
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

    #[test]
    fn an_insertion_into_json_changes_the_data_as_asked_and_no_other_line(
        random in random(),
        unit in prop_oneof![Just(""), Just("  "), Just("\t")],
        place in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
    ) {
        let yaml = written(&random, 2, false, "\n", false);
        let root = read(&yaml, Format::Yaml).root().clone();
        let habits = Habits { unit: unit.to_owned(), ..Habits::of("", &root, true) };
        let text = if unit.is_empty() { write::flow(&root, true) } else { write::pretty(&root, "", &habits) };
        let mut found = Vec::new();
        collections(&root, &Path::default(), &mut found);
        let (path, length, is_map) = place.get(&found).clone();
        let edit = if is_map {
            Edit::Entry { map: path, key: "added".to_owned(), after: None, value: value("{new: [1, 2]}") }
        } else {
            Edit::Item { list: path, index: at.index(length + 1), value: value("{new: [1, 2]}") }
        };
        let written = edited(&text, &edit, true);
        let added = if unit.is_empty() { 0 } else { written.lines().count() - text.lines().count() };
        prop_assert!(unit.is_empty() || added == 6, "{text}\n---\n{written}");
        let mut lines = written.lines().map(|line| line.trim_end_matches(','));
        let all = text.lines().map(|line| line.trim_end_matches(',')).all(|line| lines.any(|written| written == line));
        prop_assert!(all || unit.is_empty(), "{text}\n---\n{written}");
    }

    #[test]
    fn another_value_changes_no_line_outside_of_its_own(
        random in random(),
        step in prop_oneof![Just(2_usize), Just(4)],
        flush in any::<bool>(),
        place in any::<prop::sample::Index>(),
    ) {
        let text = written(&random, step, flush, "\n", false);
        let document = read(&text, Format::Yaml);
        let mut found = Vec::new();
        collections(document.root(), &Path::default(), &mut found);
        let (path, _, is_map) = place.get(&found).clone();
        let new = if is_map { "new:\n  - a: 1\n    b: [2]\n  - c\n" } else { "- new:\n    a: 1\n- b\n" };
        let target = path.0.iter().try_fold(document.root(), super::step).unwrap();
        let range = target.range.clone();
        let written = edited(&text, &Edit::Value { at: path, value: value(new) }, false);
        // A list below its key has its range behind the first dash.
        let before = text.get(..range.start).unwrap().trim_end_matches(['-', ' ', '\n']);
        let before = before.rsplit_once('\n').map_or("", |(before, _)| before);
        prop_assert!(written.starts_with(before), "{text}\n---\n{written}");
        let after = text.get(range.end..).unwrap().lines().skip(1).collect::<Vec<_>>().join("\n");
        prop_assert!(written.trim_end().ends_with(after.trim_end()), "{text}\n---\n{written}");
    }
}
