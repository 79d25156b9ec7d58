//! Certificates with something odd in a part of them: what certgate and OpenSSL read differently in which.

use super::der::{COMMON_NAME, Certificate, ORGANIZATION, element, extension, name};
use super::dice::Dice;
use rcgen::KeyPair;

/// How Envoy's own TLS (BoringSSL) takes a certificate that a client presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// It reads it.
    Passes,
    /// It refuses it: the certificate comes by `pem` in a registry or by a relay's `Cert` alone.
    Refused,
}

use Handshake::{Passes, Refused};

/// Read as the moment that it is, as OpenSSL reads it.
const ONE_FORM: &str = "verifiers take nothing but the form of RFC 5280 section 4.1.2.5";
const NO_MOMENT: &str = "no moment in any form that a certificate may have";
const LESS: &str = "made to be read as less than it is";
const PIECES: &str = "BER, not DER";
const POSITIVE: &str = "compared as the positive number of the same octets, in lists too";

/// Of a difference: the part, what is odd in it, how Envoy takes it, and why certgate reads it otherwise than OpenSSL.
pub const DIFFERENCES: &[(&str, &str, Handshake, &str)] = &[
    ("dates that no verifier takes", "with a fraction", Refused, ONE_FORM),
    ("dates that no verifier takes", "with an offset", Passes, ONE_FORM),
    ("dates that no verifier takes", "without seconds", Refused, ONE_FORM),
    ("dates that OpenSSL does not read either", "30 February", Refused, NO_MOMENT),
    ("dates that OpenSSL does not read either", "empty", Refused, NO_MOMENT),
    ("dates that OpenSSL does not read either", "hour 24", Refused, NO_MOMENT),
    ("dates that OpenSSL does not read either", "letters", Refused, NO_MOMENT),
    ("dates that OpenSSL does not read either", "month 13", Refused, NO_MOMENT),
    ("dates that OpenSSL does not read either", "second 60", Refused, NO_MOMENT),
    ("dates that OpenSSL does not read either", "without a zone", Refused, NO_MOMENT),
    ("extensions", "critical as 1", Passes, "DER has TRUE as 255"),
    ("issuer", "IA5 with Latin-1", Passes, "IA5String is ASCII"),
    ("issuer", "UTF-8 with NUL", Passes, LESS),
    ("issuer", "in pieces", Refused, PIECES),
    ("issuer", "numeric with Latin-1", Passes, "NumericString is ASCII"),
    ("issuer", "printable with Latin-1", Passes, "PrintableString is ASCII"),
    ("names", "1,001 names", Passes, "bounded work"),
    ("names", "a DNS name in UTF-8", Passes, "IA5String is ASCII"),
    ("names", "a DNS name with NUL", Passes, LESS),
    ("names", "a URI in pieces", Passes, PIECES),
    ("names", "a URI with a line feed", Passes, "no URI has control characters"),
    ("serial", "negative", Passes, POSITIVE),
    ("serial", "negative, long", Passes, POSITIVE),
    ("subject", "IA5 with Latin-1", Passes, "IA5String is ASCII"),
    ("subject", "UTF-8 with NUL", Passes, LESS),
    ("subject", "in pieces", Refused, PIECES),
    ("subject", "numeric with Latin-1", Passes, "NumericString is ASCII"),
    ("subject", "printable with Latin-1", Passes, "PrintableString is ASCII"),
];

/// A generated certificate, and what is odd in each of its parts.
pub struct Odd {
    /// The certificate.
    pub der: Vec<u8>,
    /// The oddity of the subject alternative names, or their kind, or `none`.
    pub names: &'static str,
    /// The oddity of the issuer, or `plain`.
    pub issuer: &'static str,
    /// The oddity of the subject, or `plain`.
    pub subject: &'static str,
    /// The oddity of the dates, or `plain`.
    pub dates: &'static str,
    /// The oddity of the serial number, or `plain`.
    pub serial: &'static str,
    /// The oddity of the extensions, `plain`, or `none`.
    pub extensions: &'static str,
}

impl Odd {
    /// The part in which something is odd, and what, if it is no more than one; all of them, in which nothing is, where
    /// there is none.
    pub fn only(&self) -> Option<(&'static str, &'static str)> {
        let parts = [
            ("dates", self.dates, &["plain"][..]),
            ("extensions", self.extensions, &["none", "plain"]),
            ("issuer", self.issuer, &["plain"]),
            ("names", self.names, &["none", "a URI", "a DNS name"]),
            ("serial", self.serial, &["plain"]),
            ("subject", self.subject, &["plain"]),
        ];
        let mut odd = parts.into_iter().filter(|(_, what, plain)| !plain.contains(what));
        match (odd.next(), odd.next()) {
            (None, _) => Some(("all", "plain")),
            (Some((part, what, _)), None) => Some((part, what)),
            _ => None,
        }
    }
}

type Choice<'c> = (&'static str, &'c [u8]);

/// A subject or an issuer.
fn holder(dice: &mut Dice) -> (&'static str, Vec<u8>) {
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

/// A certificate for this key; in most of them something is odd.
pub fn certificate(dice: &mut Dice, key: &KeyPair) -> Odd {
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
    let (subject_odd, subject) = if dice.below(2) == 0 { holder(dice) } else { ("plain", issuer.clone()) };
    let (issuer_odd, issuer) = if dice.below(4) == 0 { holder(dice) } else { ("plain", issuer) };
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
    Odd { der, names, issuer: issuer_odd, subject: subject_odd, dates, serial, extensions: extensions_odd }
}
