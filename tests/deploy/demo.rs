//! `make demo` in a copy of the repository: it passes, shows each request with its answer, and fails where a scene has
//! another outcome.

use crate::copy::{copy, copy_source};
use crate::support::envoys::pinned;
use crate::support::module;
use std::env;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

#[test]
fn it_shows_each_request_with_its_answer_and_fails_where_one_is_another() {
    let folder = TempDir::with_prefix("certgate-demo-").unwrap();
    let source = folder.path().join("certgate");
    copy_source(&source);
    without_a_build(&source);
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();

    let output = make_demo(&source, port);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let calls = [
        (
            format!(
                "$ curl -i --cacert ca.pem --cert partner-a.pem --key partner-a.key https://localhost:{port}/hello"
            ),
            "200",
        ),
        (
            format!("$ curl -i --cacert ca.pem --cert stranger.pem --key stranger.key https://localhost:{port}/hello"),
            "403",
        ),
        (format!("$ curl -i --cacert ca.pem https://localhost:{port}/hello"), "403"),
    ];
    for (call, status) in calls {
        assert!(said.contains(&format!("   {call}\n   < {status}\n")), "no {call} with {status} in {said}");
    }
    for shown in
        ["x-client-alias: partner-a", "the upstream gold received", "< 429\n   < retry-after: 2", "revoked: true}"]
    {
        assert!(said.contains(shown), "no {shown} in {said}");
    }
    assert_eq!(said.matches("   Why: ").count(), 6, "{said}");
    assert_eq!(said.lines().filter(|line| line.ends_with("  yes")).count(), 6, "{said}");

    let lock = File::open(source.join("target/demo/lock")).unwrap();
    lock.lock().unwrap();
    let output = make_demo(&source, port);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("another demo is running in target/demo"), "{said}");
    drop(lock);

    let registry = source.join("envoy/registry-local.yaml");
    let changed = fs::read_to_string(&registry).unwrap().replace("tier: gold", "tier: bronze");
    fs::write(&registry, changed).unwrap();
    let output = make_demo(&source, port);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{said}");
    assert!(said.lines().any(|line| line.starts_with("partner-a calls") && line.ends_with("  NO")), "{said}");
}

fn make_demo(source: &Path, port: u16) -> Output {
    let mut make = Command::new("make");
    make.args(["demo", &format!("DEMO_PORT={port}")]).current_dir(source).env("ENVOY", pinned());
    // The variables of the `make` and the `cargo` that run this test.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").env_remove("CARGO_TARGET_DIR").output().expect("make")
}

/// Puts what is built here into the copy, as far as it is the same there: the module, and crates from elsewhere.
fn without_a_build(source: &Path) {
    let target = source.join("target");
    copy(&module::path(), &target);
    let test = env::current_exe().unwrap();
    let tool = test.ancestors().nth(3).expect("the folder of all builds").join("tool");
    if tool.is_dir() {
        copy(&tool, &target);
    }
}
