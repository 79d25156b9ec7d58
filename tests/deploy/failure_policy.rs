//! Every Wasm filter in a shipped file says what happens when it fails, and it is never that requests pass.

use crate::support::envoys::repository;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What gives away that a file has such a filter in it.
const SIGNS: [&str; 4] = ["vm_config:", "vmConfig:", "kind: WasmPlugin", "kind: EnvoyExtensionPolicy"];

#[test]
fn every_shipped_filter_fails_closed() {
    let files = files_below(&repository().join("envoy"));
    assert!(files.iter().any(|file| file.ends_with("envoy/envoy.yaml")), "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut policies = Vec::new();
        collect(&documents(&text, &file), &file, &mut policies);
        let has_one = SIGNS.iter().any(|sign| text.contains(sign));
        assert_eq!(!policies.is_empty(), has_one, "{}: filters with these policies: {policies:?}", file.display());
        for policy in policies {
            let closed = ["FAIL_RELOAD", "FAIL_CLOSED", "FAIL_CLOSE", "failOpen: false"].contains(&policy.as_str());
            assert!(closed, "{}: a filter whose policy is {policy}", file.display());
        }
    }
}

/// The policy of each Wasm filter in this document: of Envoy, Istio and Envoy Gateway.
fn collect(value: &Value, file: &Path, policies: &mut Vec<String>) {
    let stated = |value: &Value| value.as_str().unwrap_or("not stated").to_owned();
    match value {
        Value::Object(object) => {
            let names =
                |key: &str, name: &str| object.get(key).and_then(Value::as_str).is_some_and(|v| v.ends_with(name));
            if object.contains_key("vm_config") || object.contains_key("vmConfig") {
                policies
                    .push(stated(object.get("failure_policy").or(object.get("failurePolicy")).unwrap_or(&Value::Null)));
            } else if names("kind", "WasmPlugin") {
                policies.push(stated(&value["spec"]["failStrategy"]));
            } else if names("kind", "EnvoyExtensionPolicy") {
                for filter in value["spec"]["wasm"].as_array().expect("filters") {
                    policies.push(format!("failOpen: {}", filter["failOpen"]));
                }
            }
            object.values().for_each(|value| collect(value, file, policies));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, file, policies)),
        // A whole Envoy configuration in a ConfigMap, for example.
        Value::String(text) if text.contains("vm_config:") => collect(&documents(text, file), file, policies),
        _ => {}
    }
}

/// All documents of a YAML text.
fn documents(text: &str, file: &Path) -> Value {
    let documents = serde_saphyr::from_multiple::<Value>(text);
    Value::Array(documents.unwrap_or_else(|error| panic!("{}: {error}", file.display())))
}

/// YAML and JSON files.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|kind| ["yaml", "yml", "json"].iter().any(|known| kind == *known)) {
            files.push(path);
        }
    }
    files
}
