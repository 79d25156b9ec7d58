//! The pages for people: at the top of the repository and in `docs/`. Their links lead somewhere, the files that they name
//! exist, and their form is the one that CONTRIBUTING.md describes.

mod form;
mod links;
mod markdown;
mod named_files;
mod sentences;
mod summary;

use certgate_test_support::repository;
use markdown::{Block, blocks};
use std::fs;
use std::path::Path;

const AT_THE_TOP: [&str; 4] = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

/// A page, with its path from the top of the repository.
struct Page {
    path: String,
    text: String,
}

impl Page {
    fn read(path: &str) -> Self {
        let text = fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text }
    }

    /// The folder of the page, from the top of the repository.
    fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn blocks(&self) -> Vec<Block> {
        blocks(&self.text)
    }
}

/// All pages, in the order of their paths.
fn pages() -> Vec<Page> {
    let mut paths: Vec<_> = AT_THE_TOP.map(str::to_owned).into();
    paths.extend(docs());
    paths.iter().map(|path| Page::read(path)).collect()
}

/// The pages of `docs/`, from the top of the repository.
fn docs() -> Vec<String> {
    let mut found = Vec::new();
    collect(&repository().join("docs"), "docs", &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, path: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{path}/{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}
