//! Valid certificates with a few bytes changed: certgate reads nothing else in them than OpenSSL does.

use super::certificate_differential::{of_kind, of_type, values};
use super::der::{COMMON_NAME, Certificate, ORGANIZATION, element, extension, name};
use super::dice::Dice;
use super::strings::{BMP, PRINTABLE, UTF8, string};
use crate::fixtures::openssl::answers;
use certgate_core::certificate;
use certgate_core::certificate::attribute_type::AttributeType;
use certgate_core::certificate::contents::CertificateContents;
use data_encoding::{HEXLOWER, HEXUPPER};
use rcgen::KeyPair;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const FLIPS: usize = 30_000;

/// Changes that certgate reads and OpenSSL does not: the part that was changed, and the reason. They are harmless: over
/// TLS such a certificate has been read by BoringSSL before, which is as strict; a registry's `pem` and a relay's
/// `Cert` stand for the fingerprint of all of their bytes; and names count only in what an authority has signed.
const BY_CERTGATE_ALONE: &[(&str, &str, &str)] = &[
    ("certgate alone", "algorithm", "not used: signatures are checked by the proxy"),
    ("certgate alone", "extensions", "what cannot be read spoils no other part"),
    ("certgate alone", "issuer", "what cannot be read is no name"),
    ("certgate alone", "key", "hashed as it is written, and not used"),
    ("certgate alone", "serial", "zeros before it do not count"),
    ("certgate alone", "signature", "not used: signatures are checked by the proxy"),
    ("certgate alone", "subject", "what cannot be read is no name"),
    ("certgate alone", "version", "not used"),
    ("names by certgate alone", "extensions", "each name is read by itself"),
];

/// A certificate with all that ordinary ones have.
fn plain(key: &KeyPair) -> Certificate {
    let issuer = name(&[vec![(ORGANIZATION, string(PRINTABLE, "Lab"))], vec![(COMMON_NAME, string(UTF8, "Field CA"))]]);
    let subject = name(&[vec![(ORGANIZATION, string(BMP, "Lab")), (COMMON_NAME, string(UTF8, "cart"))]]);
    let uri = element(0x86, &[b"spiffe://example.org/ns/shop/sa/cart"]);
    let names = element(0x30, &[&uri, &element(0x82, &[b"cart.example"])]);
    let plain = Certificate {
        serial: b"\x02\x09\x01\x23\x45\x67\x89\xab\xcd\xef\x01".to_vec(),
        ..Certificate::new(&issuer, &subject, key)
    };
    let usage = element(0x30, &[b"\x06\x03\x55\x1d\x0f\x01\x01\xff", &element(4, &[b"\x03\x02\x07\x80"])]);
    plain.extensions(&[&usage, &extension(b"\x55\x1d\x11", &names)])
}

/// The parts of a certificate by where they end.
fn parts(certificate: &Certificate, der: &[u8]) -> Vec<(&'static str, usize)> {
    let Certificate { version, serial, issuer, not_before, not_after, subject, key, extensions } = certificate;
    let start = der.windows(version.len()).position(|bytes| bytes == version).unwrap();
    let dates = 2 + not_before.len() + not_after.len();
    let lengths = [
        ("frame", start),
        ("version", version.len()),
        ("serial", serial.len()),
        ("algorithm", 12),
        ("issuer", issuer.len()),
        ("dates", dates),
        ("subject", subject.len()),
        ("key", key.len()),
        ("extensions", extensions.len()),
        ("signature", der.len()),
    ];
    lengths
        .into_iter()
        .scan(0, |end, (part, length)| {
            *end = (*end + length).min(der.len());
            Some((part, *end))
        })
        .collect()
}

/// Readers of a changed certificate: both, one, or none.
fn outcome(der: &[u8], part: &str, answer: &str) -> &'static str {
    let fields: Vec<_> = answer.split(' ').collect();
    let read = CertificateContents::parse(der);
    let [serial, not_before, not_after, key, subject, issuer, names] = fields[..] else {
        return if read.is_ok() { "certgate alone" } else { "none" };
    };
    let Ok(read) = read else { return "OpenSSL alone" };
    let what = format!("{part} of {}", HEXLOWER.encode(der));
    assert_eq!(certificate::validity(der), Ok(read.validity), "{what}");
    let dates = [read.validity.not_before, read.validity.not_after].map(|moment| moment.0.to_string());
    // Dates in a form that no verifier takes have a `~`.
    assert_eq!(dates, [not_before, not_after].map(|moment| moment.trim_start_matches('~')), "{what}");
    assert_eq!(read.spki_sha256, <[u8; 32]>::from(Sha256::digest(HEXLOWER.decode(key.as_bytes()).unwrap())), "{what}");
    // A negative number is compared as the positive one of the same octets.
    if !serial.starts_with('-') {
        assert_eq!(HEXUPPER.encode(&read.serial).trim_start_matches('0'), serial.trim_start_matches('0'), "{what}");
    }
    for (attribute, oid) in [(AttributeType::CommonName, "2.5.4.3"), (AttributeType::Organization, "2.5.4.10")] {
        for (ours, theirs) in [(&read.subject, subject), (&read.issuer, issuer)] {
            let ours = values(ours, attribute);
            assert!(ours.is_empty() || of_type(theirs, oid) == Some(ours), "{what}");
        }
    }
    if matches!(names, "bad" | "twice") {
        let has_names = !read.uri_sans.is_empty() || !read.dns_sans.is_empty();
        return if has_names { "names by certgate alone" } else { "both" };
    }
    let uris: Vec<_> = read.uri_sans.iter().map(|name| name.to_string()).collect();
    let hosts: Vec<_> = of_kind(names, "2").iter().map(|name| name.to_ascii_lowercase()).collect();
    assert!(read.only_uri().is_none() || uris == of_kind(names, "6"), "{what}");
    assert!(read.dns_sans.iter().all(|name| hosts.contains(&name.to_string())), "{what}");
    "both"
}

#[test]
fn of_changed_certificates_certgate_reads_nothing_else_than_openssl() {
    let key = KeyPair::generate().unwrap();
    let plain = plain(&key);
    let der = plain.signed(&key);
    let parts = parts(&plain, &der);
    let mut dice = Dice(4);
    let mut changed = Vec::new();
    while changed.len() < FLIPS {
        let place = dice.below(parts.len());
        let (part, end) = parts[place];
        let start = place.checked_sub(1).map_or(0, |before| parts[before].1);
        let mut other = der.clone();
        for _ in 0..=dice.below(3) {
            let byte = &mut other[start + dice.below(end - start)];
            // A bit, a byte, or one that is often a tag or a length.
            *byte = match dice.below(3) {
                0 => *byte ^ dice.pick(&[1, 2, 4, 8, 16, 32, 64, 128]),
                1 => u8::try_from(dice.below(256)).unwrap(),
                _ => dice.pick(&[0, 1, 2, 3, 5, 6, 0x0c, 0x13, 0x16, 0x30, 0x31, 0x80, 0x81, 0x82, 0xa0, 0xa3, 0xff]),
            };
        }
        if other != der {
            changed.push((part, other));
        }
    }
    let lines: Vec<_> = changed.iter().map(|(_, der)| format!("C {}", HEXLOWER.encode(der))).collect();
    let mut counts = BTreeMap::new();
    for ((part, der), answer) in changed.iter().zip(answers(&lines)) {
        *counts.entry((outcome(der, part, &answer), *part)).or_insert(0) += 1;
    }
    let of = |kind| counts.iter().filter(move |((outcome, _), _)| *outcome == kind);
    let alone: Vec<_> = counts.keys().filter(|(outcome, _)| outcome.ends_with("certgate alone")).copied().collect();
    let listed: Vec<_> = BY_CERTGATE_ALONE.iter().map(|(outcome, part, _)| (*outcome, *part)).collect();
    assert_eq!(alone, listed, "{counts:#?}");
    assert!(of("both").map(|(_, count)| count).sum::<usize>() > FLIPS / 4, "{counts:#?}");
}
