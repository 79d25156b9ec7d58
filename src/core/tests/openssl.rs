//! What OpenSSL says of the same bytes: through its library, which a small program asks, and through its command.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The answers of `openssl.c` to these lines, in their order.
pub(crate) fn answers(lines: &[String]) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("openssl");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openssl.c");
    let compiled = Command::new("cc").arg("-O1").arg("-o").arg(&program).arg(source).arg("-ldl").status().unwrap();
    assert!(compiled.success());
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = lines.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let answers: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), lines.len());
    answers
}

/// What `openssl verify -crl_check` says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is good, and no list has it.
    Good,
    /// A list of its issuer has it.
    Revoked,
    /// There is no list of its issuer.
    NoList,
}

/// The verdicts on these certificates, with this list and these authorities, all in PEM.
pub(crate) fn verdicts(authorities: &str, list: &str, certificates: &[String]) -> Vec<Verdict> {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("authorities", authorities);
    write("list", list);
    let names: Vec<_> = (0..certificates.len()).map(|place| format!("leaf-{place}")).collect();
    names.iter().zip(certificates).for_each(|(name, pem)| write(name, pem));
    let output = Command::new("openssl")
        .args(["verify", "-crl_check", "-CAfile", "authorities", "-CRLfile", "list"])
        .args(&names)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let [good, bad] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    names.iter().map(|name| verdict(name, &good, &bad)).collect()
}

fn verdict(name: &str, good: &str, bad: &str) -> Verdict {
    if good.lines().any(|line| line == format!("{name}: OK")) {
        return Verdict::Good;
    }
    let (before, _) = bad.split_once(&format!("error {name}: verification failed")).unwrap();
    match before.lines().rfind(|line| line.contains("lookup:")).unwrap() {
        line if line.starts_with("error 23 at 0 depth") => Verdict::Revoked,
        line if line.starts_with("error 3 at 0 depth") => Verdict::NoList,
        other => panic!("{name}: {other}"),
    }
}
