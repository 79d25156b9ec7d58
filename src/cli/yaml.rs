//! YAML to the JSON that Envoy's own loader makes of it (`parseYamlNode` in its yaml_utility.cc, over yaml-cpp), so that
//! what passes here is what Envoy accepts. Must not know the schema.
//!
//! Envoy's rules are YAML's neither 1.1 nor 1.2: `on` is a boolean and `010` is 8, but `1.0`, `0o10` and whatever has more
//! than 32 bits are text. Hence the parser's events are read here, and no YAML library's idea of a value.

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use std::collections::HashMap;
use std::ops::Range;

/// The most JSON that aliases may swell a document to.
const LARGEST: usize = 256 << 20;

/// Why text is not YAML that Envoy could take.
#[derive(Debug, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub(super) struct NotYaml {
    line: usize,
    column: usize,
    message: String,
}

impl NotYaml {
    fn at(marker: &Marker, message: impl Into<String>) -> Self {
        Self { line: marker.line(), column: marker.col().saturating_add(1), message: message.into() }
    }
}

/// The JSON of the one document in `yaml`; empty if there is none.
pub(super) fn to_json(yaml: &str) -> Result<String, NotYaml> {
    let mut writer = Writer::default();
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| NotYaml::at(error.marker(), error.info()))?;
        writer.event(event).map_err(|message| NotYaml::at(&span.start, message))?;
    }
    Ok(writer.json)
}

/// Writes JSON as events come. Keys that stand twice stay so: the configuration's reader reports them.
#[derive(Default)]
struct Writer {
    json: String,
    /// Whether a document has begun.
    begun: bool,
    /// The lists and maps around what comes next, the innermost last.
    open: Vec<Open>,
    /// Where in the JSON the values lie that have anchors.
    anchors: HashMap<usize, Range<usize>>,
}

struct Open {
    is_map: bool,
    /// How many nodes of it were written; in a map, keys and values alike.
    nodes: usize,
    /// Its anchor, 0 if it has none.
    anchor: usize,
    /// Where its JSON begins.
    start: usize,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::DocumentStart(..) if self.begun => return Err("expected one document, found a second one"),
            Event::DocumentStart(..) => self.begun = true,
            Event::Scalar(text, style, anchor, tag) => {
                let is_key = self.begin();
                if is_key && anchor != 0 {
                    return Err("expected a key, found one with an anchor");
                }
                let start = self.json.len();
                self.json.push_str(&if is_key { quoted(&text) } else { resolved(&text, style, tag.as_deref()) });
                self.anchors.insert(anchor, start..self.json.len());
            }
            Event::Alias(anchor) => {
                if self.begin() {
                    return Err("expected a key, found an alias");
                }
                let range = self.anchors.get(&anchor).cloned().ok_or("expected a value, found an alias inside it")?;
                if self.json.len().saturating_add(range.len()) > LARGEST {
                    return Err("expected a document of a sensible size, found aliases that swell it");
                }
                self.json.extend_from_within(range);
            }
            Event::SequenceStart(_, anchor, _) => self.open(false, anchor)?,
            Event::MappingStart(_, anchor, _) => self.open(true, anchor)?,
            Event::SequenceEnd => self.close(']'),
            Event::MappingEnd => self.close('}'),
            _ => {}
        }
        Ok(())
    }

    /// Writes what stands before the next node, and tells whether that is a map's key.
    fn begin(&mut self) -> bool {
        let Some(around) = self.open.last_mut() else {
            return false;
        };
        let is_value = around.is_map && !around.nodes.is_multiple_of(2);
        match around.nodes {
            0 => {}
            _ if is_value => self.json.push(':'),
            _ => self.json.push(','),
        }
        around.nodes = around.nodes.saturating_add(1);
        around.is_map && !is_value
    }

    fn open(&mut self, is_map: bool, anchor: usize) -> Result<(), &'static str> {
        if self.begin() {
            return Err("expected a key that is text, found a list or map");
        }
        self.open.push(Open { is_map, nodes: 0, anchor, start: self.json.len() });
        self.json.push(if is_map { '{' } else { '[' });
        Ok(())
    }

    fn close(&mut self, bracket: char) {
        self.json.push(bracket);
        if let Some(Open { anchor, start, .. }) = self.open.pop() {
            self.anchors.insert(anchor, start..self.json.len());
        }
    }
}

/// The JSON of a value. Without a tag, what is not plain has the tag `!` in yaml-cpp, and that makes it text.
fn resolved(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> String {
    let is_text = tag.map_or(style != ScalarStyle::Plain, |tag| tag.original() == "!");
    if is_text {
        quoted(text)
    } else if tag.is_none() && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        "null".to_owned()
    } else if let Some(value) = boolean(text) {
        value.to_string()
    } else {
        match integer(text).map(|value| (value, i32::try_from(value))) {
            Some((_, Ok(small))) => small.to_string(),
            Some((large, Err(_))) => quoted(&large.to_string()),
            None => quoted(text),
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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
        to_json(yaml).unwrap_or_else(|error| error.to_string())
    }

    /// What Envoy 1.40.0 was seen to make of the same texts, in node metadata that it printed as JSON.
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
            let error = to_json(yaml).unwrap_err().to_string();
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
        assert!(to_json(&yaml).unwrap_err().to_string().contains("aliases that swell it"));
    }
}
