//! Warnings of `certgate check` about names: of issuers, of parts that cannot be read, of values that are nearly equal.

use super::{Folder, unplaced};
use crate::der::{self, COMMON_NAME, Certificate, element, extension, list, name, pem};
use certgate_core::certificate;
use certgate_test_support::registry::{self, client, merge};
use rcgen::KeyPair;
use serde_json::{Value, json};

/// Standard error of a check that accepts the registry.
fn said_of(registry: &Value) -> String {
    let run = Folder::new(&[]).certgate(&["check", "-"], &registry.to_string());
    assert_eq!(run.code, 0, "{}", run.err);
    run.err.lines().map(|line| format!("{}\n", unplaced(line))).collect()
}

#[test]
fn a_list_of_nobodys_issuer_and_parts_that_cannot_be_read_are_warnings() {
    let key = KeyPair::generate().unwrap();
    let authority = |tag, text: &[u8]| name(&[vec![(COMMON_NAME, element(tag, &[text]))]]);
    let names = extension(b"\x55\x1d\x11", &element(0x30, &[&element(0x82, &[b"\xff"]), &element(0x86, &[b"\n"])]));
    let subject = authority(0x13, b"\xe9");
    let leaf = Certificate::new(&authority(0x0c, b"Field CA"), &subject, &key).extensions(&[&names]).signed(&key);
    let registry = |credential: Value, issuer: &[u8]| {
        let clients = [client("a", "t", &credential)];
        let list = pem("X509 CRL", &list(issuer, &key));
        let list = json!({"pem": list, "issuer_pem": der::authority(issuer, &key)});
        merge(registry::registry(&[("t", json!([]))], &clients), &json!({"crls": [list]}))
    };
    let pinned = json!({"pem": pem("CERTIFICATE", &leaf)});
    let parts = "\
warning[CG0212]: clients[0].credentials[0].pem: its subject cannot be read, so no client is identified by it
warning[CG0212]: clients[0].credentials[0].pem: a URI among its alternative names cannot be read, so no client is identified by it
warning[CG0212]: clients[0].credentials[0].pem: a DNS name among its alternative names cannot be read, so no client is identified by it
";
    assert_eq!(said_of(&registry(pinned.clone(), &authority(0x13, b" FIELD  ca"))), parts);
    let nobodys = "warning[CG0213]: crls[0]: no certificate in this registry is by the CRL's issuer, CN=Field C A\n";
    assert_eq!(said_of(&registry(pinned, &authority(0x0c, b"Field C A"))), format!("{parts}{nobodys}"));
    // By a name of the issuer the registry knows it too; by a fingerprint alone it knows none.
    let verified = "warning[CG0203]: names in certificates count where Envoy says that it has verified the chain, which it says of \
                    no resumed TLS session\n";
    let by_name = json!({"subject": {"common_name": "a"}, "issuer": {"common_name": "Field CA"}});
    assert_eq!(said_of(&registry(by_name.clone(), &authority(0x1e, b"\0F\0i\0e\0l\0d\0 \0C\0A"))), verified);
    assert_eq!(said_of(&registry(by_name, &authority(0x0c, b"Field C A"))), format!("{verified}{nobodys}"));
    let pin = json!({"sha256": certificate::fingerprint(&leaf).to_string()});
    assert_eq!(said_of(&registry(pin.clone(), &authority(0x0c, b"Field C A"))), "");
    // So it does by a rule.
    for (asked, expected) in [("Field C A", ""), ("Field CA", nobodys)] {
        let mut ruled = registry(pin.clone(), &authority(0x0c, b"Field C A"));
        ruled["identity"] = json!({"chain": "listener"});
        ruled["rules"] = json!([{"issuer": {"common_name": asked}}]);
        assert_eq!(said_of(&ruled), expected, "{asked}");
    }
}

#[test]
fn values_that_differ_in_case_or_spaces_alone_are_a_warning() {
    let subject =
        |name: &str, issuer: &str| json!({"subject": {"common_name": name}, "issuer": {"common_name": issuer}});
    let clients = ["a", "b"].map(|alias| client(alias, "t", &subject(alias, "Shop CA")));
    let options = json!({
        "identity": {"chain": "listener"},
        "rules": [{"issuer": {"common_name": "shop  CA"}}, {"issuer": {"common_name": "ShopCA"}}],
    });
    assert_eq!(
        said_of(&merge(registry::registry(&[("t", json!([]))], &clients), &options)),
        "warning[CG0203]: names in certificates count always (`chain: listener`)\n\
         warning[CG0214]: clients[0].credentials[0].issuer.common_name: `Shop CA` differs from `shop  CA` \
         (rules[0].issuer.common_name) in case or spaces alone, which count here\n"
    );
}
