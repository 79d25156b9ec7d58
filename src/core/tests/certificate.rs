//! Certificates that are broken, hostile or written in other ways, as certgate reads them.

use crate::fixtures::leaf;
use certgate_core::certificate::{Unreadable, der_from_text, fingerprint, fingerprint_from_hex, validity};
use certgate_test_support::laws::cases;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

fn pem() -> String {
    leaf().self_signed().pem
}

#[test]
fn every_way_to_write_a_certificate_is_the_same_certificate() {
    let pem = pem();
    let der = der_from_text(pem.as_bytes()).unwrap();
    let ways = [
        pem.replace('\n', "\r\n"),
        format!("subject=CN = x\nissuer=CN = y\n{pem}"),
        utf8_percent_encode(&pem, NON_ALPHANUMERIC).to_string(),
    ];
    for way in &ways {
        assert_eq!(der_from_text(way.as_bytes()), Ok(der.clone()), "{way}");
    }
    assert_eq!(fingerprint_from_hex(fingerprint(&der).to_string().as_bytes()), Some(fingerprint(&der)));
}

#[test]
fn a_certificate_that_is_cut_anywhere_is_unreadable() {
    let pem = pem();
    let end = pem.rfind("-----END").unwrap();
    for length in 0..end {
        assert_eq!(der_from_text(&pem.as_bytes()[..length]), Err(Unreadable::Pem), "{length} bytes of text");
    }
    let der = der_from_text(pem.as_bytes()).unwrap();
    for length in 0..der.len() {
        assert_eq!(validity(&der[..length]), Err(Unreadable::Der), "{length} bytes of DER");
    }
    assert_eq!(validity(&[&der[..], b"\0"].concat()), Err(Unreadable::Der), "one byte too many");
}

#[test]
fn deep_and_large_der_ends_soon() {
    // A hundred thousand sequences in each other, and lengths that promise what is not there.
    let nested = [0x30, 0x80].repeat(100_000);
    let huge = [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0; 1000]].concat();
    for der in [nested, huge, vec![0x30; 1_000_000]] {
        assert_eq!(validity(&der), Err(Unreadable::Der));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(10_000)))]

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, place: prop::sample::Index, byte: u8) {
        let _ = der_from_text(&bytes);
        let _ = validity(&bytes);
        let _ = fingerprint_from_hex(&bytes);
        let mut text = b"%2D-----BEGIN CERTIFICATE-----%0A%zz%".to_vec();
        *place.get_mut(&mut text) = byte;
        let _ = der_from_text(&[&text, &bytes[..]].concat());
    }

    #[test]
    fn no_changed_byte_makes_it_panic(place: prop::sample::Index, byte: u8) {
        let mut der = DER.with(Clone::clone);
        *place.get_mut(&mut der) = byte;
        let _ = validity(&der);
    }
}

thread_local! {
    static DER: Vec<u8> = der_from_text(pem().as_bytes()).unwrap();
}
