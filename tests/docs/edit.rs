//! Edits that a page asks for, made in a text.

/// `text` with these entries as the first ones under this key at the left margin, indented as the entries there are.
pub(crate) fn add(text: &str, key: &str, entries: &str) -> Result<String, String> {
    let head = format!("{key}:\n");
    let start = if text.starts_with(&head) { Some(0) } else { text.find(&format!("\n{head}")).map(|index| index + 1) };
    let (before, after) = text.split_at(start.ok_or_else(|| format!("there is no `{key}:`"))? + head.len());
    let first = after.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).unwrap_or("");
    let indentation = " ".repeat(first.len() - first.trim_start().len());
    let entries: String = entries.lines().map(|line| format!("{indentation}{line}\n")).collect();
    Ok([before, &entries, after].concat())
}

/// `text` with the lines changed that a block `diff` changes. The lines that stay or go must be there exactly once,
/// one behind the other.
pub(crate) fn apply(text: &str, diff: &str) -> Result<String, String> {
    let side = |sign: char| -> String {
        let of_side = |line: &str| match line.chars().next() {
            Some(first) if first == sign || first == ' ' => Some(format!("{}\n", &line[1..])),
            None => Some("\n".to_owned()),
            _ => None,
        };
        diff.lines().filter_map(of_side).collect()
    };
    let (old, new) = (side('-'), side('+'));
    match text.matches(&old).count() {
        1 => Ok(text.replace(&old, &new)),
        count => Err(format!("these lines are there {count} times, not once:\n{old}")),
    }
}

/// The names of the files of which the text asks for the fingerprint.
pub(crate) fn fingerprints_asked_for(text: &str) -> Vec<&str> {
    text.split(PLACEHOLDER).skip(1).filter_map(|rest| rest.split_once('>')).map(|(file, _)| file).collect()
}

/// `text` with the fingerprint of this file in place.
pub(crate) fn with_fingerprint(text: &str, file: &str, fingerprint: &str) -> String {
    text.replace(&format!("{PLACEHOLDER}{file}>"), fingerprint)
}

const PLACEHOLDER: &str = "<fingerprint of ";

#[test]
fn entries_are_added_with_the_indentation_of_the_others() {
    let text = "tiers:\n  a: {}\nclients:\n  # partners\n  - {alias: b}\n";
    let added = "tiers:\n  a: {}\nclients:\n  - alias: c\n    tier: a\n  # partners\n  - {alias: b}\n";
    assert_eq!(add(text, "clients", "- alias: c\n  tier: a").as_deref(), Ok(added));
    assert!(add(text, "rules", "- {}").is_err());
}

#[test]
fn a_diff_changes_lines_that_are_there_once() {
    let text = "a\nb\n\nc\nb\n";
    assert_eq!(apply(text, " a\n-b\n+B\n\n c").as_deref(), Ok("a\nB\n\nc\nb\n"));
    assert!(apply(text, "-b\n+B").is_err(), "twice");
    assert!(apply(text, "-d\n+B").is_err(), "never");
}

#[test]
fn fingerprints_are_filled_in() {
    let text = "{sha256: \"<fingerprint of a.pem>\"}";
    assert_eq!(fingerprints_asked_for(text), ["a.pem"]);
    assert_eq!(with_fingerprint(text, "a.pem", "6e:f8"), "{sha256: \"6e:f8\"}");
}
