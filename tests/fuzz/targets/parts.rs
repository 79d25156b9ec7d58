//! A certificate's parts: whatever stands in its names and its extensions spoils nothing else of it.
#![no_main]

use certgate_core::certificate::contents::CertificateContents;
use certgate_core::certificate::validity;
use libfuzzer_sys::fuzz_target;

const ALGORITHM: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
const DATES: &[u8] = b"\x30\x1e\x17\x0d200101000000Z\x17\x0d300101000000Z";
const KEY: &[u8] = b"\x30\x0f\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x03\x01\0";

/// An element of this kind that consists of these parts; lengths in as few octets as they need.
fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let octets: Vec<u8> = length.into_iter().skip_while(|octet| *octet == 0).collect();
    let head = match octets[..] {
        [] => vec![tag, 0],
        [octet @ ..0x80] => vec![tag, octet],
        _ => [&[tag, 0x80 | u8::try_from(octets.len()).expect("few")], &octets[..]].concat(),
    };
    [head, content].concat()
}

fn certificate(serial: &[u8], issuer: &[u8], subject: &[u8], extensions: Option<&[u8]>) -> Vec<u8> {
    let [issuer, subject] = [issuer, subject].map(|name| element(0x30, &[name]));
    let extensions = extensions.map(|extensions| element(0xa3, &[&element(0x30, &[extensions])])).unwrap_or_default();
    let serial = element(2, &[serial]);
    let body =
        element(0x30, &[b"\xa0\x03\x02\x01\x02", &serial, ALGORITHM, &issuer, DATES, &subject, KEY, &extensions]);
    element(0x30, &[&body, ALGORITHM, b"\x03\x01\0"])
}

fuzz_target!(|input: (&[u8], &[u8], &[u8], &[u8])| {
    let (serial, issuer, subject, extensions) = input;
    let plain = certificate(serial, b"", b"", None);
    let Ok(plain) = CertificateContents::parse(&plain) else { panic!("a number of any bytes is read") };
    let der = certificate(serial, issuer, subject, Some(extensions));
    let read = CertificateContents::parse(&der).expect("what is odd is in names and extensions alone");
    assert_eq!(validity(&der), Ok(plain.validity));
    assert_eq!((read.validity, read.spki_sha256), (plain.validity, plain.spki_sha256));
    let zeros = serial.iter().take_while(|octet| **octet == 0).count();
    assert_eq!((&*read.serial, &*plain.serial), (&serial[zeros..], &serial[zeros..]));
    // Names of one part are not read from another.
    let without = CertificateContents::parse(&certificate(serial, issuer, subject, None)).expect("the same");
    assert_eq!((&without.subject, &without.issuer), (&read.subject, &read.issuer));
    assert!(without.uri_sans.is_empty() && without.dns_sans.is_empty());
    let alone = CertificateContents::parse(&certificate(serial, b"", b"", Some(extensions))).expect("the same");
    assert_eq!((alone.uri_sans, alone.dns_sans), (read.uri_sans, read.dns_sans));
});
