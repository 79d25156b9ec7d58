//! The form of the pages: how long they, their lines and their sentences are, and words that they do not use.

use super::markdown::Kind;
use super::sentences::{sentences, words};
use super::{Page, pages};

const LONGEST_LINE: usize = 120;
const LONGEST_SENTENCE: usize = 40;
const LONGEST_PAGE: usize = 4_000;
const LONGEST_README: usize = 2_000;

/// Words that were read twice, with the words to write instead.
const REPLACED: [(&str, &str); 8] = [
    ("in force", "active"),
    ("take up", "load"),
    ("takes up", "loads"),
    ("taken up", "loaded"),
    ("took up", "loaded"),
    ("taking up", "loading"),
    ("belt", "guard"),
    ("how-manieth", "number of"),
];

fn without_complaints(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn lines_are_short() {
    let mut complaints = Vec::new();
    for page in pages() {
        let blocks = page.blocks();
        for block in &blocks {
            let lines = match &block.kind {
                Kind::Heading(text) => std::slice::from_ref(text),
                Kind::Text(lines) => &lines[..],
                Kind::Row(_) | Kind::Code(_) => &[],
            };
            for number in block.line..block.line + lines.len() {
                let length = page.text.lines().nth(number - 1).unwrap().chars().count();
                if length > LONGEST_LINE {
                    complaints.push(format!("{}:{number}: {length} characters, of at most {LONGEST_LINE}", page.path));
                }
            }
        }
    }
    without_complaints(&complaints);
}

#[test]
fn sentences_are_short() {
    let mut complaints = Vec::new();
    let mut count = 0_usize;
    for page in pages() {
        for block in page.blocks() {
            for sentence in block.texts().iter().flat_map(|text| sentences(text)) {
                count += 1;
                if sentence.len() > LONGEST_SENTENCE {
                    let start = sentence[..6].join(" ");
                    let (path, line, words) = (&page.path, block.line, sentence.len());
                    complaints
                        .push(format!("{path}:{line}: {words} words, of at most {LONGEST_SENTENCE}: {start} ..."));
                }
            }
        }
    }
    without_complaints(&complaints);
    assert!(count > 1_500, "{count} sentences were found");
}

/// The words of a page, without tables and code.
fn length(page: &Page) -> usize {
    let blocks = page.blocks();
    let prose = blocks.iter().filter(|block| !matches!(block.kind, Kind::Row(_)));
    prose.flat_map(|block| block.texts()).map(|text| words(&text).len()).sum()
}

#[test]
fn pages_are_short() {
    let mut complaints = Vec::new();
    for page in pages() {
        let longest = if page.path == "README.md" { LONGEST_README } else { LONGEST_PAGE };
        let words = length(&page);
        if words > longest {
            complaints.push(format!("{}: {words} words, of at most {longest}", page.path));
        }
    }
    without_complaints(&complaints);
}

#[test]
fn words_are_those_of_the_field() {
    let mut complaints = Vec::new();
    for page in pages() {
        for block in page.blocks() {
            for text in block.texts() {
                let words = words(&text).join(" ").to_lowercase();
                // Not "takes up to 160 MiB".
                let words = format!(" {} ", words.replace(" up to ", " "));
                for (word, instead) in REPLACED {
                    if words.contains(&format!(" {word}")) {
                        complaints.push(format!("{}:{}: \"{word}\": write \"{instead}\"", page.path, block.line));
                    }
                }
            }
        }
    }
    without_complaints(&complaints);
}
