//! A copy of the repository's source, for tests that build or change it.

use crate::support::envoys::repository;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Copies the source to this folder, without what is built.
pub(crate) fn copy_source(to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(repository()).unwrap() {
        let entry = entry.unwrap();
        if ["target", ".git"].iter().all(|name| entry.file_name() != *name) {
            copy(&entry.path(), to);
        }
    }
}

/// Copies a file or folder into a folder, with its time.
pub(crate) fn copy(from: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    let copied = Command::new("cp").arg("-a").arg(from).arg(into).status().expect("cp");
    assert!(copied.success(), "{} cannot be copied", from.display());
}
