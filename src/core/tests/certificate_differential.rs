//! 20,000 generated certificates, read by certgate and by OpenSSL: whatever they read differently is on the list in `odd.rs`.

use super::dice::Dice;
use super::odd::{DIFFERENCES, Odd, certificate};
use crate::fixtures::openssl::answers;
use certgate_core::certificate::attribute_type::AttributeType;
use certgate_core::certificate::contents::CertificateContents;
use certgate_core::certificate::distinguished_name::DistinguishedName;
use data_encoding::{HEXLOWER, HEXUPPER};
use rcgen::{KeyPair, PublicKeyData};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const CERTIFICATES: usize = 20_000;

/// The values of all attributes of this type that OpenSSL makes text of; `None` if it makes none of one.
pub(crate) fn of_type(name: &str, oid: &str) -> Option<Vec<String>> {
    let attributes =
        name.split(',').filter(|_| name != "-").map(|attribute| attribute.splitn(3, ':').collect::<Vec<_>>());
    let texts = attributes
        .filter(|attribute| attribute[1] == oid)
        .map(|attribute| String::from_utf8(HEXLOWER.decode(attribute[2].as_bytes()).ok()?).ok());
    texts.collect()
}

pub(crate) fn values(name: &DistinguishedName, attribute: AttributeType) -> Vec<String> {
    name.values(attribute).map(str::to_owned).collect()
}

/// The alternative names of this kind that OpenSSL reads.
pub(crate) fn of_kind(names: &str, kind: &str) -> Vec<String> {
    let contents = names.split(',').filter_map(|name| name.strip_prefix(kind)?.strip_prefix(':'));
    contents.map(|digits| String::from_utf8_lossy(&HEXLOWER.decode(digits.as_bytes()).unwrap()).into_owned()).collect()
}

/// The parts in which certgate reads something else than OpenSSL has answered, each with what is odd in it.
fn differences(odd: &Odd, answer: &str) -> Vec<(&'static str, &'static str)> {
    let fields: Vec<_> = answer.split(' ').collect();
    let [serial, not_before, not_after, key, subject, issuer, names] = fields[..] else {
        // Refused by OpenSSL: nothing that certgate could say less of.
        return Vec::new();
    };
    let Ok(attributes) = CertificateContents::parse(&odd.der) else {
        return vec![if not_after == "bad" {
            ("dates that OpenSSL does not read either", odd.dates)
        } else {
            ("dates", odd.dates)
        }];
    };
    let mut found = Vec::new();
    let seconds = [attributes.validity.not_before, attributes.validity.not_after].map(|moment| moment.0.to_string());
    let moments = [not_before, not_after].map(|moment| moment.trim_start_matches('~'));
    if seconds != moments || not_after.starts_with('~') {
        found.push((if seconds == moments { "dates that no verifier takes" } else { "dates" }, odd.dates));
    }
    let magnitude = serial.trim_start_matches('0');
    if HEXUPPER.encode(&attributes.serial).trim_start_matches('0') != magnitude {
        found.push(("serial", odd.serial));
    }
    assert_eq!(attributes.spki_sha256, <[u8; 32]>::from(Sha256::digest(HEXLOWER.decode(key.as_bytes()).unwrap())));
    for (attribute, oid) in [(AttributeType::CommonName, "2.5.4.3"), (AttributeType::Organization, "2.5.4.10")] {
        if of_type(subject, oid) != Some(values(&attributes.subject, attribute)) {
            found.push(("subject", odd.subject));
        }
        if of_type(issuer, oid) != Some(values(&attributes.issuer, attribute)) {
            found.push(("issuer", odd.issuer));
        }
    }
    let dns: Vec<_> = of_kind(names, "2").iter().map(|name| name.to_ascii_lowercase()).collect();
    let ours = |names: &[Box<str>]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    if ours(&attributes.uri_sans) != of_kind(names, "6") || ours(&attributes.dns_sans) != dns {
        let is_whole =
            matches!(odd.extensions, "plain" | "another" | "critical" | "critical as FALSE" | "another twice");
        found.push(if is_whole { ("names", odd.names) } else { ("extensions", odd.extensions) });
    }
    found
}

#[test]
fn what_certgate_and_openssl_read_differently_is_on_the_list() {
    let key = KeyPair::generate().unwrap();
    assert!(!key.subject_public_key_info().is_empty());
    let mut dice = Dice(2);
    let certificates: Vec<_> = (0..CERTIFICATES).map(|_| certificate(&mut dice, &key)).collect();
    let lines: Vec<_> = certificates.iter().map(|odd| format!("C {}", HEXLOWER.encode(&odd.der))).collect();
    let mut found = BTreeMap::new();
    let mut read = 0;
    for (odd, answer) in certificates.iter().zip(answers(&lines)) {
        read += usize::from(answer != "refused");
        for difference in differences(odd, &answer) {
            *found.entry(difference).or_insert(0) += 1;
        }
    }
    let listed: Vec<_> = DIFFERENCES.iter().map(|(part, odd, ..)| (*part, *odd)).collect();
    let unlisted: Vec<_> = found.iter().filter(|(difference, _)| !listed.contains(difference)).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    let gone: Vec<_> = listed.iter().filter(|difference| !found.contains_key(*difference)).collect();
    assert!(gone.is_empty(), "{gone:#?}");
    assert!(read > CERTIFICATES / 4, "{read}");
}
