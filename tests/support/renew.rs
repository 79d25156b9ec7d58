//! Golden files: the files in this repository that tests compare with what they have made or measured.
//!
//! A test compares by default. `RENEW=1` makes it write the file instead; `make renew` sets it for all of them.

use std::env;
use std::fs;
use std::path::Path;

/// Whether golden files are to be written.
pub fn asked() -> bool {
    env::var_os("RENEW").is_some_and(|value| value == "1")
}

/// Panics if the file is not this text; writes the text to the file instead if `RENEW=1` asks for it.
pub fn compare(path: &Path, text: &str, how: &str) {
    if asked() {
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        fs::write(path, text).expect("a file that can be written");
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    let same = found.lines().zip(text.lines()).take_while(|(found, expected)| found == expected).count();
    let [is, should] = [&*found, text].map(|text| text.lines().nth(same).unwrap_or("the end"));
    let line = same.saturating_add(1);
    assert!(found == text, "{}, line {line}:\n{is}\nshould be:\n{should}\n`{how}` writes it", path.display());
}
