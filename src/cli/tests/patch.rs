//! `certgate patch`: what it changes, what it keeps, and what it refuses, each with its place.

mod forms;
mod refusals;
mod values;

use certgate_test_support::command_line::Run;
use certgate_test_support::registry::{client, registry};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A configuration without certgate.
const ENVOY: &str = include_str!("patch/envoy.yaml");

/// A folder with an Envoy configuration and a registry.
struct Folder {
    folder: TempDir,
    file: &'static str,
    listener: &'static str,
}

impl Folder {
    /// With this configuration and a registry with these parts.
    fn new(file: &'static str, envoy: &str, parts: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let clients = [client("acme", "gold", &json!({"sha256": "00".repeat(32)}))];
        let mut registry = registry(&[("gold", json!([]))], &clients);
        registry.as_object_mut().unwrap().extend(parts.as_object().cloned().unwrap_or_default());
        let folder = Self { folder, file, listener: "https" };
        fs::write(folder.at(file), envoy).unwrap();
        fs::write(folder.at("registry.json"), registry.to_string()).unwrap();
        folder
    }

    /// With the usual configuration with these changes: each is a text in it, and the text in its place.
    fn changed(changes: &[(&str, &str)], parts: &Value) -> Self {
        let text = changes.iter().fold(ENVOY.to_owned(), |text, (old, new)| {
            assert!(text.contains(old), "{old} is not in the configuration");
            text.replacen(old, new, 1)
        });
        Self::new("envoy.yaml", &text, parts)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn patch(&self, more: &[&str]) -> Run {
        let arguments = ["patch", self.file, "--registry", "registry.json", "--listener", self.listener];
        Run::of(env!("CARGO_BIN_EXE_certgate"), self.folder.path(), &[&arguments, more].concat(), "")
    }

    /// The patched text, and what was said.
    fn patched(&self, more: &[&str]) -> (String, String) {
        let run = self.patch(&[&["-o", "patched"], more].concat());
        assert_eq!((run.code, &*run.out), (0, ""), "{}", run.err);
        (fs::read_to_string(self.at("patched")).unwrap(), run.err)
    }
}

#[test]
fn the_changes_are_printed_as_a_diff_and_the_next_commands_are_told() {
    let folder = Folder::changed(&[], &json!({}));
    let run = folder.patch(&[]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.starts_with("--- envoy.yaml\n+++ envoy.yaml\n@@ -1,"), "{}", run.out);
    assert!(run.out.lines().skip(2).all(|line| !line.starts_with('-')), "{}", run.out);
    let beside = folder.folder.path().canonicalize().unwrap().display().to_string();
    for text in [
        format!("note[CG0611]: the watched file is {beside}/certgate/registry-ecds.yaml, since --watch is not given\n"),
        format!(
            "certgate watch registry.json --to {beside}/certgate/registry-ecds.yaml --module {beside}/certgate.wasm\n"
        ),
        format!("mkdir -p {beside}/certgate && certgate render sds --trusted-ca {beside}/certgate/trusted-ca.pem > "),
    ] {
        assert!(run.err.contains(&text), "{text}\n{}", run.err);
    }
    assert_eq!(fs::read_to_string(folder.at("envoy.yaml")).unwrap(), ENVOY, "a diff changes no file");
}

#[test]
fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::changed(&[], &json!({}));
    let file = folder.at("envoy.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, folder.at("link.yaml")).unwrap();
    let run = folder.patch(&["-o", "link.yaml"]);
    assert_eq!((run.code, &*run.out), (0, ""), "{}", run.err);
    assert!(folder.at("link.yaml").is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.folder.path()).unwrap().count(), 3, "nothing is left beside the file");
    let again = folder.patch(&[]);
    assert_eq!((again.code, &*again.out, &*again.err), (0, "", "envoy.yaml: note[CG0613]: nothing has to change\n"));
    let nowhere = folder.patch(&["-o", "no/such/folder"]);
    assert_eq!(nowhere.code, 2, "{}", nowhere.err);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::changed(&[], &json!({}));
    fs::remove_file(folder.at("registry.json")).unwrap();
    fs::remove_file(folder.at("envoy.yaml")).unwrap();
    let run = folder.patch(&[]);
    assert_eq!(run.code, 2);
    for file in ["envoy.yaml: error[CG0001]", "registry.json: error[CG0001]"] {
        assert!(run.err.contains(file), "{}", run.err);
    }
}
