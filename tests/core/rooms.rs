//! The arrows between the rooms of `src/`: which may use which.

use std::fs;
use std::path::{Path, PathBuf};

const ROOMS: [&str; 7] = ["domain", "calendar", "certificate", "config", "engine", "filter", "cli"];

/// What the files of a room must not name.
fn forbidden(room: &str) -> Vec<String> {
    let (rooms, crates): (&[&str], &[&str]) = match room {
        "domain" => (
            &["calendar", "certificate", "config", "engine", "filter", "cli"],
            &["proxy_wasm", "serde", "log::", "sha2::", "x509_parser", "use time"],
        ),
        "calendar" => (&["certificate", "config", "engine", "filter", "cli"], &["proxy_wasm", "serde", "log::"]),
        "certificate" => (&["calendar", "config", "engine", "filter", "cli"], &["proxy_wasm", "serde", "log::"]),
        "config" => (&["engine", "filter", "cli"], &["proxy_wasm", "log::"]),
        "engine" => (&["config", "filter", "cli"], &["proxy_wasm", "log::", "serde"]),
        "filter" => (&["cli"], &["clap"]),
        "cli" => (&["filter", "engine"], &["proxy_wasm"]),
        other => panic!("{other} is a room that this test does not know"),
    };
    let rooms = rooms.iter().map(|room| format!("crate::{room}"));
    rooms.chain(crates.iter().map(|name| (*name).to_owned())).collect()
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect()
}

/// The code of a file: without comments, and without the tests at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn rooms_use_only_what_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ROOMS {
        let file = src.join(room).with_extension("rs");
        let place = if file.is_file() { file } else { src.join(room) };
        for file in files(&place) {
            let code = code(&file);
            for name in forbidden(room) {
                assert!(!code.contains(&name), "{} names {name}, which {room} must not use", file.display());
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in files(&root.join("src")).into_iter().chain(files(&root.join("tests"))) {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//! "), "{} does not say what it is for", file.display());
        }
    }
}
