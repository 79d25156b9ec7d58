//! A condition as an expression of the Common Expression Language, over Envoy's attributes. Must not know where it stands.

use super::condition::{Condition, How, Text};
use super::match_condition::regex_of;
use serde_json::json;

/// Envoy takes regular expressions up to a size of 100. A text of any case takes one for each character, if it need not
/// stand at the beginning.
const LONGEST_TEXT: usize = 90;

/// Whether Envoy takes the expression: with one that it does not, it refuses the whole configuration.
pub(super) fn is_taken(condition: &Condition) -> bool {
    match condition {
        Condition::All(conditions) | Condition::Any(conditions) => conditions.iter().all(is_taken),
        Condition::Not(condition) => is_taken(condition),
        Condition::Path(Text { how, text, any_case }) | Condition::Host(Text { how, text, any_case }) => {
            !any_case || !matches!(how, How::EndsWith | How::Contains) || text.len() <= LONGEST_TEXT
        }
        Condition::Method(_) => true,
    }
}

/// The expression.
pub(super) fn expression(condition: &Condition) -> String {
    let joined = |conditions: &[Condition], operator| {
        let parts: Vec<String> = conditions.iter().map(expression).collect();
        format!("({})", parts.join(operator))
    };
    match condition {
        Condition::All(none) if none.is_empty() => "true".to_owned(),
        Condition::All(conditions) => joined(conditions, " && "),
        Condition::Any(conditions) => joined(conditions, " || "),
        Condition::Not(condition) => format!("!{}", expression(condition)),
        Condition::Path(text) => test("request.url_path", text),
        Condition::Host(text) => test("request.host", text),
        Condition::Method(method) => format!("request.method == {}", literal(method)),
    }
}

/// A text as a literal: what JSON has for one is one here too.
pub(super) fn literal(text: &str) -> String {
    json!(text).to_string()
}

/// `matches` is satisfied with a part, hence the anchors.
fn test(attribute: &str, Text { how, text, any_case }: &Text) -> String {
    let regex = ascii_in_any_case(text);
    let matches = |regex: String| format!("{attribute}.matches({})", literal(&regex));
    match (how, any_case) {
        (How::Is, false) => format!("({attribute} == {})", literal(text)),
        (How::StartsWith, false) => format!("{attribute}.startsWith({})", literal(text)),
        (How::EndsWith, false) => format!("{attribute}.endsWith({})", literal(text)),
        (How::Contains, false) => format!("{attribute}.contains({})", literal(text)),
        (How::Is, true) => matches(format!("(?i)^{regex}$")),
        (How::StartsWith, true) => matches(format!("(?i)^{regex}")),
        (How::EndsWith, true) => matches(format!("(?i){regex}$")),
        (How::Contains, true) => matches(format!("(?i){regex}")),
        (How::Matches, _) => matches(format!("^(?:{text})$")),
    }
}

/// A regular expression for this text behind `(?i)`. For `k` and `s`, `(?i)` takes letters outside of ASCII too, which in a
/// long host makes a larger program than Envoy takes.
fn ascii_in_any_case(text: &str) -> String {
    let letter = |character| match character {
        'k' | 'K' => "(?-i:[Kk])".to_owned(),
        's' | 'S' => "(?-i:[Ss])".to_owned(),
        other => other.into(),
    };
    regex_of(text).chars().map(letter).collect()
}
