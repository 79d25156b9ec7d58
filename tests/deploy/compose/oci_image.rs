//! `make image`: the module as Istio and Envoy Gateway pull it.

use super::command::{bounded, run, said, text};
use crate::support::envoys::repository;
use crate::support::module;
use crate::support::parts::Part;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// An image that is removed when this is dropped.
struct Image(String);

impl Drop for Image {
    fn drop(&mut self) {
        drop(bounded("docker").args(["rmi", "--force", &self.0]).output());
    }
}

impl Image {
    /// `make image`, of the module that the tests have.
    fn make(tag: &str, variables: &[(&str, &str)]) -> Self {
        let image = Self(format!("certgate-test-{}-image:{tag}", std::process::id()));
        let module = module::path();
        let mut make = bounded("make");
        // The module is there, and other tests are reading it.
        make.args(["--old-file=wasm", "image", &format!("IMAGE={}", image.0)]);
        make.arg(format!("IMAGE_MODULE={}", module.display())).envs(variables.iter().copied());
        said(make.env_remove("SKIP").current_dir(repository()));
        image
    }

    fn inspect(&self) -> Value {
        let found: Value = serde_json::from_str(&text(bounded("docker").args(["inspect", &self.0]))).unwrap();
        found[0].clone()
    }
}

#[test]
fn it_has_one_layer_with_the_module_and_says_what_it_is() {
    if !Part::Docker.runs() {
        return;
    }
    let image = Image::make("plain", &[]);
    let told = image.inspect();
    let labels = &told["Config"]["Labels"];
    let label = |name: &str| labels[format!("org.opencontainers.image.{name}")].as_str();
    assert_eq!(label("title"), Some("certgate"));
    assert_eq!(label("version"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(label("licenses"), Some(env!("CARGO_PKG_LICENSE")));
    assert_eq!(label("description"), Some(env!("CARGO_PKG_DESCRIPTION")));
    assert_eq!(label("created"), None, "the same of the same, whenever it is built");
    // None where somebody has the files without their history.
    let head = bounded("git").args(["rev-parse", "HEAD"]).current_dir(repository()).output().unwrap();
    let head = head.status.success().then(|| String::from_utf8(head.stdout).unwrap());
    assert_eq!(label("revision"), head.as_deref().map(str::trim));

    let folder = TempDir::new().unwrap();
    let saved = folder.path().join("image.tar");
    run(folder.path(), "docker", ["save", "--output", &saved.display().to_string(), &image.0]);
    let manifest: Value = serde_json::from_slice(&tar(&saved, &["-xO", "manifest.json"])).unwrap();
    let layers = manifest[0]["Layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1);
    let layer = folder.path().join("layer.tar");
    fs::write(&layer, tar(&saved, &["-xO", layers[0].as_str().unwrap()])).unwrap();
    assert_eq!(tar(&layer, &["-t"]), b"plugin.wasm\n");
    assert!(tar(&layer, &["-xO", "plugin.wasm"]) == fs::read(module::path()).unwrap(), "another module");

    let dated = Image::make("dated", &[("SOURCE_DATE_EPOCH", "86400")]).inspect();
    assert_eq!(dated["Config"]["Labels"]["org.opencontainers.image.created"], "1970-01-02T00:00:00Z");
    let again = Image::make("again", &[]).inspect();
    assert_eq!(again["RootFS"], told["RootFS"]);
    assert_eq!(again["RootFS"]["Type"], json!("layers"));
}

fn tar(file: &Path, arguments: &[&str]) -> Vec<u8> {
    let (action, members) = arguments.split_first().unwrap();
    said(bounded("tar").arg(action).arg("-f").arg(file).args(members))
}
