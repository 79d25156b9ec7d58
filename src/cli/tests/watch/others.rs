//! Other programs beside a watch: one that writes the registry slowly, and one that changes or removes the file for
//! Envoy. And files of other programs, which a watch does not write over.

use super::{Watch, registry};
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A time in which a registry that is whole would have been taken.
const STALL: Duration = Duration::from_millis(1500);
const RESTORED: &str = "live/ecds.yaml: another program changed or removed it: written again";

/// The registry of one client, and the text of a second client.
fn in_two_parts() -> (String, String) {
    let first = registry("slow");
    let second = registry("second").replace("0012", "0013");
    let (_, client) = second.split_once("clients:\n").unwrap();
    (first, client.to_owned())
}

#[test]
fn a_registry_that_is_being_written_is_taken_when_it_is_closed() {
    let watch = Watch::new();
    let before = watch.live();
    let (first, rest) = in_two_parts();
    // The file is empty for longer than an empty one is waited for, and then good before it is whole.
    let mut slow = File::create(watch.path("registry.yaml")).unwrap();
    assert_eq!(watch.next(2 * STALL), None);
    slow.write_all(first.as_bytes()).unwrap();
    assert_eq!(watch.next(STALL), None);
    slow.write_all(rest.as_bytes()).unwrap();
    assert_eq!(watch.next(STALL), None);
    assert_eq!(watch.live(), before);
    drop(slow);
    watch.expect("registry.yaml: in live/ecds.yaml: ok: 2 clients, ");
    // A file that was open for writing, and is saved the usual way afterwards.
    watch.write("registry.yaml", &registry("after"));
    watch.expect_live("after");
}

#[test]
fn a_registry_with_another_in_its_place_is_not_waited_for() {
    let watch = Watch::new();
    let (first, rest) = in_two_parts();
    let mut slow = File::create(watch.path("registry.yaml")).unwrap();
    slow.write_all(first.as_bytes()).unwrap();
    watch.write("next", &registry("by-rename"));
    watch.rename("next", "registry.yaml");
    watch.expect_live("by-rename");
    // The program still writes, in a file that has no name.
    slow.write_all(rest.as_bytes()).unwrap();
    watch.write("next", &registry("by-rename-too"));
    watch.rename("next", "registry.yaml");
    watch.expect_live("by-rename-too");
    // A file beside the registry is open all the time.
    let mut log = File::create(watch.path("log")).unwrap();
    log.write_all(b"a line\n").unwrap();
    watch.write("registry.yaml", &registry("beside-a-log"));
    watch.expect_live("beside-a-log");
}

#[test]
fn a_file_that_another_program_changes_or_removes_is_written_again() {
    let watch = Watch::new();
    let whole = watch.live();
    let restored = |watch: &Watch| {
        watch.expect(RESTORED);
        assert_eq!(watch.live(), whole);
    };
    fs::remove_file(watch.path("live/ecds.yaml")).unwrap();
    restored(&watch);
    watch.write("live/ecds.yaml", "resources: []\n");
    restored(&watch);
    // The registry has errors, and the last good one is in the file.
    watch.write("registry.yaml", "version: 2\nclients: []\n");
    watch.expect("registry.yaml:1:10: error[CG0101]: ");
    watch.expect("registry.yaml: refused");
    fs::remove_file(watch.path("live/ecds.yaml")).unwrap();
    restored(&watch);
    // The folder is away for a while, and then a new one.
    watch.rename("live", "live-away");
    watch.expect("live/ecds.yaml: error[CG0006]: No such file or directory (os error 2): make the folder live");
    fs::create_dir(watch.path("live")).unwrap();
    restored(&watch);
    // The same text, and another mode.
    watch.write("live/ecds.yaml", &whole);
    fs::set_permissions(watch.path("live/ecds.yaml"), Permissions::from_mode(0o640)).unwrap();
    watch.expect_silence();
}

#[test]
fn a_file_of_another_program_is_not_written_over() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("registry.yaml"), registry("first")).unwrap();
    let said = "error[CG0006]: expected a file of `certgate render ecds`, found another one: \
                name another file with --to, or remove this one";
    for (file, text) in [
        ("envoy.yaml", "static_resources: {listeners: []}\n"),
        ("other.yaml", "resources: []\n"),
        ("broken.yaml", "a: [\n"),
        ("page.html", "<html></html>\n"),
    ] {
        fs::write(at(file), text).unwrap();
        for options in [&["--module", "m"][..], &[]] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_certgate"));
            command.args(["watch", "registry.yaml", "--to", file]).args(options).current_dir(&folder);
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{file}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), format!("{file}: {said}\n"));
            assert_eq!(fs::read_to_string(at(file)).unwrap(), text);
        }
    }
}
