//! Certificates with a name that cannot be read: the rest of them counts as ever, and nobody is known by that name.

use super::der::{COMMON_NAME, Certificate, element, extension, list, name, pem};
use crate::fixtures::{engine, engine_of, fake, header, listener, send, verified};
use certgate_core::domain::decision::Reason;
use certgate_test_support::certificates::IssuedCertificate;
use certgate_test_support::fakes::{Fake, FakeLedger};
use certgate_test_support::registry::merge;
use rcgen::KeyPair;
use serde_json::{Value, json};

const GOOD_URI: &str = "spiffe://example.org/cart";

fn authority() -> Vec<u8> {
    name(&[vec![(COMMON_NAME, element(0x0c, &[b"CA"]))]])
}

fn alternative_names(names: &[&[u8]]) -> Vec<u8> {
    extension(b"\x55\x1d\x11", &element(0x30, names))
}

/// A certificate for each part that cannot be read.
fn odd(key: &KeyPair) -> Vec<(&'static str, IssuedCertificate)> {
    let subject = name(&[vec![(COMMON_NAME, element(0x0c, &[b"cart"]))]]);
    let plain = Certificate::new(&authority(), &subject, key);
    let uri = element(0x86, &[GOOD_URI.as_bytes()]);
    let with = |names: &[&[u8]]| plain.clone().extensions(&[&alternative_names(names)]);
    let twice = alternative_names(&[&uri]);
    let subject = |value| Certificate { subject: name(&[vec![(COMMON_NAME, value)]]), ..plain.clone() };
    let certificates = [
        ("a DNS name in UTF-8", with(&[&element(0x82, &["bücher.example".as_bytes()])])),
        ("a second URI", with(&[&uri, &element(0x86, &[b"urn:\n"])])),
        ("1,001 names", with(&vec![&uri[..]; 1001])),
        ("no alternative names at all", with(&[b"\x02\x01\x05"])),
        ("names twice", plain.clone().extensions(&[&twice, &twice])),
        ("broken extensions", plain.clone().extensions(&[b"\x04\x01a"])),
        ("Latin-1 in a PrintableString", subject(element(0x13, &[b"caf\xe9"]))),
        ("a NUL in the subject", subject(element(0x0c, &[b"cart\0"]))),
        ("a subject that is none", Certificate { subject: b"\x30\x02\x05\0".to_vec(), ..plain.clone() }),
    ];
    certificates.map(|(what, certificate)| (what, IssuedCertificate::new(certificate.signed(key), key))).into()
}

/// Every option that reads certificates.
fn every_option(key: &KeyPair) -> Value {
    let other = name(&[vec![(COMMON_NAME, element(0x0c, &[b"another CA"]))]]);
    json!({
        "identity": {
            "chain": "listener",
            "source": "xfcc",
            "trusted_relays": [{"uri_san": "spiffe://example.org/gateway"}, {"subject": {"common_name": "gateway"}, "issuer": {"common_name": "CA"}}],
        },
        "crls": [{"pem": pem("X509 CRL", &list(&other, key)), "strict": true}],
        "headers": {
            "subject": "x-client-subject",
            "spiffe_id": "x-client-spiffe-id",
            "not_after": "x-client-not-after",
            "client_cert": "client-cert",
        },
    })
}

#[test]
fn a_client_known_by_fingerprint_or_key_stays_known_whatever_is_configured() {
    let key = KeyPair::generate().unwrap();
    for (what, leaf) in odd(&key) {
        for credential in
            [json!({"sha256": leaf.fingerprint}), json!({"pem": leaf.pem}), json!({"spki_sha256": leaf.spki_sha256})]
        {
            for options in [json!({}), every_option(&key)] {
                let engine = engine_of(&[("a", credential.clone())], &options);
                let fake = verified(&leaf);
                assert_eq!(send(&engine, &fake, &[]).reason, None, "{what}: {credential} {options}");
                if options != json!({}) {
                    assert!(header(&fake, "x-client-not-after").is_some(), "{what}");
                    assert!(header(&fake, "client-cert").is_some(), "{what}");
                    assert_eq!(header(&fake, "x-client-spiffe-id"), None, "{what}");
                    let subject = header(&fake, "x-client-subject");
                    assert!(subject.is_none_or(|subject| subject == "CN=cart"), "{what}");
                }
            }
        }
    }
}

/// From a public report: a header of the subject, a list of another issuer or a relay turned the 200 of these into 403.
#[test]
fn reported_certificates_with_a_name_that_cannot_be_read_are_known() {
    let registry_of_report: Value =
        serde_json::from_str(include_str!("../../../tests/fixtures/reports/02-unreadable-name.json")).unwrap();
    let key = KeyPair::generate().unwrap();
    let revoked = json!({"crls": [{"pem": include_str!("../../../tests/fixtures/reports/crl-plain.pem")}]});
    let dns = IssuedCertificate::read(include_str!("../../../tests/fixtures/reports/dnsutf8.pem"));
    let engine = engine(&registry_of_report, &FakeLedger::default());
    let shown = fake(&dns);
    assert_eq!(send(&engine, &shown, &[]).reason, None);
    assert_eq!(header(&shown, "x-client-subject").as_deref(), Some("CN=dnsutf8"));

    let latin = IssuedCertificate::read(include_str!("../../../tests/fixtures/reports/latin1printable.pem"));
    for leaf in [&dns, &latin] {
        for credential in
            [json!({"sha256": leaf.fingerprint}), json!({"pem": leaf.pem}), json!({"spki_sha256": leaf.spki_sha256})]
        {
            for options in [json!({}), every_option(&key)] {
                let engine = engine_of(&[("a", credential.clone())], &options);
                assert_eq!(send(&engine, &verified(leaf), &[]).reason, None, "{credential} {options}");
            }
            let engine = engine_of(&[("a", credential.clone())], &revoked);
            assert_eq!(send(&engine, &fake(leaf), &[]).reason, Some(Reason::CertificateRevoked), "{credential}");
        }
    }
}

#[test]
fn a_list_revokes_it_all_the_same() {
    let key = KeyPair::generate().unwrap();
    let lists = json!({"crls": [{"pem": pem("X509 CRL", &list(&authority(), &key))}]});
    for (what, leaf) in odd(&key) {
        let engine = engine_of(&[("a", json!({"sha256": leaf.fingerprint}))], &lists);
        assert_eq!(send(&engine, &fake(&leaf), &[]).reason, Some(Reason::CertificateRevoked), "{what}");
    }
}

#[test]
fn nobody_is_known_by_it_and_no_condition_is_met() {
    let key = KeyPair::generate().unwrap();
    let by_name = [
        json!({"uri_san": GOOD_URI}),
        json!({"subject": {"common_name": "caf"}, "issuer": {"common_name": "CA"}}),
        json!({"subject": {"common_name": "café"}, "issuer": {"common_name": "CA"}}),
    ];
    for (what, leaf) in odd(&key) {
        for credential in &by_name {
            let engine = engine_of(&[("a", credential.clone())], &listener());
            let reason = send(&engine, &fake(&leaf), &[]).reason;
            assert_eq!(reason, Some(Reason::UnknownCertificate), "{what}: {credential}");
        }
        let rule = json!({"rules": [{"uri_san": ["spiffe://example.org/*"]}]});
        let engine = engine_of(&[("a", json!({"sha256": leaf.fingerprint}))], &merge(listener(), &rule));
        assert_eq!(send(&engine, &fake(&leaf), &[]).reason, Some(Reason::RuleDenied), "{what}");
    }
}

/// The key, whose last bit is not used.
fn unused_bit(key: &[u8]) -> Vec<u8> {
    let place = key.windows(4).position(|bytes| bytes == b"\x03\x42\0\x04").unwrap();
    let mut key = key.to_vec();
    key[place + 2] = 1;
    key
}

#[test]
fn dates_serial_number_and_key_must_be_readable() {
    let key = KeyPair::generate().unwrap();
    let plain = Certificate::new(&authority(), &authority(), &key);
    for (what, certificate) in [
        ("no date", Certificate { not_after: element(0x17, &[b"tomorrow"]), ..plain.clone() }),
        ("no serial number", Certificate { serial: b"\x04\x01\x05".to_vec(), ..plain.clone() }),
        ("no key", Certificate { key: b"\x30\0".to_vec(), ..plain.clone() }),
        ("a key with bits that are not used", Certificate { key: unused_bit(&plain.key), ..plain }),
    ] {
        let leaf = IssuedCertificate::new(certificate.signed(&key), &key);
        for options in [json!({}), every_option(&key)] {
            let engine = engine_of(&[("a", json!({"sha256": leaf.fingerprint}))], &options);
            let fake: Fake<'_> = verified(&leaf);
            assert_eq!(send(&engine, &fake, &[]).reason, Some(Reason::CertificateUnreadable), "{what}");
        }
    }
}
