//! Files that the pages name in code spans exist.

use super::pages;
use certgate_test_support::repository;
use std::fs;

/// The folders whose files pages name.
const FOLDERS: [&str; 5] = ["src/", "tests/", "envoy/", "xtask/", "docs/"];

#[test]
fn every_file_that_is_named_exists() {
    let mut complaints = Vec::new();
    let mut count = 0_usize;
    for page in pages() {
        for block in page.blocks() {
            for text in block.texts() {
                for path in text.split('`').skip(1).step_by(2).filter(|code| is_path(code)) {
                    count += 1;
                    let found = match path.split_once('*') {
                        Some((before, after)) => is_start_and_end(before, after),
                        None => repository().join(path).exists(),
                    };
                    if !found {
                        complaints.push(format!("{}:{}: {path} does not exist", page.path, block.line));
                    }
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(count > 80, "{count} files were found");
}

fn is_path(code: &str) -> bool {
    let has_folder = FOLDERS.iter().any(|folder| code.starts_with(folder));
    has_folder && code.chars().all(|c| c.is_ascii_alphanumeric() || "/._-*".contains(c))
}

/// Whether a file has a path that begins and ends like this.
fn is_start_and_end(before: &str, after: &str) -> bool {
    let (folder, start) = before.rsplit_once('/').unwrap_or(("", before));
    let names = fs::read_dir(repository().join(folder)).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.into_string().ok()).any(|name| name.starts_with(start) && name.ends_with(after))
}
