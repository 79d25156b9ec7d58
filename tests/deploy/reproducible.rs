//! The module is the same, byte for byte, wherever it is built: another folder, another home of Cargo's.

use crate::copy::copy_source;
use crate::support::envoys::repository;
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What `make wasm` made here, made once more from a copy of the source in a folder with a longer name, by a Cargo whose
/// crates are unpacked elsewhere. The finisher is the one from here, since what it does to the same module depends on
/// nothing but its own code; that it does the same each time is part of what is compared.
#[test]
fn a_module_from_another_folder_is_byte_for_byte_the_same() {
    let elsewhere = TempDir::with_prefix("certgate-elsewhere-").unwrap();
    let source = elsewhere.path().join("a-folder/with-a-longer-name/than-here-perhaps/certgate");
    let cargo_home = elsewhere.path().join("home-of-cargo");
    copy_source(&source);
    another_cargo_home(&cargo_home);
    let output = Command::new("make")
        .arg("target/certgate.wasm")
        .arg(format!("FINISH={}", finisher().display()))
        .current_dir(&source)
        .env("CARGO_HOME", &cargo_home)
        // Of the `make` and the `cargo` that run this test.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("make");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let unpacked = fs::read_dir(cargo_home.join("registry/src")).expect("crates unpacked elsewhere");
    assert!(unpacked.count() > 0, "the other Cargo did not use its own crates");
    let [here, there] = [repository(), &source].map(|folder| fs::read(folder.join("target/certgate.wasm")).unwrap());
    assert!(here == there, "{} bytes here and {} there, and not the same", here.len(), there.len());
}

/// Neither folder can be seen in the module.
#[test]
fn the_modules_hold_no_path_of_the_machine_that_built_them() {
    for name in ["certgate.wasm", "certgate-bandwidth.wasm"] {
        let module = fs::read(repository().join("target").join(name)).unwrap();
        for path in [repository().to_owned(), cargo_home()] {
            let path = path.to_str().unwrap();
            let is_there = module.windows(path.len()).any(|bytes| bytes == path.as_bytes());
            assert!(!is_there, "{name} holds {path}");
        }
    }
}

/// With what this machine's Cargo has downloaded, but not what it has unpacked.
fn another_cargo_home(at: &Path) {
    let link = |from: &Path, to: &Path, but: &str| {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != *but {
                symlink(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    };
    link(&cargo_home(), at, "registry");
    link(&cargo_home().join("registry"), &at.join("registry"), "src");
}

fn cargo_home() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").expect("HOME")).join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// The finisher that `make wasm` has built.
fn finisher() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(3).expect("the folder of all builds").join("tool/finish")
}
