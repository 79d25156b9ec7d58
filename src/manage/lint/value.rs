//! Values of fields as Envoy reads them. Must not know the meaning of any field.

use super::finding::Report;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;
use crate::load::tree::{Node, Value};
use serde_json::Value as Json;

/// Whether a field is true.
pub(super) fn is_true(message: &Place<'_>, field: &str) -> bool {
    message.boolean(field) == Some(true)
}

/// Whether a text of the value, or of a value in it, is one that is looked for.
pub(super) fn has_text(node: &Node, is_it: &dyn Fn(&str) -> bool) -> bool {
    node.as_str().is_some_and(is_it)
        || node.items().iter().any(|item| has_text(item, is_it))
        || node.entries().iter().any(|entry| has_text(&entry.node, is_it))
}

/// Whether the text has this name, and not as a part of a longer one.
pub(super) fn names(text: &str, name: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let is_part =
        |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    text.match_indices(name).any(|(start, found)| {
        let before = text.get(..start).and_then(|before| before.bytes().next_back());
        let after = text.get(start.saturating_add(found.len())..).and_then(|after| after.bytes().next());
        !is_part(before) && !is_part(after)
    })
}

/// The value as JSON, with names of fields in snake case and without fields that are null.
pub(super) fn json(node: &Node) -> Json {
    match &node.value {
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            let present = entries.iter().filter(|entry| !matches!(entry.node.value, Value::Null));
            present.map(|entry| (snake_case(&entry.key), json(&entry.node))).collect()
        }
        _ => serde_json::to_value(node).unwrap_or_default(),
    }
}

/// The name of a field in snake case.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Errors about keys that a map has twice. A registry's own keys are its reader's affair.
pub(super) fn report_duplicate_keys(node: &Node, report: &mut Report<'_, '_>) {
    node.items().iter().for_each(|item| report_duplicate_keys(item, report));
    for (place, entry) in node.entries().iter().enumerate() {
        if node.entries().iter().take(place).any(|earlier| earlier.key == entry.key) {
            let message = format!("expected each key once, found `{}` again: Envoy takes the last one", entry.key);
            let span = report.source().document.key_span(entry);
            report
                .push(Diagnostic::error(Code::DuplicateKey, message).mended_by("remove the others").at("", Some(span)));
        }
        if entry.key != "configuration" {
            report_duplicate_keys(&entry.node, report);
        }
    }
}
