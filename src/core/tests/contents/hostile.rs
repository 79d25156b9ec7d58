//! Certificates that are cut, changed or made of random bytes: reading them ends soon and does not panic.

use super::{der, fixture, ia5, parse, utf8, values};
use certgate_core::certificate::Unreadable;
use certgate_core::certificate::attribute_type::AttributeType;
use certgate_core::certificate::contents::CertificateContents;
use certgate_test_support::laws::cases;
use proptest::prelude::*;
use rcgen::{DnType, SanType};

const ALL: [&str; 6] = ["everything", "openssl_subj", "openssl_teletex", "windows_adcs", "version_1", "ec_P-256"];

#[test]
fn a_certificate_that_is_cut_anywhere_or_has_more_behind_it_is_unreadable() {
    for name in ALL {
        let der = fixture(name);
        for length in 0..der.len() {
            assert_eq!(CertificateContents::parse(&der[..length]), Err(Unreadable::Der), "{name}, {length} bytes");
        }
        assert_eq!(CertificateContents::parse(&[&der[..], b"\0"].concat()), Err(Unreadable::Der), "{name}");
    }
}

/// Calls every function of the contents: none panics, and each keeps its promises.
fn ask(der: &[u8]) {
    let Ok(attributes) = CertificateContents::parse(der) else { return };
    for name in [&attributes.subject, &attributes.issuer] {
        assert!(!name.to_rfc4514().chars().any(char::is_control));
        let header = name.to_header();
        assert!(
            header
                .is_none_or(|header| header.bytes().all(|byte| matches!(byte, b' '..=b'~')) && header.trim() == header)
        );
        for attribute in AttributeType::ALL {
            assert!(name.values(attribute).all(|value| !value.contains('\0')));
        }
    }
    let names = attributes.uri_sans.iter().chain(&attributes.dns_sans);
    assert!(names.flat_map(|name| name.bytes()).all(|byte| matches!(byte, b' '..=b'~')));
    assert!(attributes.serial.first() != Some(&0));
    attributes.spiffe_id();
}

#[test]
fn no_wrong_byte_makes_it_panic() {
    for name in ALL {
        let mut der = fixture(name);
        // All values in the smallest and in the one with everything; each bit in the others.
        let wrongs: Vec<u8> = match name {
            "everything" | "version_1" => (1..=u8::MAX).collect(),
            _ => (0..8).map(|bit| 1 << bit).collect(),
        };
        for place in 0..der.len() {
            for wrong in &wrongs {
                der[place] ^= wrong;
                ask(&der);
                der[place] ^= wrong;
            }
        }
    }
}

#[test]
fn large_and_deep_der_ends_soon() {
    let nested = [0x30, 0x80].repeat(100_000);
    let huge = [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0; 1000]].concat();
    for der in [nested, huge, vec![0x30; 1_000_000], vec![0xff; 1_000_000], Vec::new()] {
        assert_eq!(CertificateContents::parse(&der), Err(Unreadable::Der));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(5_000)))]

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        ask(&bytes);
    }

    #[test]
    fn no_bytes_within_a_certificate_make_it_panic(
        name in prop::sample::select(&ALL[..]),
        from: prop::sample::Index,
        bytes in prop::collection::vec(any::<u8>(), 0..12),
        removed in 0..12_usize,
    ) {
        let mut der = fixture(name);
        let from = from.index(der.len());
        let to = (from + removed).min(der.len());
        der.splice(from..to, bytes);
        ask(&der);
    }

    #[test]
    fn every_name_comes_back_as_it_is(value in "[^\0]{0,40}", host in "[!-~]{0,40}") {
        let attributes = parse(&der(&[(DnType::CommonName, utf8(&value))], vec![SanType::DnsName(ia5(&host))]));
        prop_assert_eq!(values(&attributes.subject, AttributeType::CommonName), [value.as_str()]);
        prop_assert_eq!(&*attributes.dns_sans[0], host.to_ascii_lowercase());
    }
}
