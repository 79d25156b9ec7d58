//! Lists as authorities issue them, and what becomes of those that are broken or hostile.

use super::*;
use crate::domain::time::UnixSeconds;
use certgate_test_support::certificates::{Authority, Template, new_key};
use certgate_test_support::laws::assert_linear;
use data_encoding::BASE64;
use proptest::prelude::*;
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope, DnType, KeyIdMethod,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

// Made by tests/fixtures/crl/make.sh.
const CA: &str = include_str!("../../../../tests/fixtures/crl/ca.pem");
const VERSION_1: &str = include_str!("../../../../tests/fixtures/crl/version_1.pem");
const AUTHORITY: &str = include_str!("../../../../tests/fixtures/crl/authority.pem");
const DELTA: &str = include_str!("../../../../tests/fixtures/crl/delta.pem");
const INDIRECT: &str = include_str!("../../../../tests/fixtures/crl/indirect.pem");
const SOME_REASONS: &str = include_str!("../../../../tests/fixtures/crl/some_reasons.pem");
const ATTRIBUTES: &str = include_str!("../../../../tests/fixtures/crl/attributes.pem");
const CRITICAL: &str = include_str!("../../../../tests/fixtures/crl/critical.pem");

fn revoked(serial: &[u8], reason: Option<RevocationReason>) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: reason,
        invalidity_date: reason.map(|_| date_time_ymd(2023, 12, 1)),
    }
}

fn list(revoked_certs: Vec<RevokedCertParams>, scope: Option<Option<CrlScope>>) -> CertificateRevocationListParams {
    let distribution_point = CrlDistributionPoint { uris: vec!["http://shop.example/crl".to_owned()] };
    CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 2, 29),
        next_update: date_time_ymd(2050, 1, 1),
        crl_number: SerialNumber::from(7),
        issuing_distribution_point: scope.map(|scope| CrlIssuingDistributionPoint { distribution_point, scope }),
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

/// PEM of a list by a new authority.
fn signed(list: &CertificateRevocationListParams) -> String {
    let authority = Template::authority(&[(DnType::CommonName, "CA")]).usages(&[KeyUsagePurpose::CrlSign]);
    Authority::new(&authority).sign_crl(list)
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82][..], &length, &content].concat()
}

/// PEM of a list with these entries and no signature.
fn list_of(entries: &[Vec<u8>]) -> String {
    let algorithm = tlv(der::SEQUENCE, &[&tlv(der::OID, &[&[0x2a, 3, 4]])]);
    let entries = tlv(der::SEQUENCE, &[&entries.concat()]);
    let time = tlv(0x17, &[b"240229000000Z"]);
    let version = tlv(der::INTEGER, &[&[1]]);
    let body = tlv(der::SEQUENCE, &[&version, &algorithm, &tlv(der::SEQUENCE, &[]), &time, &entries]);
    pem(&tlv(der::SEQUENCE, &[&body, &algorithm, &tlv(der::BIT_STRING, &[&[0]])]))
}

/// An entry with one extension.
fn entry(serial: &[u8], id: u8, critical: &[u8], value: &[u8]) -> Vec<u8> {
    let id = tlv(der::OID, &[&[0x55, 0x1d, id]]);
    let extension = tlv(der::SEQUENCE, &[&id, critical, &tlv(der::OCTET_STRING, &[value])]);
    let extensions = tlv(der::SEQUENCE, &[&extension]);
    tlv(der::SEQUENCE, &[&tlv(der::INTEGER, &[serial]), &tlv(0x17, &[b"240101000000Z"]), &extensions])
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", BASE64.encode(der))
}

fn der(text: &str) -> Vec<u8> {
    der_from_pem(text).unwrap().to_vec()
}

#[test]
fn what_is_in_a_list() {
    let entries = [
        (&[5][..], None),
        (&[0x80, 1], Some(RevocationReason::KeyCompromise)),
        (&[0x0a; 20], Some(RevocationReason::CertificateHold)),
        (&[6], Some(RevocationReason::RemoveFromCrl)),
        (&[5], None),
        (&[0], None),
    ];
    let entries = entries.map(|(serial, reason)| revoked(serial, reason)).to_vec();
    for scope in [None, Some(None), Some(Some(CrlScope::UserCertsOnly))] {
        let read = parse(&signed(&list(entries.clone(), scope))).unwrap();
        assert_eq!(read.next_update, Some(UnixSeconds(2_524_608_000)));
        for serial in [&[5][..], &[0, 5], &[0x80, 1], &[0, 0x80, 1], &[0x0a; 20], &[0], &[0, 0], &[]] {
            assert!(read.contains(serial), "{serial:?}");
        }
        for serial in [&[6][..], &[1], &[4], &[5, 0], &[0x80], &[0x0a; 19], &[0x0a; 21], &[0xff; 20]] {
            assert!(!read.contains(serial), "{serial:?}");
        }
    }
    assert!(!parse(&signed(&list(Vec::new(), None))).unwrap().contains(&[5]));
}

#[test]
fn lists_of_openssl() {
    let (_, ca) = x509_parser::pem::parse_x509_pem(CA.as_bytes()).unwrap();
    let (_, ca) = X509Certificate::from_der(&ca.contents).unwrap();
    for text in [VERSION_1, AUTHORITY] {
        let read = parse(&format!("Some words.\n{text}And more.\n")).unwrap();
        assert_eq!(read.issuer, canonical_name::of(ca.subject().as_raw()));
        assert!(read.contains(&[0x0a, 0x1b, 0x2c]) && read.contains(&[0x0a, 0x1b, 0x2d]));
        assert!(!read.contains(&[0x0a, 0x1b, 0x2e]));
    }
}

#[test]
fn partial_and_unknown_lists_are_refused() {
    let ca_only = signed(&list(Vec::new(), Some(Some(CrlScope::CaCertsOnly))));
    let critical = &tlv(der::BOOLEAN, &[&[0xff]]);
    for (text, problem) in [
        (DELTA, CrlProblem::Delta),
        (INDIRECT, CrlProblem::Indirect),
        (SOME_REASONS, CrlProblem::SomeReasons),
        (ATTRIBUTES, CrlProblem::AttributesOnly),
        (&ca_only, CrlProblem::CaOnly),
        (CRITICAL, CrlProblem::CriticalExtension("1.2.3.4".to_owned())),
        (&list_of(&[entry(&[5], 29, critical, b"")]), CrlProblem::Indirect),
        (&list_of(&[entry(&[5], 29, b"", b"")]), CrlProblem::Indirect),
        (&list_of(&[entry(&[5], 99, critical, b"")]), CrlProblem::CriticalExtension("2.5.29.99".to_owned())),
        (&list_of(&[entry(&[], 99, b"", b"")]), CrlProblem::Der),
        (&list_of(&[entry(&[5], 21, b"", b"")]), CrlProblem::Der),
        (&list_of(&[entry(&[5], 21, b"", &[10, 1, 1, 0])]), CrlProblem::Der),
        (
            &list_of(&[entry(&[5], 99, critical, b""), vec![2, 1, 1]]),
            CrlProblem::CriticalExtension("2.5.29.99".to_owned()),
        ),
        (&list_of(&[vec![2, 1, 1]]), CrlProblem::Der),
    ] {
        assert_eq!(parse(text), Err(problem), "{text}");
    }
    let not_critical = list_of(&[entry(&[5], 99, &tlv(der::BOOLEAN, &[&[0]]), b""), entry(&[6], 99, b"", b"")]);
    let read = parse(&not_critical).unwrap();
    assert!(read.contains(&[5]) && read.contains(&[6]));
}

/// An entry that removes a certificate counts whatever other entries say of the same certificate.
#[test]
fn removed_entries_are_not_revoked() {
    let reason = |serial: u8, reason| entry(&[serial], 21, &[], &[0x0a, 1, reason]);
    let read = parse(&list_of(&[reason(5, 8), reason(6, 8), reason(6, 1), reason(7, 0)])).unwrap();
    assert_eq!([5, 6, 7].map(|serial| read.contains(&[serial])), [false, true, true]);
}

#[test]
fn what_is_no_list_says_what_it_is() {
    let key = new_key().serialize_pem();
    let cut = AUTHORITY.split_at(AUTHORITY.len().checked_div(2).unwrap()).0;
    for (text, problem) in [
        (String::new(), CrlProblem::Missing),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".to_owned(), CrlProblem::Missing),
        (CA.to_owned(), CrlProblem::Certificate),
        (format!("{AUTHORITY}{CA}"), CrlProblem::Certificate),
        (key.clone(), CrlProblem::PrivateKey),
        (format!("{AUTHORITY}{key}"), CrlProblem::PrivateKey),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----".to_owned(), CrlProblem::PrivateKey),
        (format!("{AUTHORITY}{VERSION_1}"), CrlProblem::Several),
        (cut.to_owned(), CrlProblem::Pem),
        (AUTHORITY.replacen("MII", "M!I", 1), CrlProblem::Pem),
        (pem(b""), CrlProblem::Der),
        (CA.replace("CERTIFICATE", "X509 CRL"), CrlProblem::Der),
        (pem(&[der(AUTHORITY), vec![0]].concat()), CrlProblem::Der),
    ] {
        assert_eq!(parse(&text), Err(problem), "{text}");
    }
    let mut version_3 = der(AUTHORITY);
    let version = version_3.windows(3).position(|bytes| bytes == [2, 1, 1]).unwrap();
    version_3[version.checked_add(2).unwrap()] = 2;
    assert_eq!(parse(&pem(&version_3)), Err(CrlProblem::Version));
}

#[test]
fn cut_off_and_corrupt_lists_do_no_harm() {
    let reasons = vec![revoked(&[5], Some(RevocationReason::KeyCompromise)), revoked(&[6; 20], None)];
    for text in [INDIRECT, VERSION_1, &signed(&list(reasons, Some(None)))] {
        let whole = der(text);
        for length in 0..whole.len() {
            assert_eq!(parse(&pem(&whole[..length])), Err(CrlProblem::Der));
        }
        for place in 0..whole.len() {
            for byte in 0..=u8::MAX {
                let mut corrupt = whole.clone();
                corrupt[place] = byte;
                let _ = parse(&pem(&corrupt));
            }
        }
        for length in 0..text.len() {
            let _ = parse(text.get(..length).unwrap());
        }
    }
}

#[test]
fn a_hundred_thousand_entries() {
    let serial = |number: u32| [[0x42; 12].as_slice(), &number.wrapping_mul(2_654_435_761).to_be_bytes()].concat();
    let text = |entries: u32| {
        let revoked = |number| revoked(&serial(number), Some(RevocationReason::Superseded));
        signed(&list((0..entries).map(revoked).collect(), None))
    };
    let (few, many) = (text(10_000), text(100_000));
    let read = parse(&many).unwrap();
    assert!((0..100_000).all(|number| read.contains(&serial(number))));
    assert!((100_000..200_000).all(|number| !read.contains(&serial(number))));
    assert_eq!(read.serials.bytes(), 1_600_000);
    assert_linear("reading a CRL", few.as_str(), many.as_str(), parse);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), text in ".{0,200}") {
        let _ = parse(&pem(&bytes));
        let _ = parse(&text);
        let _ = parse(&list_of(&[bytes]));
    }

    /// Values of the tags that a list has, nested, so that many come near to one.
    #[test]
    fn any_values_are_read_or_refused(bytes in values()) {
        let _ = parse(&list_of(std::slice::from_ref(&bytes)));
        let _ = parse(&pem(&bytes));
    }

    #[test]
    fn exactly_what_is_listed_is_revoked(
        listed in prop::collection::vec(prop::collection::vec(0..4_u8, 1..4), 0..60),
        asked in prop::collection::vec(prop::collection::vec(0..4_u8, 1..4), 60),
    ) {
        let number = |serial: &Vec<u8>| serial.iter().fold(0_u32, |number, octet| (number << 8) | u32::from(*octet));
        let entries: Vec<_> = listed.iter().map(|serial| entry(serial, 99, b"", b"")).collect();
        let read = parse(&list_of(&entries)).unwrap();
        for serial in asked.iter().chain(&listed) {
            let expected = listed.iter().any(|other| number(other) == number(serial));
            prop_assert_eq!(read.contains(serial), expected);
        }
    }
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    let tags = || prop::sample::select(vec![1_u8, 2, 3, 4, 6, 10, 0x17, 0x18, 0x30, 0xa0, 0x82, 0x83, 0x84]);
    let leaf = (tags(), prop::collection::vec(any::<u8>(), 0..16)).prop_map(|(tag, content)| tlv(tag, &[&content]));
    leaf.prop_recursive(5, 40, 6, move |inner| {
        (tags(), prop::collection::vec(inner, 0..6)).prop_map(|(tag, parts)| tlv(tag, &[&parts.concat()]))
    })
}
