//! New items and entries in lists and maps in brackets: YAML's flow style, and all of JSON.

use super::habits::Habits;
use super::locate::Target;
use super::{Fragment, Splice, gap, write};

/// The pieces that put a value at this index.
pub(super) fn insert(
    target: &Target<'_>,
    index: usize,
    key: Option<&str>,
    value: &Fragment<'_>,
    habits: &Habits,
) -> Vec<Splice> {
    let (text, range) = (target.text, &target.node.range);
    let (open, close) = (range.start.saturating_add(1), range.end.saturating_sub(1));
    let key = key.map(|key| format!("{}: ", write::text(key, habits.is_json))).unwrap_or_default();
    let inline = || format!("{key}{}", write::flow(&value.node, habits.is_json));
    let outer: String = gap::prefix(text, line_indent(text, range.start)).to_owned();
    let Some(first) = start(target, 0) else {
        let is_blank = text.get(open..close).is_some_and(|inner| inner.trim().is_empty());
        let range = open..if is_blank { close } else { open };
        let text = if habits.pretty {
            let inner = format!("{outer}{}", habits.unit);
            let value = write::pretty(&value.node, &inner, habits);
            format!("{nl}{inner}{key}{value}{nl}{outer}", nl = habits.newline)
        } else {
            inline()
        };
        return vec![Splice { range, text }];
    };
    let own_line = gap::prefix(text, first).trim().is_empty();
    let last = target.len().checked_sub(1).and_then(|last| target.nth(last)).map_or(first, |last| last.end());
    match (own_line, start(target, index)) {
        (false, Some(at)) => vec![Splice::insert(at, format!("{}, ", inline()))],
        (false, None) => vec![Splice::insert(last, format!(", {}", inline()))],
        (true, place) => {
            let inner = gap::prefix(text, first).to_owned();
            let line = format!("{inner}{key}{}", write::pretty(&value.node, &inner, habits));
            let nl = habits.newline;
            if let Some(at) = place {
                let floor = index.checked_sub(1).and_then(|before| target.nth(before));
                let floor = floor.map_or(gap::next_line(text, open), |before| gap::next_line(text, before.end()));
                if !gap::prefix(text, at).trim().is_empty() {
                    return vec![Splice::insert(at, format!("{}, ", inline()))];
                }
                let at = gap::comment_start(text, at, floor, usize::MAX);
                return vec![Splice::insert(at, format!("{line},{nl}"))];
            }
            let has_comma = gap::comma(text, last..close).is_some();
            let comma = (!has_comma).then(|| Splice::insert(last, ",".to_owned()));
            let end = gap::line_end(text, last);
            if end >= close {
                let at = gap::comma(text, last..close).map_or(last, |comma| comma.saturating_add(1));
                return comma.into_iter().chain([Splice::insert(at, format!("{nl}{line}"))]).collect();
            }
            let tail = if has_comma { "," } else { "" };
            comma.into_iter().chain([Splice::insert(end, format!("{nl}{line}{tail}"))]).collect()
        }
    }
}

/// The byte of the item or key of this index.
fn start(target: &Target<'_>, index: usize) -> Option<usize> {
    match target.node.entries().get(index) {
        Some(entry) => Some(entry.key_range.start),
        None => target.node.items().get(index).map(|item| item.range.start),
    }
}

/// The first byte of the line of this byte that is no space.
fn line_indent(text: &str, at: usize) -> usize {
    let start = gap::line_start(text, at);
    let line = text.get(start..at).unwrap_or_default();
    start.saturating_add(line.len().saturating_sub(line.trim_start_matches([' ', '\t']).len()))
}
