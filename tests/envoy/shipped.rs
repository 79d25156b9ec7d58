//! The shipped files themselves, as they are.

use crate::headers::look_alikes;
use crate::support::bootstrap::shipped;
use crate::support::envoy::Envoy;
use crate::support::envoys::{self, VERSIONS, repository};
use crate::support::module;
use crate::support::parts::Part;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use certgate_core::domain::headers::{ALWAYS_OWNED, XFCC};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const BOOTSTRAPS: [&str; 2] = ["envoy.yaml", "envoy-ecds.yaml"];

/// A folder in which the paths of the shipped files lead somewhere.
fn stage() -> TempDir {
    let stage = TempDir::new().unwrap();
    let at = |path: &str| stage.path().join(path);
    let World { authority, server, .. } = World::new();
    fs::create_dir_all(at("target/demo")).unwrap();
    fs::write(at("target/demo/ca.pem"), &authority.identity().certificate_pem).unwrap();
    fs::write(at("target/demo/server.pem"), &server.certificate_pem).unwrap();
    fs::write(at("target/demo/server.key"), &server.key_pem).unwrap();
    symlink(module::path(), at("target/certgate.wasm")).unwrap();
    symlink(repository().join("envoy"), at("envoy")).unwrap();
    stage
}

fn validate(envoy: &Path, stage: &Path, file: &Path) {
    let output = Command::new(envoy).args(["--mode", "validate", "-c"]).arg(file).current_dir(stage).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} refuses {}:\n{said}", envoy.display(), file.display());
}

#[test]
fn every_envoy_accepts_them() {
    let stage = stage();
    for version in VERSIONS {
        for file in BOOTSTRAPS {
            validate(&envoys::version(version), stage.path(), &Path::new("envoy").join(file));
        }
    }
}

/// `--mode validate` does not look into the watched file. As part of a bootstrap, it does.
#[test]
fn every_envoy_accepts_the_watched_file() {
    let stage = stage();
    let mut document = shipped("envoy.yaml");
    let resource = shipped("registry-ecds.yaml")["resources"][0]["typed_config"].clone();
    *filter(&mut document) = serde_json::json!({"name": "certgate", "typed_config": resource});
    let file = stage.path().join("merged.json");
    fs::write(&file, document.to_string()).unwrap();
    for version in VERSIONS {
        validate(&envoys::version(version), stage.path(), &file);
    }
}

#[test]
fn no_file_in_the_folder_is_left_out() {
    let mut files: Vec<String> = fs::read_dir(repository().join("envoy"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    files.sort();
    // The rest is tested in `tests/deploy`.
    files.retain(|name| !["alerts", "compose", "prometheus"].contains(&name.trim_end_matches(".yaml")));
    files.retain(|name| !name.starts_with("sidecar"));
    let expected = ["envoy-ecds.yaml", "envoy.yaml", "registry-ecds.yaml", "registry-local.yaml", "registry.yaml"];
    assert_eq!(files, [&expected[..], &["trusted-ca-sds.yaml"]].concat());
}

#[test]
fn the_two_bootstraps_differ_in_the_filter_alone() {
    let [mut inline, mut watched] = BOOTSTRAPS.map(shipped);
    *filter(&mut inline) = Value::Null;
    *filter(&mut watched) = Value::Null;
    assert_eq!(inline, watched);
}

#[test]
fn the_guard_removes_every_owned_header() {
    let mut document = shipped("envoy.yaml");
    let extension = &manager(&mut document)["early_header_mutation_extensions"][0]["typed_config"];
    let mutations = extension["mutations"].as_array().unwrap();
    let removed: Vec<_> = mutations.iter().filter_map(|mutation| mutation["remove"].as_str()).collect();
    assert_eq!(removed, ALWAYS_OWNED);
}

/// The rules of the shipped registry, with the guard; and the guard alone, as where Envoy skips certgate.
#[tokio::test]
async fn the_guard_lets_through_what_the_rules_let_through() {
    let world = World::new();
    let client = world.authority.client("client");
    let mut registry = registry::of(&[("client", "unlimited", &client)]);
    registry["rules"] =
        filter(&mut shipped("envoy.yaml"))["typed_config"]["config"]["configuration"]["value"]["rules"].clone();
    let whole = Envoy::start(world.bootstrap(&registry)).await;
    let guard_alone = Envoy::start(world.bootstrap(&registry).without_certgate()).await;
    let post = |path: &str| Request::post(path, "");
    for (who, envoy, request, expected) in [
        (None, &whole, Request::get("/healthz"), 200),
        (None, &whole, Request::get("/healthz?x=1"), 200),
        (None, &whole, Request::get("/healthz/"), 200),
        (None, &whole, post("/healthz"), 403),
        (None, &whole, Request::get("/healthz/x"), 403),
        (None, &whole, Request::get("/"), 403),
        (Some(&client), &whole, Request::get("/"), 200),
        (Some(&client), &whole, Request::get("/healthz"), 200),
        (None, &guard_alone, Request::get("/healthz"), 200),
        (None, &guard_alone, Request::get("/healthz/"), 200),
        (None, &guard_alone, post("/healthz"), 403),
        (Some(&client), &guard_alone, Request::get("/"), 403),
    ] {
        let caller = who.map_or_else(|| world.anonymous(), |identity| world.caller(identity));
        let what = format!("{request:?}");
        let response = caller.send(envoy.port(), &request).await;
        assert_eq!(response.status, expected, "{what}");
    }
}

/// The guard's first part alone, on a public route: no spelling of an owned header reaches the upstream.
#[tokio::test]
async fn the_guard_removes_every_spelling_of_an_owned_header() {
    let world = World::new();
    for version in ["1.36.4", "1.40.0"] {
        let bootstrap = world.bootstrap(&registry::of(&[])).without_certgate().allow_underscores().version(version);
        let envoy = Envoy::start(bootstrap).await;
        let caller = world.anonymous();
        for name in ALWAYS_OWNED.into_iter().chain([XFCC]) {
            let lines: String = look_alikes(name).iter().map(|name| format!("{name}: gold\r\n")).collect();
            let request = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{lines}x-client-other: 1\r\n\r\n");
            let echo = caller.raw(envoy.port()).await.exchange(request).await.echo();
            let others = echo.headers.names().filter(|name| name.contains("client"));
            assert_eq!(others.collect::<Vec<_>>(), ["x-client-other"], "{name}, Envoy {version}");
        }
    }
}

#[test]
fn the_two_registries_are_the_same() {
    let inline = filter(&mut shipped("envoy.yaml"))["typed_config"].clone();
    assert_eq!(inline, shipped("registry-ecds.yaml")["resources"][0]["typed_config"]);
}

#[test]
fn the_makefile_gets_the_envoys_that_the_tests_run_on() {
    let makefile = fs::read_to_string(repository().join("Makefile")).unwrap();
    assert!(makefile.contains(&format!("ENVOY_VERSIONS := {}\n", VERSIONS.join(" "))));
}

#[test]
fn the_makefile_knows_the_parts_that_skip_may_name() {
    let makefile = fs::read_to_string(repository().join("Makefile")).unwrap();
    let parts = Part::ALL.map(|(name, _)| name).join(" ");
    assert!(makefile.contains(&format!("PARTS := {parts}\n")), "PARTS in the Makefile should be {parts}");
}

fn filter(document: &mut Value) -> &mut Value {
    manager(document)["http_filters"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|filter| filter["name"] == "certgate")
        .unwrap()
}

fn manager(document: &mut Value) -> &mut Value {
    &mut document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}
