//! The sentences and words of a text in Markdown. A code span is one word, whatever is in it, and a link is its text.

/// Words with a full stop that end no sentence.
const ABBREVIATIONS: [&str; 5] = ["e.g.", "i.e.", "cf.", "vs.", "..."];

/// Names in lower case with which a sentence may begin.
const NAMES: [&str; 1] = ["certgate"];

/// The sentences of this text, each as its words.
pub(super) fn sentences(text: &str) -> Vec<Vec<String>> {
    let plain = plain(text);
    let words: Vec<_> = plain.split_whitespace().collect();
    let mut sentences = vec![Vec::new()];
    for (index, word) in words.iter().enumerate() {
        if word.contains(char::is_alphanumeric) {
            sentences.last_mut().expect("never empty").push((*word).to_owned());
        }
        if ends(word) && words.get(index + 1).is_none_or(|next| begins(next)) {
            sentences.push(Vec::new());
        }
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

/// The words of this text.
pub(super) fn words(text: &str) -> Vec<String> {
    sentences(text).concat()
}

/// The text without markup.
fn plain(text: &str) -> String {
    without_links(&without_code(text)).replace(['*', '>'], "")
}

/// The text with `Code` for each code span, which may be between several backticks.
fn without_code(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let inside = after.trim_start_matches('`');
        let fence = "`".repeat(after.len() - inside.len() + 1);
        plain.push_str(before);
        let Some((_, after)) = inside.split_once(&fence) else { return plain };
        plain.push_str("Code");
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// The text with the texts of links in the place of links.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        plain.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.replace(['[', ']'], "")
}

/// Whether a sentence may end with this word.
fn ends(word: &str) -> bool {
    let word = word.trim_end_matches([')', '"', '\'']);
    let is_abbreviation = ABBREVIATIONS.iter().any(|known| word.to_ascii_lowercase().ends_with(known));
    word.ends_with(['.', '?', '!']) && !is_abbreviation
}

/// Whether a sentence may begin with this word.
fn begins(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '"', '\'']);
    NAMES.iter().any(|name| word.starts_with(name)) || word.starts_with(|c: char| !c.is_lowercase())
}

#[test]
fn sentences_are_split_where_they_end() {
    let lengths = |text| sentences(text).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths("One two. Three! Four five?"), [2, 1, 2]);
    assert_eq!(lengths("Envoy 1.40.0 is one. certgate is another."), [4, 3]);
    assert_eq!(lengths("A span `a. B. c` is one word. `x` begins, ``y ` z`` ends."), [6, 4]);
    assert_eq!(lengths("See [the page. Or not](a.md#b). Then (so.) Go."), [3, 2, 2, 1]);
    assert_eq!(lengths("Use e.g. This, i.e. That, and more ... Nothing ends."), [9]);
    assert_eq!(lengths("It says \"no.\" Then **bold.** More: a list; and"), [3, 2, 4]);
    assert_eq!(lengths("a + b -- c"), [3]);
    assert!(sentences("").is_empty());
}
