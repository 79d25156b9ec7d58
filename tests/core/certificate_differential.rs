//! 20,000 generated certificates, read by certgate and by OpenSSL: whatever they read differently is on the list below.

use super::der::{COMMON_NAME, Certificate, ORGANIZATION, element, extension, name};
use super::openssl::answers;
use super::revocation_names::Dice;
use certgate::certificate::attribute_type::AttributeType;
use certgate::certificate::attributes::Attributes;
use certgate::certificate::distinguished_name::DistinguishedName;
use data_encoding::{HEXLOWER, HEXUPPER};
use rcgen::{KeyPair, PublicKeyData};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const CERTIFICATES: usize = 20_000;

/// Of a difference: the part, what is odd in it, why certgate reads it otherwise.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("dates", "with a fraction", "RFC 5280 section 4.1.2.5 has one form"),
    ("dates", "with an offset", "RFC 5280 section 4.1.2.5 has one form"),
    ("dates", "without seconds", "RFC 5280 section 4.1.2.5 has one form"),
    ("dates that OpenSSL does not read either", "30 February", "no moment in any form that a certificate may have"),
    ("dates that OpenSSL does not read either", "empty", "no moment in any form that a certificate may have"),
    ("dates that OpenSSL does not read either", "hour 24", "no moment in any form that a certificate may have"),
    ("dates that OpenSSL does not read either", "letters", "no moment in any form that a certificate may have"),
    ("dates that OpenSSL does not read either", "month 13", "no moment in any form that a certificate may have"),
    ("dates that OpenSSL does not read either", "second 60", "no moment in any form that a certificate may have"),
    ("dates that OpenSSL does not read either", "without a zone", "no moment in any form that a certificate may have"),
    ("extensions", "critical as 1", "DER has TRUE as 255"),
    ("names", "1,001 names", "bounded work"),
    ("names", "a DNS name in UTF-8", "IA5String is ASCII"),
    ("names", "a DNS name with NUL", "made to be read as less than it is"),
    ("names", "a URI in pieces", "BER, not DER"),
    ("names", "a URI with a line feed", "no URI has control characters"),
    ("serial", "negative", "compared as the positive number of the same octets, in lists too"),
    ("serial", "negative, long", "compared as the positive number of the same octets, in lists too"),
    ("subject", "IA5 with Latin-1", "IA5String is ASCII"),
    ("subject", "UTF-8 with NUL", "made to be read as less than it is"),
    ("subject", "in pieces", "BER, not DER"),
    ("subject", "numeric with Latin-1", "NumericString is ASCII"),
    ("subject", "printable with Latin-1", "PrintableString is ASCII"),
];

/// A generated certificate, and what is odd in each of its parts.
struct Odd {
    der: Vec<u8>,
    names: &'static str,
    subject: &'static str,
    dates: &'static str,
    serial: &'static str,
    extensions: &'static str,
}

type Choice<'c> = (&'static str, &'c [u8]);

fn subject(dice: &mut Dice) -> (&'static str, Vec<u8>) {
    let values: [(&str, u8, &[u8]); 20] = [
        ("UTF-8", 0x0c, "Zürich".as_bytes()),
        ("UTF-8 with NUL", 0x0c, b"a\0b"),
        ("broken UTF-8", 0x0c, b"\xff"),
        ("overlong UTF-8", 0x0c, b"\xc0\x80"),
        ("printable", 0x13, b"cart"),
        ("printable with others", 0x13, b"a@b*_"),
        ("printable with Latin-1", 0x13, b"caf\xe9"),
        ("numeric", 0x12, b"12 3"),
        ("numeric with Latin-1", 0x12, b"\xe9"),
        ("T61", 0x14, b"caf\xe9"),
        ("IA5", 0x16, b"a@b"),
        ("IA5 with Latin-1", 0x16, b"caf\xe9"),
        ("visible", 0x1a, b"cart"),
        ("universal", 0x1c, b"\0\x01\xf9\x80"),
        ("broken universal", 0x1c, b"\0\0\0"),
        ("BMP", 0x1e, b"\0Z\0\xfc"),
        ("BMP with surrogates", 0x1e, b"\xd8\x3e\xdd\x80"),
        ("broken BMP", 0x1e, b"\0"),
        ("octet string", 0x04, b"a"),
        ("in pieces", 0x2c, b"\x0c\x01a"),
    ];
    let (odd, tag, content) = dice.pick(&values);
    let value = element(tag, &[content]);
    let organization = (ORGANIZATION, element(0x0c, &[b"Lab"]));
    let unknown: (&[u8], _) = (b"\x55\x63\x01", element(0x0c, &[b"x"]));
    let relative = match dice.below(4) {
        0 => vec![vec![(COMMON_NAME, value)]],
        1 => vec![vec![organization, (COMMON_NAME, value)]],
        2 => vec![vec![organization], vec![(COMMON_NAME, value)], vec![unknown]],
        _ => vec![vec![(COMMON_NAME, value)], vec![(COMMON_NAME, element(0x0c, &[b"second"]))]],
    };
    (odd, name(&relative))
}

fn extensions(dice: &mut Dice) -> (&'static str, &'static str, Vec<u8>) {
    const NAMES: &[u8] = b"\x55\x1d\x11";
    let uri = element(0x86, &[b"spiffe://example.org/a"]);
    let sans: [(&str, Vec<u8>); 14] = [
        ("none", Vec::new()),
        ("a URI", uri.clone()),
        ("a DNS name", element(0x82, &[b"Cart.Example"])),
        ("a DNS name in UTF-8", element(0x82, &["bücher".as_bytes()])),
        ("a DNS name with NUL", element(0x82, &[b"a\0b"])),
        ("a URI with a line feed", element(0x86, &[b"urn:\n"])),
        ("an empty URI", element(0x86, &[])),
        ("an address of 3 bytes", element(0x87, &[b"abc"])),
        ("an e-mail in UTF-8", element(0x81, &["é".as_bytes()])),
        ("a URI in pieces", element(0xa6, &[b"\x16\x01a"])),
        ("an unknown kind", element(0x89, &[b"a"])),
        ("an integer", b"\x02\x01\x05".to_vec()),
        ("cut off", b"\x86\x05a".to_vec()),
        ("1,001 names", uri.repeat(1001)),
    ];
    // Few of the longest, which take the most time.
    let kinds = if dice.below(20) == 0 { 14 } else { 13 };
    let (names, value) = &sans[dice.below(kinds)];
    let before = if dice.below(2) == 0 { uri } else { Vec::new() };
    let names_extension = extension(NAMES, &element(0x30, &[&before, value]));
    let other = extension(b"\x55\x63\x02", b"\x05\0");
    let critical = |flag| element(0x30, &[b"\x06\x03\x55\x63\x03\x01\x01", &[flag], b"\x04\0"]);
    let (odd, list): (_, Vec<Vec<u8>>) = match dice.below(9) {
        0 => ("another", vec![other, names_extension]),
        1 => ("twice", vec![names_extension.clone(), names_extension]),
        2 => ("critical", vec![critical(0xff), names_extension]),
        3 => ("critical as 1", vec![critical(1), names_extension]),
        4 => ("critical as FALSE", vec![critical(0), names_extension]),
        5 => ("no extension", vec![b"\x04\x01a".to_vec(), names_extension]),
        6 => ("another twice", vec![other.clone(), other, names_extension]),
        7 => ("no octet string", vec![element(0x30, &[b"\x06\x03\x55\x63\x04\x05\0"]), names_extension]),
        _ => ("plain", vec![names_extension]),
    };
    (names, odd, element(0xa3, &[&element(0x30, &[&list.concat()])]))
}

fn certificate(dice: &mut Dice, key: &KeyPair) -> Odd {
    const DATES: [(&str, u8, &[u8]); 16] = [
        ("plain", 0x17, b"300101000000Z"),
        ("plain", 0x18, b"20600229235959Z"),
        ("before 1970", 0x17, b"500101000000Z"),
        ("the last", 0x18, b"99991231235959Z"),
        ("the first", 0x18, b"00000101000000Z"),
        ("without seconds", 0x17, b"3001010000Z"),
        ("with an offset", 0x17, b"300101000000+0100"),
        ("with a fraction", 0x18, b"20300101000000.5Z"),
        ("without a zone", 0x18, b"20300101000000"),
        ("month 13", 0x17, b"301301000000Z"),
        ("30 February", 0x17, b"300230000000Z"),
        ("second 60", 0x17, b"301231235960Z"),
        ("hour 24", 0x17, b"301231240000Z"),
        ("letters", 0x17, b"tomorrow"),
        ("empty", 0x17, b""),
        ("an integer", 0x02, b"\x01"),
    ];
    const SERIALS: [Choice<'_>; 8] = [
        ("plain", b"\x05"),
        ("zero", b"\0"),
        ("negative", b"\xff"),
        ("negative, long", b"\x80\0\x01"),
        ("with a zero too many", b"\0\x05"),
        ("32 bytes", &[0x7f; 32]),
        ("with a leading zero", b"\0\xff"),
        ("empty", b""),
    ];
    let issuer = name(&[vec![(COMMON_NAME, element(0x0c, &[b"CA"]))]]);
    let (subject_odd, subject) = if dice.below(2) == 0 { subject(dice) } else { ("plain", issuer.clone()) };
    let plain = Certificate::new(&issuer, &subject, key);
    let (dates, tag, moment) = if dice.below(3) == 0 { dice.pick(&DATES) } else { DATES[0] };
    let (serial, number) = if dice.below(3) == 0 { dice.pick(&SERIALS) } else { SERIALS[0] };
    let (names, extensions_odd, extensions) = match dice.below(3) {
        0 => ("none", "none", Vec::new()),
        _ => extensions(dice),
    };
    let certificate =
        Certificate { not_after: element(tag, &[moment]), serial: element(2, &[number]), extensions, ..plain };
    // Nobody asks for the signature here.
    let der = certificate.der(|_| vec![0; 70]);
    Odd { der, names, subject: subject_odd, dates, serial, extensions: extensions_odd }
}

/// The values of all attributes of this type that OpenSSL makes text of; `None` if it makes none of one.
fn of_type(name: &str, oid: &str) -> Option<Vec<String>> {
    let attributes =
        name.split(',').filter(|_| name != "-").map(|attribute| attribute.splitn(3, ':').collect::<Vec<_>>());
    let texts = attributes
        .filter(|attribute| attribute[1] == oid)
        .map(|attribute| String::from_utf8(HEXLOWER.decode(attribute[2].as_bytes()).ok()?).ok());
    texts.collect()
}

fn values(name: &DistinguishedName, attribute: AttributeType) -> Vec<String> {
    name.values(attribute).map(str::to_owned).collect()
}

/// The alternative names of this kind that OpenSSL reads.
fn of_kind(names: &str, kind: &str) -> Vec<String> {
    let contents = names.split(',').filter_map(|name| name.strip_prefix(kind)?.strip_prefix(':'));
    contents.map(|digits| String::from_utf8_lossy(&HEXLOWER.decode(digits.as_bytes()).unwrap()).into_owned()).collect()
}

/// The parts in which certgate reads something else than OpenSSL has answered, each with what is odd in it.
fn differences(odd: &Odd, answer: &str) -> Vec<(&'static str, &'static str)> {
    let fields: Vec<_> = answer.split(' ').collect();
    let [serial, not_before, not_after, key, subject, _, names] = fields[..] else {
        // Refused by OpenSSL: nothing that certgate could say less of.
        return Vec::new();
    };
    let Ok(attributes) = Attributes::parse(&odd.der) else {
        return vec![if not_after == "bad" {
            ("dates that OpenSSL does not read either", odd.dates)
        } else {
            ("dates", odd.dates)
        }];
    };
    let mut found = Vec::new();
    let seconds = [attributes.validity.not_before, attributes.validity.not_after].map(|moment| moment.0.to_string());
    if seconds != [not_before, not_after] {
        found.push(("dates", odd.dates));
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
    let listed: Vec<_> = DIFFERENCES.iter().map(|(part, odd, _)| (*part, *odd)).collect();
    let unlisted: Vec<_> = found.iter().filter(|(difference, _)| !listed.contains(difference)).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    let gone: Vec<_> = listed.iter().filter(|difference| !found.contains_key(*difference)).collect();
    assert!(gone.is_empty(), "{gone:#?}");
    assert!(read > CERTIFICATES / 4, "{read}");
}
