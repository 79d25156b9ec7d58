//! The registries in this repository: in files, in Envoy configurations, on pages and in the table of scenarios.

use super::Judge;
use super::example::Pem;
use certgate_test_support::registry::merge;
use certgate_test_support::{repository, scenarios};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The files with text below this folder, outside of what is built.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.is_dir() && name != "target" && !name.starts_with('.') {
            files(&entry, found);
        } else if [".yaml", ".yml", ".json", ".md"].iter().any(|end| name.ends_with(end)) {
            found.push(entry);
        }
    }
}

/// The YAML or JSON documents in a file: the whole file, or the blocks of code of a page.
fn documents(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    if file.extension().is_none_or(|extension| extension != "md") {
        return text.split("\n---\n").map(str::to_owned).collect();
    }
    let blocks = text.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| Some(block.split_once('\n')?.1.to_owned())).collect()
}

/// The registries in a document: maps with a version, and texts that write one.
fn registries(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(entries) => {
            if entries.get("version").is_some_and(Value::is_number) && entries.keys().all(|key| is_part(key)) {
                found.push(value.clone());
            } else {
                entries.values().for_each(|value| registries(value, found));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| registries(item, found)),
        Value::String(text) if text.contains("version") => {
            if let Ok(value @ Value::Object(_)) = serde_json::from_str(text) {
                registries(&value, found);
            }
        }
        _ => {}
    }
}

fn is_part(key: &str) -> bool {
    certgate_manage::schema::DOCUMENT.field(key).is_some()
}

#[test]
fn the_registries_of_this_repository() {
    let judge = Judge::new();
    let mut paths = Vec::new();
    files(repository(), &mut paths);
    let (mut accepted, mut count) = (0, 0);
    for file in paths {
        for text in documents(&file) {
            let Ok(document) = serde_saphyr::from_str::<Value>(&text) else { continue };
            let mut found = Vec::new();
            registries(&document, &mut found);
            for registry in found {
                count += 1;
                accepted += usize::from(judge.agree(&registry, &file.display().to_string()));
            }
        }
    }
    assert!(count > 10 && accepted > 8, "{accepted} of {count}");
}

#[test]
fn the_registries_of_all_scenarios() {
    let judge = Judge::new();
    let certificate = Pem::new().certificate;
    let fingerprint = |who| format!("{:064x}", scenarios::Who::ALL.iter().position(|other| *other == who).unwrap());
    let registry = scenarios::registry(|who| (fingerprint(who), certificate.clone()));
    for scenario in scenarios::all() {
        assert!(judge.agree(&merge(registry.clone(), &scenario.options), scenario.name));
    }
}
