//! What `make release` adds to the artefacts: bills of materials that name what is in them and nothing else.

use certgate_test_support::command_line::command_line;
use certgate_test_support::{module, repository};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const MODULE_TARGET: &str = "wasm32-wasip1";

fn bill(package: &str, artefact: &Path, target: &str, features: &[&str]) -> (String, Value) {
    let mut sbom = Command::new(env!("CARGO_BIN_EXE_sbom"));
    let output = sbom.arg(package).arg(artefact).arg(target).args(features).current_dir(repository()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let bill = serde_json::from_str(&text).unwrap();
    (text, bill)
}

fn list<'a>(bill: &'a Value, what: &str) -> &'a [Value] {
    bill[what].as_array().unwrap()
}

fn names(bill: &Value) -> BTreeSet<&str> {
    list(bill, "components").iter().map(|component| component["name"].as_str().unwrap()).collect()
}

#[test]
fn the_bill_of_a_module_names_the_crates_that_are_in_it() {
    for (path, features) in [(module::path(), &[][..]), (module::bandwidth(), &["bandwidth"][..])] {
        let (_, bill) = bill("certgate-wasm", &path, MODULE_TARGET, features);
        let bytes = fs::read(&path).unwrap();
        let itself = &bill["metadata"]["component"];
        assert_eq!(itself["name"], path.file_name().unwrap().to_str().unwrap());
        assert_eq!(itself["hashes"][0]["content"], data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)));
        assert_eq!(itself["properties"][1]["value"], features.join(","));
        let listed = names(&bill);
        let inside = crates_in(&bytes);
        assert!(inside.len() > 5, "{inside:?}");
        for name in &inside {
            assert!(listed.contains(name.as_str()), "{name} is in the module, and not in its bill");
        }
        // What builds it, what tests it, and what only the command line has.
        for other in ["walrus", "serde_derive", "syn", "tokio", "wasmi", "clap", "aws-lc-rs", "serde-saphyr"] {
            assert!(!listed.contains(other), "{other} is not in the module");
        }
    }
}

/// The crates whose source files the module's panic messages name.
fn crates_in(module: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(module);
    let named = text.split("/crates/").skip(1).filter_map(|rest| rest.split('/').next()?.rsplit_once('-'));
    named.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn the_bill_of_the_command_line_names_what_the_module_has_not() {
    let (_, bill) = bill("certgate", &command_line(), &host(), &[]);
    let listed = names(&bill);
    for name in ["clap", "aws-lc-sys", "serde-saphyr", "rust-std"] {
        assert!(listed.contains(name), "no {name} among {listed:?}");
    }
    for other in ["proxy-wasm", "walrus", "tokio", "rcgen"] {
        assert!(!listed.contains(other), "{other} is not in the command line");
    }
}

fn host() -> String {
    let output = Command::new("rustc").args(["--version", "--verbose"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// The standard library and the packages of the workspace are not downloaded as crates.
fn without_checksum(component: &Value) -> bool {
    let name = component["name"].as_str().unwrap();
    name == "rust-std" || name.starts_with("certgate")
}

/// As CycloneDX has it: every reference leads somewhere, every component is there once, with a checksum and a licence.
#[test]
fn a_bill_is_whole_and_the_same_each_time() {
    let (text, bill) = bill("certgate-wasm", &module::path(), MODULE_TARGET, &[]);
    assert_eq!((text.clone(), bill.clone()), self::bill("certgate-wasm", &module::path(), MODULE_TARGET, &[]));
    for path in [repository().to_str().unwrap(), "/tmp", "timestamp", "serialNumber"] {
        assert!(!text.contains(path), "{path} is in the bill");
    }
    let components = list(&bill, "components");
    let mut known: BTreeSet<&str> = components.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
    assert_eq!(known.len(), components.len(), "every component once");
    known.insert(bill["metadata"]["component"]["bom-ref"].as_str().unwrap());
    let dependencies = list(&bill, "dependencies");
    let described: BTreeSet<&str> = dependencies.iter().map(|each| each["ref"].as_str().unwrap()).collect();
    assert_eq!(described, known);
    for on in dependencies.iter().filter_map(|each| each["dependsOn"].as_array()).flatten() {
        assert!(known.contains(on.as_str().unwrap()), "{on}");
    }
    for component in components.iter().filter(|component| !without_checksum(component)) {
        assert_eq!(component["hashes"][0]["content"].as_str().map(str::len), Some(64), "{component}");
        assert!(!component["licenses"][0]["expression"].as_str().unwrap().is_empty(), "{component}");
    }
}
