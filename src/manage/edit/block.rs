//! New items and entries in lists and maps in block style.

use super::habits::Habits;
use super::locate::Target;
use super::write::Writer;
use super::{Fragment, Obstacle, Splice, gap};
use crate::load::tree::{Form, Node};

/// The piece that puts a value at this index.
pub(super) fn insert(
    target: &Target<'_>,
    index: usize,
    key: Option<&str>,
    value: &Fragment<'_>,
    habits: &Habits,
) -> Result<Splice, Obstacle> {
    let first = start(target, 0).ok_or(Obstacle::NoSuchPlace)?;
    let column = column(target, first)?;
    let lines = Writer::new(value, habits).introduced(key, value);
    if index >= target.len() || key.is_some() {
        let before = index.checked_sub(1).and_then(|before| target.nth(before)).ok_or(Obstacle::NoSuchPlace)?;
        let at = gap::behind(target.text, before.end(), column);
        // An empty line behind a block scalar may belong to its text.
        let space = (is_spaced(target, index) && !ends_in_block_scalar(before.node)).then(String::new);
        let lines: Vec<String> = space.into_iter().chain(indented(&lines, column)).collect();
        return Ok(Splice::insert(at, whole_lines(target.text, at, &lines, habits)));
    }
    let at = start(target, index).ok_or(Obstacle::NoSuchPlace)?;
    let lines = indented(&lines, column);
    if !gap::prefix(target.text, at).trim().is_empty() {
        // The dash shares its line with the dash of the list around it.
        let text = lines.join(habits.newline);
        return Ok(Splice::insert(at, format!("{}{}{:column$}", text.trim_start(), habits.newline, "")));
    }
    let (floor, widest) = match index.checked_sub(1).and_then(|before| target.nth(before)) {
        Some(before) => (gap::next_line(target.text, before.end()), column),
        None => (target.floor, usize::MAX),
    };
    let space = (index > 0 && is_spaced(target, index)).then(String::new);
    let lines: Vec<String> = lines.into_iter().chain(space).collect();
    let at = gap::comment_start(target.text, at, floor, widest);
    Ok(Splice::insert(at, whole_lines(target.text, at, &lines, habits)))
}

fn ends_in_block_scalar(node: &Node) -> bool {
    match node.items().last().or_else(|| node.entries().last().map(|entry| &entry.node)) {
        Some(last) => ends_in_block_scalar(last),
        None => node.form == Form::Block,
    }
}

/// Whether the item or entry of this index, or else the last one, is below an empty line.
fn is_spaced(target: &Target<'_>, index: usize) -> bool {
    let next = index.min(target.len().saturating_sub(1));
    let (Some(at), Some(before)) = (start(target, next), next.checked_sub(1).and_then(|before| target.nth(before)))
    else {
        return false;
    };
    let floor = gap::next_line(target.text, before.end());
    gap::is_below_empty_line(target.text, gap::comment_start(target.text, at, floor, usize::MAX))
}

/// The piece that puts another list or map in the place of this one.
pub(super) fn replace(target: &Target<'_>, value: &Fragment<'_>, habits: &Habits) -> Result<Splice, Obstacle> {
    let first = start(target, 0).ok_or(Obstacle::NoSuchPlace)?;
    let column = column(target, first)?;
    let lines = indented(&Writer::new(value, habits).lines(&value.node, true), column);
    let text = lines.join(habits.newline);
    Ok(Splice { range: first..target.end(), text: text.trim_start().to_owned() })
}

/// The byte of the dash or key of this index.
fn start(target: &Target<'_>, index: usize) -> Option<usize> {
    match target.node.entries().get(index) {
        Some(entry) => Some(entry.key_range.start),
        None => target.dash(index),
    }
}

/// The column of the list or map.
fn column(target: &Target<'_>, first: usize) -> Result<usize, Obstacle> {
    let prefix = gap::prefix(target.text, first);
    if prefix.contains('\t') {
        return Err(Obstacle::Form("a tab before a key or dash"));
    }
    if prefix.split_whitespace().any(|word| word == "?" || word == ":") {
        return Err(Obstacle::Form("a key that is written with `?`"));
    }
    Ok(prefix.chars().count())
}

fn indented(lines: &[String], column: usize) -> Vec<String> {
    lines.iter().map(|line| format!("{:column$}{line}", "")).collect()
}

/// The lines as they stand at the beginning of a line, or at the end of a text whose last line has no end.
fn whole_lines(text: &str, at: usize, lines: &[String], habits: &Habits) -> String {
    let lines = lines.join(habits.newline);
    if gap::line_start(text, at) == at { lines + habits.newline } else { format!("{}{lines}", habits.newline) }
}
