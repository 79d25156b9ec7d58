//! What every file of source keeps to.

use certgate_test_support::repository;
use std::fs;
use std::path::{Path, PathBuf};

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect()
}

/// The Rust files of the repository, with their text.
fn rust_files() -> impl Iterator<Item = (PathBuf, String)> {
    let files = ["src", "tests", "xtask"].into_iter().flat_map(|folder| files(&repository().join(folder)));
    let rust = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|file| (file.clone(), fs::read_to_string(&file).unwrap()))
}

#[test]
fn every_file_says_what_it_is_for() {
    for (file, text) in rust_files() {
        assert!(text.starts_with("//! "), "{} does not say what it is for", file.display());
    }
}

#[test]
fn no_file_has_more_than_400_lines() {
    for (file, text) in rust_files() {
        let lines = text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines: CONTRIBUTING.md says how to split it", file.display());
    }
}
