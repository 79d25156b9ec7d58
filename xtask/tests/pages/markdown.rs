//! The blocks of a page in Markdown, as far as these pages use it: headings, paragraphs, list items, tables and code.

use std::iter::Peekable;
use std::str::Lines;

/// A block, with the number of its first line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Heading(String),
    /// The lines of a paragraph or of a list item.
    Text(Vec<String>),
    /// The cells of a row of a table.
    Row(Vec<String>),
    /// The lines of code.
    Code(Vec<String>),
}

impl Block {
    /// The texts for people in this block: a heading, a paragraph, the cells of a row.
    pub(super) fn texts(&self) -> Vec<String> {
        match &self.kind {
            Kind::Heading(text) => vec![text.clone()],
            Kind::Text(lines) => vec![lines.join(" ")],
            Kind::Row(cells) => cells.clone(),
            Kind::Code(_) => Vec::new(),
        }
    }
}

/// The blocks of this text, without comments.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader { lines: text.lines().peekable(), line: 0, blocks: Vec::new(), column: 0, open: false };
    while reader.block() {}
    reader.blocks
}

struct Reader<'t> {
    lines: Peekable<Lines<'t>>,
    line: usize,
    blocks: Vec<Block>,
    /// Where the text of the current list item begins.
    column: usize,
    /// Whether the next line of text continues the last block.
    open: bool,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<&'t str> {
        self.line += 1;
        self.lines.next()
    }

    fn push(&mut self, line: usize, kind: Kind) {
        self.open = matches!(kind, Kind::Text(_));
        self.blocks.push(Block { line, kind });
    }

    /// Reads what the next line begins or continues; false at the end.
    fn block(&mut self) -> bool {
        let Some(line) = self.next() else { return false };
        let (number, text) = (self.line, line.trim());
        let indent = line.len() - line.trim_start().len();
        if text.is_empty() {
            self.open = false;
            return true;
        }
        if !self.open && indent < self.column {
            self.column = 0;
        }
        if let Some(fence) = text.starts_with("```").then_some("```") {
            let mut code = Vec::new();
            while let Some(line) = self.next().filter(|line| line.trim() != fence) {
                code.push(line.to_owned());
            }
            self.push(number, Kind::Code(code));
        } else if text.starts_with("<!--") {
            let mut last = text;
            while !last.contains("-->") {
                last = self.next().expect("the end of a comment");
            }
            self.open = false;
        } else if !self.open && indent >= self.column + 4 {
            self.push(number, Kind::Code(vec![line.to_owned()]));
        } else if text.starts_with('|') {
            self.push(number, Kind::Row(cells(text)));
        } else if let Some(heading) = text.strip_prefix('#') {
            self.push(number, Kind::Heading(heading.trim_start_matches('#').trim().to_owned()));
        } else if let Some(item) = item(text) {
            self.column = indent + text.len() - item.len();
            self.push(number, Kind::Text(vec![item.to_owned()]));
        } else {
            match self.blocks.last_mut() {
                Some(Block { kind: Kind::Text(lines), .. }) if self.open => lines.push(text.to_owned()),
                _ => self.push(number, Kind::Text(vec![text.to_owned()])),
            }
        }
        true
    }
}

/// The text of a list item, if the line begins one.
fn item(text: &str) -> Option<&str> {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if digits.len() < text.len() { digits.strip_prefix(". ") } else { text.strip_prefix("- ") };
    rest.map(str::trim_start)
}

/// The cells of a row, whose `\|` are text.
fn cells(row: &str) -> Vec<String> {
    let row = row.replace(r"\|", "\u{0}");
    let inside = row.trim_matches('|').split('|');
    inside
        .map(|cell| cell.trim().replace('\u{0}', "|"))
        .filter(|cell| cell.contains(|c: char| c != '-' && c != ':'))
        .collect()
}

#[test]
fn blocks_are_told_apart() {
    let text = "# A *b*\n\none\ntwo\n\n- item\n  more\n\n      code\n\n  end\n\n| a | `b\\|c` |\n|---|:-:|\n\n<!-- no\nword -->\n```sh\n# x\n```\n\n    indented\n";
    let kinds: Vec<_> = blocks(text).into_iter().map(|block| (block.line, block.kind)).collect();
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        kinds,
        [
            (1, Kind::Heading("A *b*".to_owned())),
            (3, Kind::Text(lines(&["one", "two"]))),
            (6, Kind::Text(lines(&["item", "more"]))),
            (9, Kind::Code(lines(&["      code"]))),
            (11, Kind::Text(lines(&["end"]))),
            (13, Kind::Row(lines(&["a", "`b|c`"]))),
            (14, Kind::Row(Vec::new())),
            (18, Kind::Code(lines(&["# x"]))),
            (22, Kind::Code(lines(&["    indented"]))),
        ]
    );
}
