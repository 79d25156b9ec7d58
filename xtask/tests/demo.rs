//! The way to the demo: few crates to build, checks before the first of them, and a sign of life while one is built.

use certgate_test_support::repository;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The most crates that the demo is made of, build scripts and their libraries included.
const MOST_CRATES: usize = 110;

fn make(arguments: &[&str], target: &TempDir) -> Output {
    let mut make = Command::new("make");
    make.args(arguments).current_dir(repository()).env("CARGO_TARGET_DIR", target.path());
    // The variables of the `make` that runs this test.
    make.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").output().expect("make")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names of the crates that a package is built of.
fn crates(package: &str) -> BTreeSet<String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--package", package]);
    let output = cargo.current_dir(repository()).output().expect("cargo");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[test]
fn the_demo_and_the_finisher_are_made_of_few_crates() {
    let demo = crates("certgate-demo");
    assert!(demo.contains("certgate-manage") && demo.contains("rustls"), "{demo:?}");
    assert!(demo.len() <= MOST_CRATES, "{} crates, {MOST_CRATES} at most", demo.len());
    for slow in ["tokio", "hyper", "aws-lc-rs", "aws-lc-sys", "clap", "prost", "walrus", "certgate-test-rig"] {
        assert!(!demo.contains(slow), "the demo takes longer to build with {slow}");
    }
    let finisher = crates("certgate-finish");
    assert!(finisher.contains("walrus") && finisher.len() < 40, "{finisher:?}");
}

#[test]
fn a_port_that_is_taken_is_named_before_anything_is_built() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let other = port % 65535 + 1;
    let target = TempDir::new().unwrap();
    for goal in ["run", "demo"] {
        let output = make(&[goal, &format!("DEMO_PORT={port}")], &target);
        assert!(!output.status.success());
        let said = text(&output.stderr);
        let expected = format!("port {port} is taken by {}", own_name());
        assert!(said.contains(&expected), "no `{expected}` in {said}");
        let expected = format!("choose another port: make {goal} DEMO_PORT={other}");
        assert!(said.contains(&expected), "no `{expected}` in {said}");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0, "something was built");
    }
}

/// The name and the number of this process, as the kernel has them.
fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    format!("{} (process {})", name.trim(), std::process::id())
}

#[test]
fn a_port_that_is_none_and_a_missing_envoy_are_named_before_anything_is_built() {
    let target = TempDir::new().unwrap();
    for (argument, expected) in [
        ("DEMO_PORT=https", "DEMO_PORT: expected a port from 1 to 65535, found `https`"),
        ("DEMO_PORT=65536", "DEMO_PORT: expected a port from 1 to 65535, found `65536`"),
        ("ENVOY=/no/such/envoy", "ENVOY: expected the path of an Envoy, found `/no/such/envoy`"),
    ] {
        let output = make(&["demo", argument], &target);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "no `{expected}` in {said}");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0, "something was built");
    }
}

fn progress(command: &str) -> Output {
    let mut progress = Command::new(repository().join("xtask/progress.sh"));
    progress.args(["work", "sh", "-c", command]).output().expect("bash")
}

#[test]
fn a_command_that_is_silent_shows_signs_of_life() {
    let output = progress("sleep 8; exit 3");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    let signs = said.lines().filter(|line| line.starts_with("work: working (")).count();
    assert!(signs >= 2, "{signs} signs of life in eight seconds: {said}");
}

#[test]
fn the_progress_of_a_build_has_the_state_and_the_errors_of_cargo_and_not_each_crate() {
    let states = r"printf '   Compiling syn v2.0.0\n    Building [=>    ] 1/37: syn, serde   \rerror: no\n'";
    let output = progress(&format!("{states}; sleep 5; printf 'last'"));
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("work: Building 1/37: syn, serde ("), "{said}");
    assert!(said.lines().any(|line| line == "error: no") && said.contains("last\n"), "{said}");
    assert!(!said.contains("Compiling"), "{said}");
}
