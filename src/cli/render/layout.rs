//! Text that people read: templates with comments in them, filled with values that a serialiser writes. Must not know what
//! any of it means.

use serde::Serialize;
use std::fmt::Write;

/// A value as a block of YAML, without an end of line at its end.
pub(super) fn yaml(value: &impl Serialize) -> Result<String, serde_saphyr::ser::Error> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: false,
        // Long text stays on its line.
        folded_wrap_chars: usize::MAX,
    };
    let text = serde_saphyr::to_string_with_options(value, options)?;
    // No more than that: what stands before it may belong to a text.
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Text as it can stand for one value anywhere in YAML.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-'));
    let means_something = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if plain && !means_something.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// The template with `{{name}}` replaced by each of these. Where it has a line of its own, the value may have several
/// lines, which are indented as that line is, or none, and then the line goes away.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    for line in template.lines() {
        let own = values.iter().find(|(name, _)| line.trim_start() == format!("{{{{{name}}}}}"));
        match own {
            Some((_, block)) => push_indented(&mut filled, block, indent(line)),
            None => {
                let line = values
                    .iter()
                    .fold(line.to_owned(), |line, (name, value)| line.replace(&format!("{{{{{name}}}}}"), value));
                push_indented(&mut filled, &line, 0);
            }
        }
    }
    filled
}

/// The text with each of these replaced by what stands beside it. What is put in is not looked at again.
pub(super) fn replace_all(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((start, from, to)) =
        pairs.iter().filter_map(|(from, to)| Some((rest.find(*from)?, *from, *to))).min_by_key(|(start, ..)| *start)
    {
        let (before, found) = rest.split_at_checked(start).unwrap_or_default();
        replaced += before;
        replaced += to;
        rest = found.strip_prefix(from).unwrap_or_default();
    }
    replaced + rest
}

/// A block of lines, two columns further in.
pub(super) fn indented(block: &str) -> String {
    let mut text = String::new();
    push_indented(&mut text, block, 2);
    text.strip_suffix('\n').unwrap_or(&text).to_owned()
}

/// The text with the first line that begins with `start`, and all lines of its block, replaced by this block; with
/// `comments`, those right above it too.
pub(super) fn replace(text: &str, start: &str, comments: bool, block: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let Some(first) = lines.iter().position(|line| line.trim_start().starts_with(start)) else {
        return text.to_owned();
    };
    let (before, from) = lines.split_at_checked(first).unwrap_or_default();
    let Some((head, rest)) = from.split_first() else { return text.to_owned() };
    let depth = indent(head);
    let belongs = |line: &&&str| line.trim().is_empty() || indent(line) > depth;
    let length = rest.iter().take_while(belongs).count();
    let after = rest.get(length..).unwrap_or_default();
    let is_comment = |line: &&&str| comments && line.trim_start().starts_with('#');
    let kept = before.len().saturating_sub(before.iter().rev().take_while(is_comment).count());
    let mut replaced = String::new();
    before.iter().take(kept).for_each(|line| push_indented(&mut replaced, line, 0));
    push_indented(&mut replaced, block, depth);
    after.iter().for_each(|line| push_indented(&mut replaced, line, 0));
    replaced
}

/// The same, in what comes after the first line that has `marker` in it.
pub(super) fn replace_after(text: &str, marker: &str, start: &str, block: &str) -> String {
    let lines: usize = text.split_inclusive('\n').take_while(|line| !line.contains(marker)).map(str::len).sum();
    let (before, after) = text.split_at_checked(lines).unwrap_or((text, ""));
    before.to_owned() + &replace(after, start, false, block)
}

/// The text without the comments at its beginning.
pub(super) fn without_head(text: &str) -> &str {
    let comments: usize = text.split_inclusive('\n').take_while(|line| line.starts_with('#')).map(str::len).sum();
    text.get(comments..).unwrap_or_default().trim_start()
}

fn push_indented(text: &mut String, block: &str, depth: usize) {
    if block.is_empty() && depth > 0 {
        return;
    }
    for line in block.split('\n') {
        let depth = if line.is_empty() { 0 } else { depth };
        // Writing to text cannot fail.
        let _ = writeln!(text, "{:depth$}{line}", "");
    }
}

fn indent(line: &str) -> usize {
    line.len().saturating_sub(line.trim_start().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_values_in_lines_and_blocks_for_lines() {
        let template = "a: {{one}}\n\nb:\n  {{block}}\n  {{nothing}}\n";
        let values = [("one", "1"), ("block", "- x\n\n- y"), ("nothing", "")];
        assert_eq!(fill(template, &values), "a: 1\n\nb:\n  - x\n\n  - y\n");
    }

    #[test]
    fn blocks_are_replaced_with_all_that_is_in_them() {
        let text = "a:\n  # why\n  - name: x\n    y: 1\n\n    z: 2\n  - name: z\n";
        assert_eq!(replace(text, "- name: x", false, "- b\n- c"), "a:\n  # why\n  - b\n  - c\n  - name: z\n");
        assert_eq!(replace(text, "- name: x", true, "- b"), "a:\n  - b\n  - name: z\n");
        assert_eq!(without_head("# one\n# two\n\na: 1\n"), "a: 1\n");
    }

    #[test]
    fn what_was_put_in_is_not_replaced_again() {
        assert_eq!(replace_all("a b a c", &[("a", "b"), ("b", "a")]), "b a b c");
        assert_eq!(replace_all("x", &[("a", "b")]), "x");
    }

    #[test]
    fn texts_keep_their_spaces_and_ends_of_lines() {
        let value = serde_json::json!({"a": "x \n \n\ty\n\n"});
        let text = fill("k:\n  {{value}}\n", &[("value", &indented(&yaml(&value).unwrap()))]);
        assert_eq!(serde_saphyr::from_str::<serde_json::Value>(&text).unwrap()["k"], value);
    }

    #[test]
    fn scalars_are_text_to_every_reader() {
        for text in ["target/certgate.wasm", "a-b"] {
            assert_eq!(scalar(text), text);
        }
        for text in ["on", "12", "a: b", "a, b", "", "{x}", "a#b", "-a"] {
            assert_eq!(scalar(text), format!("{text:?}"));
        }
    }
}
