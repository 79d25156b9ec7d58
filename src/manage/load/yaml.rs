//! YAML to the values that Envoy's own loader makes of it (`parseYamlNode` in its yaml_utility.cc, over yaml-cpp), so that
//! what passes here is what Envoy accepts. Must not know the schema.
//!
//! Envoy's rules are YAML's neither 1.1 nor 1.2: `on` is a boolean and `010` is 8, but `1.0`, `0o10` and whatever has more
//! than 32 bits are text. Hence the parser's events are read here, and no YAML library's idea of a value.

use super::tree::{Entry, Form, Node, Value};
use super::{MAX_LEVELS, SyntaxError};
use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle, Tag};
use std::collections::HashMap;
use std::ops::Range;

/// The size that aliases may swell a document to, in bytes of JSON.
const LARGEST: usize = 64 << 20;

/// The one document in `yaml`; `None` if there is none.
pub(super) fn read(yaml: &str) -> Result<Option<Node>, SyntaxError> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| unreadable(error.marker(), error.info()))?;
        reader.event(event, range(&span)).map_err(|message| unreadable(&span.start, message))?;
    }
    Ok(reader.root)
}

fn unreadable(marker: &Marker, message: impl Into<String>) -> SyntaxError {
    SyntaxError { line: marker.line(), column: marker.col().saturating_add(1), message: message.into() }
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

/// Builds the tree as events come. Keys that stand twice stay so: the configuration's reader reports them.
#[derive(Default)]
struct Reader {
    root: Option<Node>,
    /// Whether a document has begun.
    begun: bool,
    /// The lists and maps around what comes next, the innermost last.
    open: Vec<Open>,
    /// The values that have anchors.
    anchors: HashMap<usize, Anchored>,
    /// The size of what aliases have added.
    added: usize,
}

/// A list or a map that is not at its end.
struct Open {
    /// The anchor; 0 if there is none.
    anchor: usize,
    /// The byte at which it begins.
    start: usize,
    form: Form,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    /// The entries, and the key whose value comes next.
    Map(Vec<Entry>, Option<(String, Range<usize>)>),
}

struct Anchored {
    node: Node,
    height: usize,
    size: usize,
}

impl Reader {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), &'static str> {
        match event {
            Event::DocumentStart(..) if self.begun => return Err("expected one document, found a second one"),
            Event::DocumentStart(..) => self.begun = true,
            Event::Scalar(text, style, anchor, tag) => match self.expects_key() {
                Some(_) if anchor != 0 => return Err("expected a key, found one with an anchor"),
                Some(key) => *key = Some((text.into_owned(), range)),
                None => {
                    let form = match style {
                        ScalarStyle::Literal | ScalarStyle::Folded => Form::Block,
                        _ => Form::Flow,
                    };
                    self.add(Node { value: resolved(&text, style, tag.as_deref()), range, form }, anchor);
                }
            },
            Event::Alias(anchor) => {
                if self.expects_key().is_some() {
                    return Err("expected a key, found an alias");
                }
                let Anchored { node, height, size } =
                    self.anchors.get(&anchor).ok_or("expected a value, found an alias inside it")?;
                self.added = self.added.saturating_add(*size);
                if self.added > LARGEST {
                    return Err("expected a document of a sensible size, found aliases that swell it");
                }
                if self.open.len().saturating_add(*height) > MAX_LEVELS {
                    return Err("expected fewer levels of lists and maps, found an alias that adds too many");
                }
                let node = Node { range, form: Form::Alias(node.range.clone()), ..node.clone() };
                self.add(node, 0);
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin(Items::List(Vec::new()), style, anchor, range.start)?
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin(Items::Map(Vec::new(), None), style, anchor, range.start)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end),
            _ => {}
        }
        Ok(())
    }

    /// The place for the key of the innermost map, if a key comes next.
    fn expects_key(&mut self) -> Option<&mut Option<(String, Range<usize>)>> {
        match &mut self.open.last_mut()?.items {
            Items::Map(_, key) if key.is_none() => Some(key),
            _ => None,
        }
    }

    fn add(&mut self, node: Node, anchor: usize) {
        if anchor != 0 {
            let (height, size) = (node.height(), node.size());
            self.anchors.insert(anchor, Anchored { node: node.clone(), height, size });
        }
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::List(items)) => items.push(node),
            Some(Items::Map(entries, key)) => {
                if let Some((key, range)) = key.take() {
                    entries.push(Entry::new(key, range, node));
                }
            }
        }
    }

    fn begin(&mut self, items: Items, style: StructureStyle, anchor: usize, start: usize) -> Result<(), &'static str> {
        if self.expects_key().is_some() {
            return Err("expected a key that is text, found a list or map");
        }
        if self.open.len() == MAX_LEVELS {
            return Err("expected fewer levels of lists and maps, found too many to read on");
        }
        let form = match style {
            StructureStyle::Block => Form::Block,
            StructureStyle::Flow => Form::Flow,
        };
        self.open.push(Open { anchor, start, form, items });
        Ok(())
    }

    fn end(&mut self, end: usize) {
        if let Some(Open { anchor, start, form, items }) = self.open.pop() {
            let value = match items {
                Items::List(items) => Value::List(items),
                Items::Map(entries, _) => Value::Map(entries),
            };
            self.add(Node { value, range: start..end, form }, anchor);
        }
    }
}

/// The value of a scalar. Without a tag, what is not plain has the tag `!` in yaml-cpp, and that makes it text.
fn resolved(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let is_text = tag.map_or(style != ScalarStyle::Plain, |tag| tag.original() == "!");
    if is_text {
        Value::text(text)
    } else if tag.is_none() && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        Value::Null
    } else if let Some(value) = boolean(text) {
        Value::Boolean(value)
    } else {
        match integer(text) {
            Some(value) if i32::try_from(value).is_ok() => Value::Integer(value),
            Some(large) => Value::text(large.to_string()),
            None => Value::text(text),
        }
    }
}

/// YAML 1.1's booleans: all in lower case, all in upper case, or with a capital.
fn boolean(text: &str) -> Option<bool> {
    let (first, rest) = text.split_at_checked(1)?;
    let same_case =
        text.bytes().all(|byte| byte.is_ascii_lowercase()) || text.bytes().all(|byte| byte.is_ascii_uppercase());
    let capital =
        first.bytes().all(|byte| byte.is_ascii_uppercase()) && rest.bytes().all(|byte| byte.is_ascii_lowercase());
    match text.to_ascii_lowercase().as_str() {
        _ if !same_case && !capital => None,
        "y" | "yes" | "true" | "on" => Some(true),
        "n" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// As C++ reads an integer from a stream without a fixed base: `0x` before hexadecimal, `0` before octal digits.
fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let (base, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let sign = if sign { "-" } else { "" };
    i64::from_str_radix(&format!("{sign}{digits}"), base).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(yaml: &str) -> String {
        let node = read(yaml).unwrap_or_else(|error| panic!("{}", error.message));
        node.map_or_else(String::new, |node| serde_json::to_string(&node).unwrap())
    }

    /// The expected values are those that Envoy 1.40.0 made of the same texts in node metadata, which it printed as JSON.
    #[test]
    fn scalars_are_what_envoy_makes_of_them() {
        for (yaml, expected) in [
            ("3000000000", r#""3000000000""#),
            ("2147483647", "2147483647"),
            ("2147483648", r#""2147483648""#),
            ("-5", "-5"),
            ("+5", "5"),
            ("0x10", "16"),
            ("0X1f", "31"),
            ("-0x10", "-16"),
            ("0xFFFFFFFFF", r#""68719476735""#),
            ("010", "8"),
            ("08", r#""08""#),
            ("0o10", r#""0o10""#),
            ("0b11", r#""0b11""#),
            ("1_000", r#""1_000""#),
            ("1.5", r#""1.5""#),
            ("100.0", r#""100.0""#),
            ("1e3", r#""1e3""#),
            (".inf", r#"".inf""#),
            ("12e34", r#""12e34""#),
            ("6e:f8:a2", r#""6e:f8:a2""#),
            ("12:30:45", r#""12:30:45""#),
            ("2026-01-01", r#""2026-01-01""#),
            ("99999999999999999999", r#""99999999999999999999""#),
            ("yes", "true"),
            ("y", "true"),
            ("on", "true"),
            ("True", "true"),
            ("NO", "false"),
            ("N", "false"),
            ("off", "false"),
            ("tRUE", r#""tRUE""#),
            ("oN", r#""oN""#),
            ("'on'", r#""on""#),
            (r#""12""#, r#""12""#),
            ("~", "null"),
            ("", "null"),
            ("Null", "null"),
            ("NULL", "null"),
            ("'null'", r#""null""#),
            ("!!str 5", "5"),
            (r#"!!int "5""#, "5"),
            ("!!float 5", "5"),
            ("! 5", r#""5""#),
            ("|\n  5\n", r#""5\n""#),
        ] {
            assert_eq!(json(&format!("a: {yaml}")), format!(r#"{{"a":{expected}}}"#), "{yaml}");
        }
    }

    #[test]
    fn documents_lists_and_maps() {
        for (yaml, expected) in [
            ("a: [1, {b: }]\n5:\n- x\n- - z\ntrue: {}\n", r#"{"a":[1,{"b":null}],"5":["x",["z"]],"true":{}}"#),
            ("a: 1\na: 2\n", r#"{"a":1,"a":2}"#),
            ("a: &x {b: [1]}\nc: *x\nd: [*x, *x]", r#"{"a":{"b":[1]},"c":{"b":[1]},"d":[{"b":[1]},{"b":[1]}]}"#),
            ("<<: {a: 1}", r#"{"<<":{"a":1}}"#),
            ("# nothing\n", ""),
        ] {
            assert_eq!(json(yaml), expected);
        }
    }

    #[test]
    fn what_is_no_yaml_or_not_one_document_is_an_error_with_its_place() {
        for (yaml, start) in [
            ("a: [1", "line 1, column 4: "),
            ("a: 1\n b: 2", "line 2, column 3: "),
            ("a: 1\n---\nb: 2", "line 2, column 1: expected one document"),
            ("a: &x [*x]", "line 1, column 8: expected a value, found an alias inside it"),
            ("a: *x", "line 1, column 4: "),
            ("? [a]\n: b", "line 1, column 3: expected a key that is text"),
            ("&x a: b", "line 1, column 4: expected a key, found one with an anchor"),
            ("a: \"b", "line 1, column 4: "),
        ] {
            let Err(SyntaxError { line, column, message }) = read(yaml) else { panic!("{yaml:?} is read") };
            let error = format!("line {line}, column {column}: {message}");
            assert!(error.starts_with(start), "{yaml:?}: {error}");
        }
    }

    #[test]
    fn aliases_do_not_swell_a_document_without_bound() {
        let mut yaml = "a0: &a0 [xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]\n".to_owned();
        for n in 1..12 {
            let alias = format!("*a{},", n - 1).repeat(10);
            yaml.push_str(&format!("a{n}: &a{n} [{alias}]\n"));
        }
        assert!(read(&yaml).err().unwrap().message.contains("aliases that swell it"));
    }

    #[test]
    fn levels_are_bounded_however_they_are_written() {
        let levels = |count: usize| format!("{}1{}", "[".repeat(count), "]".repeat(count));
        assert!(read(&levels(MAX_LEVELS)).is_ok());
        assert!(read(&levels(MAX_LEVELS + 1)).err().unwrap().message.contains("fewer levels"));
        let mut yaml = format!("a0: &a0 {}\n", levels(100));
        yaml.push_str("a1: &a1 [[[[[[[[[[[[[[[[[[[[[[[[[[*a0]]]]]]]]]]]]]]]]]]]]]]]]]]\na2: [[*a1]]\n");
        assert!(read(&yaml).err().unwrap().message.contains("an alias that adds too many"));
    }

    #[test]
    fn every_value_has_its_text() {
        let yaml = "a: [1, 'x y']\nb: {c: &d \"e\"}\nf: *d\ng: |\n  h\n";
        let root = read(yaml).unwrap().unwrap();
        let texts = |node: &Node| yaml.get(node.range.clone()).unwrap().to_owned();
        let value = |key| root.get(key).unwrap();
        assert_eq!(value("a").items().iter().map(texts).collect::<Vec<_>>(), ["1", "'x y'"]);
        assert_eq!(texts(value("a")), "[1, 'x y']");
        assert_eq!(texts(value("b").get("c").unwrap()), "\"e\"");
        assert_eq!(texts(value("f")), "*d");
        assert_eq!(
            root.entries().iter().map(|entry| yaml.get(entry.key_range.clone()).unwrap()).collect::<String>(),
            "abfg"
        );
    }
}
