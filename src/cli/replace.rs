//! Files that are replaced as a whole: no reader finds half of one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Writes the bytes beside the file, and renames them over it. A file that was there keeps its permissions.
pub(crate) fn with(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link is followed, so that the file is replaced and not the link.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let beside = beside(&file);
    let written = fs::write(&beside, bytes)
        .and_then(|()| match fs::metadata(&file) {
            Ok(there) => fs::set_permissions(&beside, there.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| fs::rename(&beside, &file));
    if written.is_err() {
        // It may not have been made at all.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    file.with_file_name(name)
}
