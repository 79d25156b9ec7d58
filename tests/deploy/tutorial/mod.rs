//! The tutorial in the README, command by command as it is written there, in two terminals as the reader has them.

mod terminal;
mod text;

use crate::support::envoys::repository;
use std::fs;
use std::time::Duration;
use terminal::{Background, Open, Terminal};
use text::Tutorial;

const REGISTRY: &str = "target/demo/registry.yaml";

/// It needs the port that the tutorial names.
#[test]
fn it_works_as_it_is_written() {
    let tutorial = Tutorial::read();
    let [start, certificate, call, look, entry, seven_times, again, command_line] = tutorial.blocks();
    let first = Background::start(start);
    first.wait_for("Ctrl-C ends it.");
    let mut second = Terminal::open();
    second.run(certificate).succeeds();

    tutorial.says("The answer is 403");
    let refused = second.run(call).output;
    assert!(refused.contains("HTTP/2 403"), "{refused}");
    assert!(!refused.contains("unknown"), "it says no more than that: {refused}");

    tutorial.says("offers the entry that is missing");
    let fingerprint = offered_fingerprint(&second.run(look).output);
    tutorial.says("(`openssl x509 -in me.pem -noout -fingerprint -sha256`\nprints it too)");
    let printed = second.run("openssl x509 -in me.pem -noout -fingerprint -sha256").output;
    assert_eq!(printed.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase(), fingerprint);

    tutorial.says("Open `target/demo/registry.yaml` in an editor and add a client under `clients:`");
    let entry = entry.replace("...", &fingerprint);
    edit(|registry| add_client(registry, &entry));
    tutorial.says("the first terminal says that the registry is in force");
    first.wait_for_times("registry.yaml is in force", 1);

    tutorial
        .says("Five pass, since `bronze` is five requests in ten seconds, and then `429` with the seconds to wait.");
    let wait = seconds_to_wait(&mut second, seven_times);
    tutorial.says("Wait so long and ask once more");
    std::thread::sleep(Duration::from_secs(wait));
    let received = second.run(again).output;
    assert!(received.contains("HTTP/2 200"), "{received}");
    tutorial.says("your alias in `x-client-alias`, your tier in `x-client-tier`");
    for line in [r#""x-client-alias":"me""#, r#""x-client-tier":"bronze""#] {
        assert!(received.contains(line), "no {line} in {received}");
    }

    tutorial.says("Write `enabled: false` into your entry, save, and you are refused again, also on\na connection that is still open");
    let mut open = Open::connect("me");
    assert!(["200", "429"].contains(&open.ask("/hello").as_str()), "open");
    edit(|registry| registry.replace("{alias: me,", "{alias: me, enabled: false,"));
    first.wait_for_times("registry.yaml is in force", 2);
    assert_eq!(open.ask("/hello"), "403", "on the connection that is still open");
    let refused = second.run(call).output;
    assert!(refused.contains("HTTP/2 403"), "{refused}");

    let said = second.run(command_line);
    tutorial.says("It names both, `clients[0].tier` and `clients[0].credentials[0].sha256`, and exits with 1.");
    assert_eq!(said.status, 1, "{}", said.output);
    for expected in [fingerprint.as_str(), "clients[0].tier: ", "clients[0].credentials[0].sha256: "] {
        assert!(said.output.contains(expected), "no {expected} in {}", said.output);
    }
    tutorial.says("Ctrl-C in the first terminal ends everything.");
    first.interrupt();
    assert!(!second.run(&format!("cd target/demo && {call}")).output.contains("HTTP"), "Envoy is still there");
}

/// The fingerprint in the `client_entry` of the line of Envoy's log that is about the reader's certificate.
fn offered_fingerprint(log: &str) -> String {
    let line = log.lines().find(|line| line.contains("CN=me")).unwrap_or_else(|| panic!("no client_entry: {log}"));
    let (_, json) = line.split_once(": {").expect("a line of JSON");
    let line: serde_json::Value = serde_json::from_str(&format!("{{{json}")).expect("a line of JSON");
    line["certgate.client_entry"]["credentials"][0]["sha256"].as_str().expect("a fingerprint").to_owned()
}

/// Asks seven times, as the tutorial does: five pass, and of the other two one or both are told how long to wait. Where the
/// machine is so slow that a token comes back meanwhile, it is tried again.
fn seconds_to_wait(terminal: &mut Terminal, seven_times: &str) -> u64 {
    let mut last = String::new();
    for _ in 0..5 {
        last = terminal.run(seven_times).output.replace('\r', "").to_lowercase();
        let statuses: Vec<&str> = last.lines().filter_map(|line| line.strip_prefix("http/2 ")).map(str::trim).collect();
        assert_eq!(statuses.len(), 7, "{last}");
        assert_eq!(last.matches("ratelimit: ").count(), 7, "{last}");
        if statuses == ["200", "200", "200", "200", "200", "429", "429"] {
            let waits: Vec<u64> =
                last.lines().filter_map(|line| line.strip_prefix("retry-after: ")?.trim().parse().ok()).collect();
            assert_eq!(waits.len(), 2, "{last}");
            return waits[1];
        }
        std::thread::sleep(Duration::from_secs(11));
    }
    panic!("five requests in ten seconds are not what passes: {last}");
}

/// `registry` with this entry, as the first one under `clients:`.
fn add_client(registry: &str, entry: &str) -> String {
    let (before, after) = registry.split_once("clients:\n").expect("clients");
    let indentation: String = after.chars().take_while(|character| *character == ' ').collect();
    format!("{before}clients:\n{indentation}{entry}\n{after}")
}

/// Opens the registry in an editor, changes and saves it.
fn edit(change: impl FnOnce(&str) -> String) {
    let path = repository().join(REGISTRY);
    let before = fs::read_to_string(&path).unwrap();
    let after = change(&before);
    assert_ne!(before, after, "nothing was changed");
    fs::write(path, after).unwrap();
}
