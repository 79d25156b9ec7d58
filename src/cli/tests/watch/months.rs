//! A watch that runs for months: it does not grow, and is idle where nothing happens.

use super::{PATIENCE, Watch, registry};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn it_does_not_grow_and_is_idle_where_nothing_happens() {
    let watch = Watch::new();
    let settled = |from: u32, to: u32| {
        for number in from..to {
            watch.write("registry.yaml", &registry(&format!("settled-{number}")));
            watch.expect_live(&format!("settled-{number}"));
        }
    };
    settled(0, 5);
    let (memory, files) = (watch.number("status", "VmRSS:"), watch.open_files());
    let burst = |name: &str| {
        for number in 0..2500 {
            watch.write(name, &registry(&format!("burst-{number}")));
            if name != "registry.yaml" {
                watch.rename(name, "registry.yaml");
            }
        }
        watch.write("registry.yaml", &registry("last"));
        // One or more of them may have been whole for a moment.
        let started = Instant::now();
        while !watch.live().contains("alias: last\n") {
            assert!(started.elapsed() < PATIENCE, "{}", watch.live());
            watch.next(PATIENCE).unwrap();
        }
        while watch.next(Duration::from_millis(500)).is_some() {}
    };
    burst("registry.yaml");
    burst("registry.yaml.new");
    settled(5, 20);
    assert_eq!(watch.open_files(), files);
    let grown = watch.number("status", "VmRSS:").saturating_sub(memory);
    assert!(grown < 1024, "{grown} KiB more than the {memory} KiB before");
    let before = watch.number("status", "voluntary_ctxt_switches:");
    thread::sleep(Duration::from_secs(6));
    let switches = watch.number("status", "voluntary_ctxt_switches:") - before;
    assert!(switches <= 6, "{switches} times awake in six seconds");
}

#[test]
fn a_busy_folder_does_not_keep_it_busy() {
    let watch = Watch::new();
    let before = watch.number("status", "voluntary_ctxt_switches:");
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) {
        watch.write("log", "a line\n");
    }
    let switches = watch.number("status", "voluntary_ctxt_switches:") - before;
    assert!(switches < 100, "{switches} times awake in three seconds");
    watch.write("registry.yaml", &registry("second"));
    watch.expect_live("second");
}
