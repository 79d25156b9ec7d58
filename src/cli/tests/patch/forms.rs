//! Forms of a text that a patch keeps: of configurations as users write them, in every end of line, and of JSON.

use super::Folder;
use certgate_test_support::repository;
use serde_json::{Value, json};
use std::fs;

/// The configurations in `tests/fixtures/envoys/`, and the names of their listeners.
const FILES: [(&str, &str); 6] = [
    ("gateway.yaml", "https"),
    ("ingress.yaml", "https"),
    ("sidecar.yaml", "inbound"),
    ("routes.yaml", "https"),
    ("anchors.yaml", "partners"),
    ("edge.json", "edge"),
];

fn fixture(file: &str) -> String {
    fs::read_to_string(repository().join("tests/fixtures/envoys").join(file)).unwrap()
}

fn patched(file: &'static str, listener: &'static str, text: &str) -> String {
    let parts = json!({"rules": [{"match": {"path": "/public/**"}, "access": "public"}], "misdirected": 421});
    let folder = Folder { listener, ..Folder::new(file, text, &parts) };
    folder.patched(&["--trusted-ca", "ca.pem", "--watch", "watched.yaml"]).0
}

#[test]
fn every_line_stays_but_those_that_are_said_to_change() {
    for (file, listener) in FILES {
        let text = fixture(file);
        let patched = patched(file, listener, &text);
        // In JSON, the last value of a list gets a comma where another follows.
        let line = |line: &'static str| line.trim_end_matches(',');
        let patched: &'static str = patched.leak();
        let mut rest = patched.lines().map(line);
        let mut gone = Vec::new();
        for line in text.leak().lines().map(line) {
            if rest.clone().any(|patched| patched == line) {
                rest.find(|patched| *patched == line);
            } else {
                gone.push(line);
            }
        }
        let changed = ["APPEND_FORWARD", "merge_slashes: false", "KEEP_UNCHANGED", "ALLOW", "matching: false", "[]"];
        let allowed = |line: &str| changed.iter().any(|value| line.contains(value));
        assert!(gone.iter().all(|line| allowed(line)), "{file}: {gone:#?}\n{patched}");
    }
}

#[test]
fn the_end_of_a_line_is_the_same_everywhere() {
    for (file, listener) in FILES {
        let text = fixture(file);
        let unix = patched(file, listener, &text);
        let windows = patched(file, listener, &text.replace('\n', "\r\n"));
        assert!(windows == unix.replace('\n', "\r\n"), "{file}:\n{windows}");
        let open = patched(file, listener, text.trim_end());
        assert!(open == unix.trim_end(), "{file}:\n{open}");
    }
}

#[test]
fn yaml_in_brackets_and_json_in_every_layout_get_the_same_values() {
    let text = fixture("edge.json");
    let data: Value = serde_json::from_str(&text).unwrap();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let expected = read(&patched("edge.json", "edge", &text));
    let tabs = text.replace("  ", "\t");
    for text in [data.to_string(), tabs, text] {
        assert_eq!(read(&patched("edge.json", "edge", &text)), expected, "{text}");
        let yaml = patched("edge.yaml", "edge", &text);
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), expected, "{yaml}");
    }
}

/// Every comment is above the line that it was above, or is at the end of its map or list as before.
#[test]
fn comments_stay_above_their_lines() {
    let below = |text: &str| -> Vec<(String, String)> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let pairs = lines.windows(2).filter(|pair| pair[0].trim().starts_with('#'));
        pairs.map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
    };
    for (file, listener) in FILES {
        let text = fixture(file);
        let after = below(&patched(file, listener, &text));
        for pair in below(&text) {
            // Above a section of comments, or above a value that changes.
            let moved = after.iter().any(|(comment, _)| *comment == pair.0)
                && ["# (to come)", "# Upstreams want"].iter().any(|comment| pair.0.contains(comment));
            assert!(moved || after.contains(&pair), "{file}: {pair:?}");
        }
    }
}

/// A patched file has the same values in every form of YAML: aliases expanded, no comments, all in block style.
#[test]
fn the_values_do_not_depend_on_the_form() {
    let data = |text: &str| serde_saphyr::from_str::<Value>(text).unwrap();
    for (file, listener) in FILES {
        let text = fixture(file);
        let plain = serde_saphyr::to_string(&data(&text)).unwrap();
        let name = if file == "edge.json" { "edge.yaml" } else { file };
        assert_eq!(data(&patched(name, listener, &plain)), data(&patched(file, listener, &text)), "{file}:\n{plain}");
    }
}
