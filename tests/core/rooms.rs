//! The arrows between the rooms of `src/`: which may use which. And what every file keeps to.

use std::fs;
use std::path::{Path, PathBuf};

const ROOMS: [&str; 9] =
    ["domain", "calendar", "certificate", "config", "telemetry", "engine", "filter", "manage", "cli"];

/// What the files of a room must not name.
fn forbidden(room: &str) -> Vec<String> {
    let (rooms, crates): (&[&str], &[&str]) = match room {
        "domain" => (
            &["calendar", "certificate", "config", "telemetry", "engine", "filter", "manage", "cli"],
            &["proxy_wasm", "serde", "log::", "sha2::", "x509_parser", "use time"],
        ),
        "calendar" => (
            &["certificate", "config", "telemetry", "engine", "filter", "manage", "cli"],
            &["proxy_wasm", "serde", "log::"],
        ),
        "certificate" => (
            &["calendar", "config", "telemetry", "engine", "filter", "manage", "cli"],
            &["proxy_wasm", "serde", "log::"],
        ),
        "telemetry" => (
            &["certificate", "config", "engine", "filter", "manage", "cli"],
            &["proxy_wasm", "log::", "serde", "sha2::"],
        ),
        "config" => (&["telemetry", "engine", "filter", "manage", "cli"], &["proxy_wasm", "log::"]),
        "engine" => (&["config", "filter", "manage", "cli"], &["proxy_wasm", "log::", "serde"]),
        "filter" => (&["manage", "cli"], &["clap"]),
        "manage" => (&["filter", "engine", "telemetry", "cli"], &["proxy_wasm", "clap", "println!", "SystemTime"]),
        "cli" => (&["filter", "engine", "telemetry", "config", "certificate"], &["proxy_wasm", "serde"]),
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

/// The Rust files of `src/` and `tests/`, with their text.
fn rust_files() -> impl Iterator<Item = (PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["src", "tests"].into_iter().flat_map(|folder| files(&root.join(folder)));
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
