//! The command line, through the binary: what it prints where, and its exit codes.

mod names;

use certgate_test_support::certificates::{IssuedCertificate, Template, new_key};
use certgate_test_support::command_line::Run;
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use rcgen::DnType;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// A folder with files in it.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        files.iter().for_each(|(name, content)| fs::write(folder.0.path().join(name), content).unwrap());
        folder
    }

    fn certgate(&self, arguments: &[&str], stdin: &str) -> Run {
        Run::of(env!("CARGO_BIN_EXE_certgate"), self.0.path(), arguments, stdin)
    }
}

/// A line without its place in a registry of one line.
fn unplaced(line: &str) -> &str {
    let (place, said) = line.split_once(' ').unwrap();
    assert!(place == "-:" || place.starts_with("-:1:"), "{line}");
    said
}

/// A certificate that expires in so many days.
fn certificate(last_day: i64) -> IssuedCertificate {
    let period = (OffsetDateTime::UNIX_EPOCH, OffsetDateTime::now_utc() + Duration::days(last_day));
    Template::new(&[(DnType::CommonName, "client")]).valid(period).self_signed()
}

const GOOD: &str = "\
version: 1
tiers:
  gold:
    limits:
      - {name: burst, requests: 100, per: 1s, burst: 200}
      - {name: monthly, requests: 3000000000, per: 30d}
  unlimited: {}
clients:
  - alias: partner-a
    tier: gold
    credentials:
      - sha256: 6e:f8:a2:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01
      - {sha256: '0000000000000000000000000000000000000000000000000000000000000012', revoked: yes}
";

#[test]
fn a_good_registry_is_summed_up() {
    let json = r#"{"version": 1, "clients": []}"#;
    let folder = Folder::new(&[("good.yaml", GOOD), ("good.json", json), ("json", json), ("yaml", GOOD)]);
    let run = folder.certgate(&["check", "good.yaml", "good.json", "json", "yaml", "-"], json);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    insta::assert_snapshot!(run.out, @"
    good.yaml: ok: 1 client, 2 credentials, 2 tiers, mode enforce
    good.json: ok: 0 clients, 0 credentials, 0 tiers, mode enforce
    json: ok: 0 clients, 0 credentials, 0 tiers, mode enforce
    yaml: ok: 1 client, 2 credentials, 2 tiers, mode enforce
    -: ok: 0 clients, 0 credentials, 0 tiers, mode enforce
    ");
}

#[test]
fn what_is_right_but_perhaps_not_meant_is_a_warning() {
    let [expired, soon, later, revoked] = [-1, 29, 31, -1].map(certificate);
    let registry = serde_json::json!({
        "version": 1, "mode": "shadow",
        "tiers": {"t": {"limits": [{"name": "traffic", "kind": "bytes", "bytes": 1000, "per": "1s"}]}},
        "clients": [
            {"alias": "a", "tier": "t", "enabled": false, "credentials": [{"pem": expired.pem}, {"pem": soon.pem}]},
            {"alias": "b", "tier": "t", "credentials": [{"pem": later.pem}, {"pem": revoked.pem, "revoked": true}]},
        ],
    });
    let run = Folder::new(&[]).certgate(&["check", "-"], &registry.to_string());
    assert_eq!((run.code, run.out.as_str()), (0, "-: ok: 2 clients, 4 credentials, 1 tier, mode shadow\n"));
    let lines: Vec<_> = run.err.lines().map(unplaced).collect();
    assert_eq!(
        lines[..3],
        [
            "warning[CG0201]: mode: in mode shadow every request is forwarded",
            "warning[CG0202]: limits of kind bytes need the module certgate-bandwidth.wasm",
            "warning[CG0204]: clients[0].enabled: client a is disabled",
        ]
    );
    assert!(
        lines[3].starts_with(&format!(
            "warning[CG0205]: clients[0]: client a: certificate {} expired, at 20",
            expired.fingerprint
        )),
        "{}",
        lines[3]
    );
    assert!(
        lines[4].starts_with(&format!(
            "warning[CG0206]: clients[0]: client a: certificate {} expires soon, at 20",
            soon.fingerprint
        )),
        "{}",
        lines[4]
    );
    assert_eq!(lines.len(), 5);
}

#[test]
fn every_error_of_every_file_is_printed() {
    let folder = Folder::new(&[
        ("good.yaml", GOOD),
        (
            "bad.yaml",
            "version: 2\nclients:\n- alias: on\n  tier: 5\n  tier: x\n  credentials:\n  - sha256: 12\n  - sha256: 0x10\n",
        ),
        (
            "number.yaml",
            "version: 1.0\ntiers: {t: {limits: [{name: x, requests: 1e3, per: 1s}, {name: y, requests: 010, per: 1s}]}}\n",
        ),
        ("syntax.yaml", "version: 1\nclients: [\n"),
        ("twice.yaml", "version: 1\n---\nversion: 1\n"),
        ("syntax.json", "{\"version\": 1,\n}"),
        ("line.json", "{\"version\": \"\n"),
        ("yaml.json", "version: 1"),
        ("empty.yaml", "# nothing\n"),
    ]);
    let run = folder.certgate(
        &[
            "check",
            "bad.yaml",
            "number.yaml",
            "syntax.yaml",
            "twice.yaml",
            "syntax.json",
            "line.json",
            "yaml.json",
            "empty.yaml",
            "good.yaml",
        ],
        "",
    );
    assert_eq!((run.code, run.out.as_str()), (1, "good.yaml: ok: 1 client, 2 credentials, 2 tiers, mode enforce\n"));
    insta::assert_snapshot!(run.err, @r#"
    bad.yaml:1:10: error[CG0101]: version: expected 1, found 2
    bad.yaml:5:3: error[CG0104]: clients[0].tier: expected each key once, found it again
    bad.yaml:3:10: error[CG0102]: clients[0].alias: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found true: quote it
    bad.yaml:4:9: error[CG0102]: clients[0].tier: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found 5: quote it
    bad.yaml:7:13: error[CG0102]: clients[0].credentials[0].sha256: expected the certificate's SHA-256 as text, found 12: quote it
    bad.yaml:8:13: error[CG0102]: clients[0].credentials[1].sha256: expected the certificate's SHA-256 as text, found 16: quote it
    number.yaml:1:10: error[CG0101]: version: expected 1, found "1.0"
    number.yaml:2:42: error[CG0101]: tiers.t.limits[0].requests: expected a whole number from 1 to 2^53, found "1e3"
    number.yaml:2:64: error[CG0102]: tiers.t.limits[1].name: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found true: quote it
    syntax.yaml:2:10: error[CG0005]: unclosed bracket '['
    twice.yaml:2:1: error[CG0005]: expected one document, found a second one
    syntax.json:2:1: error[CG0004]: expected JSON, and read no further: trailing comma
    line.json:2:1: error[CG0004]: expected JSON, and read no further: control character (\u0000-\u001F) found while parsing a string
    yaml.json:1:1: error[CG0004]: expected JSON, and read no further: expected value
    empty.yaml: error[CG0002]: expected a configuration, found nothing
    "#);
}

#[test]
fn a_file_that_is_not_utf_8_says_where() {
    let folder = Folder::new(&[]);
    for (name, bytes) in [("latin1.yaml", &b"version: 1\nmode: \xe9\n"[..]), ("utf16.json", b"\xff\xfe{\0}\0")] {
        fs::write(folder.0.path().join(name), bytes).unwrap();
    }
    let run = folder.certgate(&["check", "latin1.yaml", "utf16.json"], "");
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run.err, @r"
    latin1.yaml:2:7: error[CG0003]: expected UTF-8 text, found a byte that is not: save the file as UTF-8
    utf16.json:1:1: error[CG0003]: expected UTF-8 text, found a byte that is not: save the file as UTF-8
    ");
}

#[test]
fn files_that_are_not_there_and_wrong_usage_are_failures() {
    let folder = Folder::new(&[("bad.yaml", "version: 2")]);
    let run = folder.certgate(&["check", "bad.yaml", "absent.yaml"], "");
    assert_eq!(run.code, 2);
    insta::assert_snapshot!(run.err, @r"
    bad.yaml:1:10: error[CG0101]: version: expected 1, found 2
    absent.yaml: error[CG0001]: No such file or directory (os error 2)
    ");
    for arguments in [&["check"][..], &[], &["fingerprint"], &["frobnicate"], &["fingerprint", "absent.pem"]] {
        assert_eq!(folder.certgate(arguments, "").code, 2, "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["help", "check"]] {
        assert_eq!(folder.certgate(arguments, "").code, 0, "{arguments:?}");
    }
}

#[test]
fn private_keys_are_never_printed() {
    let (certificate, key) = (certificate(100).pem, new_key().serialize_pem());
    let indented = key.trim_end().replace('\n', "\n      ");
    let folder = Folder::new(&[
        (
            "inside.yaml",
            &format!(
                "version: 1\ntiers: {{t: {{}}}}\nclients:\n- alias: a\n  tier: t\n  credentials:\n  - pem: |\n      {indented}\n"
            ),
        ),
        ("flat.yaml", &format!("version: 1\npem:\n{key}")),
        ("key.pem", &key),
        ("both.pem", &format!("{key}{certificate}")),
    ]);
    let body = key.lines().nth(1).unwrap();
    for arguments in
        [["check", "inside.yaml"], ["check", "flat.yaml"], ["check", "key.pem"], ["fingerprint", "key.pem"]]
    {
        let run = folder.certgate(&arguments, "");
        assert_eq!(run.code, 1, "{run:?}");
        assert!(!run.err.contains(&body[..20]) && run.out.is_empty(), "{run:?}");
    }
    insta::assert_snapshot!(folder.certgate(&["check", "inside.yaml"], "").err, @"inside.yaml:8:7: error[CG0106]: clients[0].credentials[0].pem: expected no private key, found one: remove it, and replace it wherever it is in use");
    insta::assert_snapshot!(folder.certgate(&["fingerprint", "key.pem"], "").err, @"key.pem: error[CG0106]: expected a certificate, found only a private key: give the certificate, and keep the key to yourself");
    let run = folder.certgate(&["fingerprint", "both.pem"], "");
    assert!(run.code == 0 && run.out.lines().count() == 1, "{run:?}");
}

#[test]
fn fingerprints_are_what_a_registry_takes() {
    let (leaf, issuer) = (certificate(10), certificate(20));
    let folder =
        Folder::new(&[("chain.pem", &(leaf.pem.clone() + &issuer.pem)), ("text", "no certificate"), ("empty", "")]);
    fs::write(folder.0.path().join("leaf.der"), &leaf.der).unwrap();
    let run = folder.certgate(&["fingerprint", "chain.pem", "leaf.der", "-"], &leaf.pem);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let expected = [(&leaf, "chain.pem"), (&issuer, "chain.pem"), (&leaf, "leaf.der"), (&leaf, "-")];
    assert_eq!(run.out.lines().count(), expected.len());
    for (line, (certificate, file)) in run.out.lines().zip(expected) {
        let start = format!("sha256:{}  not after 20", certificate.fingerprint);
        assert!(line.starts_with(&start) && line.ends_with(&format!("Z  {file}")), "{line}");
        let word = line.split(' ').next().unwrap();
        let client = format!("- {{alias: a, tier: t, credentials: [{{sha256: {word}}}]}}");
        let run = folder.certgate(&["check", "-"], &format!("version: 1\ntiers: {{t: {{}}}}\nclients:\n{client}\n"));
        assert_eq!(run.code, 0, "{run:?}");
    }
    let run = folder.certgate(&["fingerprint", "text", "empty"], "");
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run.err, @r"
    text: error[CG0401]: expected a certificate, found something else: not an X.509 certificate in DER form
    empty: error[CG0401]: expected a certificate, found something else: not an X.509 certificate in DER form
    ");
}

#[test]
fn a_reader_that_has_read_enough_changes_no_exit_code() {
    for (registry, code) in [(r#"{"version": 1, "mode": "shadow"}"#, 0), (r#"{"version": 2}"#, 1)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_certgate"))
            .args(["check", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        child.stdin.take().unwrap().write_all(registry.as_bytes()).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{registry}");
    }
}

#[test]
fn a_revocation_list_must_be_its_issuers() {
    let fixture = |name: &str| fs::read_to_string(crate::repository().join(format!("tests/fixtures/crl/{name}.pem")));
    let (list, issuer) = (fixture("authority").unwrap(), fixture("ca").unwrap());
    let registry =
        |list: serde_json::Value| serde_json::json!({"version": 1, "clients": [], "crls": [list]}).to_string();
    let check = |registry: String| Folder::new(&[]).certgate(&["check", "-"], &registry);

    let good = check(registry(serde_json::json!({"pem": list, "issuer_pem": issuer})));
    assert_eq!((good.code, good.err.as_str()), (0, ""));
    let unchecked = check(registry(serde_json::json!({"pem": list})));
    assert_eq!(unchecked.code, 0);
    assert_eq!(
        unchecked.err,
        "-:1:23: warning[CG0211]: crls[0]: the signature of this CRL is not checked: add `issuer_pem`, the certificate of its issuer\n"
    );
    let other = certificate(1).pem;
    let foreign = check(registry(serde_json::json!({"pem": list, "issuer_pem": other})));
    assert_eq!((foreign.code, foreign.out.as_str()), (1, ""));
    assert_eq!(
        foreign.err,
        "-:1:23: error[CG0122]: crls[0]: the CRL names another issuer than this certificate's subject\n"
    );
}

#[test]
fn what_may_not_be_meant_is_said() {
    let registry = r#"{"version": 1, "tiers": {"t": {}},
        "clients": [{"alias": "a", "tier": "t", "groups": ["finance"], "credentials": [
            {"uri_san": "spiffe://example.org/a", "not_after": "2020-01-01T00:00:00Z"}]}],
        "rules": [{"groups": ["finance"]}, {"groups": ["finnance"], "scopes": ["read"]}]}"#;
    let run = Folder::new(&[]).certgate(&["check", "-"], registry);
    assert_eq!(run.out, "-: ok: 1 client, 1 credential, 1 tier, 2 rules, mode enforce\n");
    insta::assert_snapshot!(run.err, @r"
    -: warning[CG0203]: names in certificates count where Envoy says that it has verified the chain, which it says of no resumed TLS session
    -:2:21: warning[CG0205]: clients[0]: client a: a credential by uri_san expired, at 2020-01-01T00:00:00Z
    -:4:55: warning[CG0208]: rules[1].groups: no client has the group finnance
    -:4:79: warning[CG0209]: rules[1].scopes: no client has the scope read
    ");
}

#[test]
fn who_is_better_off_without_a_certificate_is_warned_of() {
    let registry = |anonymous: Option<&str>| {
        let limits = |mode| serde_json::json!([{"name": "burst", "requests": 5, "per": "1s", "mode": mode}]);
        let tiers = [("gold", limits("enforce")), ("free", serde_json::json!([])), ("shadow", limits("shadow"))];
        let clients = [by_fingerprint("a", "gold", &"11".repeat(32))];
        let rules = serde_json::json!({
            "rules": [
                {"name": "open", "match": {"path": "/open"}, "access": "optional"},
                {"match": {"path": "/unnamed"}, "access": "optional"},
                {"name": "own", "match": {"path": "/own"}, "access": "optional",
                    "limits": [{"name": "own", "requests": 5, "per": "1s"}]},
                {"name": "tier", "match": {"path": "/tier"}, "access": "optional", "tier": "gold"},
                {"name": "public", "match": {"path": "/public"}, "access": "public"},
                {"name": "closed"},
            ],
        });
        let mut registry = merge(registry(&tiers, &clients), &rules);
        if let Some(tier) = anonymous {
            registry["anonymous_tier"] = tier.into();
        }
        registry
    };
    let warnings = |registry: &serde_json::Value| {
        let run = Folder::new(&[]).certgate(&["check", "-"], &registry.to_string());
        assert_eq!(run.code, 0, "{}", run.err);
        run.err.lines().map(unplaced).collect::<Vec<_>>().join("\n")
    };
    for anonymous in [None, Some("free"), Some("shadow")] {
        let said = warnings(&registry(anonymous));
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @r"
            warning[CG0210]: rules[0]: rule open: a client over its limits can call without its certificate, and no limit stops it: set `anonymous_tier` to a tier with limits
            warning[CG0210]: rules[1]: a client over its limits can call without its certificate, and no limit stops it: set `anonymous_tier` to a tier with limits
            ");
        }
    }
    assert_eq!(warnings(&registry(Some("gold"))), "");
    let mut unlimited = registry(None);
    unlimited["tiers"]["gold"] = serde_json::json!({});
    unlimited["rules"][3]["tier"] = "free".into();
    assert_eq!(warnings(&unlimited), "", "a client without limits has no reason to");
}
