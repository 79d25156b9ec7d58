//! The tutorial's text: its prose, and the blocks of it that are to be typed.

use crate::support::envoys::repository;
use std::fs;

/// The section of the README.
pub(super) struct Tutorial {
    text: String,
    blocks: Vec<String>,
}

impl Tutorial {
    pub(super) fn read() -> Self {
        let readme = fs::read_to_string(repository().join("README.md")).unwrap();
        let (_, rest) = readme.split_once("\n## Tutorial\n").expect("a section called Tutorial");
        let (text, _) = rest.split_once("\n## ").expect("a section after it");
        Self { text: text.to_owned(), blocks: blocks(text) }
    }

    /// The blocks. Panics if there are more or fewer than a test knows what to do with.
    pub(super) fn blocks<const COUNT: usize>(&self) -> [&str; COUNT] {
        let blocks: Vec<&str> = self.blocks.iter().map(String::as_str).collect();
        blocks.try_into().unwrap_or_else(|blocks: Vec<_>| panic!("{COUNT} blocks were expected, found {blocks:#?}"))
    }

    /// Panics if the prose does not say this (however its lines are broken), which a test is about to hold it to.
    pub(super) fn says(&self, prose: &str) {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(&self.text).contains(&flat(prose)), "the tutorial no longer says: {prose}");
    }
}

/// Each run of indented lines, without the indentation.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match (line.strip_prefix("    "), inside) {
            (Some(line), false) => blocks.push(line.to_owned()),
            (Some(line), true) => {
                let block: &mut String = blocks.last_mut().expect("just begun");
                block.push('\n');
                block.push_str(line);
            }
            (None, _) => {}
        }
        inside = line.starts_with("    ");
    }
    blocks
}
