//! Contents of certificates, as the tools that issue them write them, and of broken and hostile ones.

mod hostile;
mod issuers;

use certgate_core::certificate::attribute_type::AttributeType;
use certgate_core::certificate::contents::CertificateContents;
use certgate_core::certificate::distinguished_name::DistinguishedName;
use certgate_core::certificate::{Unreadable, der_from_text, validity};
use certgate_test_support::certificates::Template;
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{DnType, DnValue, SanType};
use std::fs;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/certificates/{name}.pem", crate::repository().display());
    der_from_text(&fs::read(path).unwrap()).unwrap()
}

fn parse(der: &[u8]) -> CertificateContents {
    let attributes = CertificateContents::parse(der).unwrap();
    assert_eq!(validity(der), Ok(attributes.validity));
    attributes
}

fn ia5(text: &str) -> Ia5String {
    text.try_into().unwrap()
}

fn printable(text: &str) -> DnValue {
    DnValue::PrintableString(PrintableString::try_from(text).unwrap())
}

fn utf8(text: &str) -> DnValue {
    DnValue::Utf8String(text.into())
}

/// A certificate with these attributes and alternative names, signed by itself.
fn der(subject: &[(DnType, DnValue)], sans: Vec<SanType>) -> Vec<u8> {
    template(subject, sans).self_signed().der
}

fn template(subject: &[(DnType, DnValue)], sans: Vec<SanType>) -> Template {
    Template::new(subject).names(sans)
}

fn values(name: &DistinguishedName, attribute: AttributeType) -> Vec<&str> {
    name.values(attribute).collect()
}

// How names are written.

fn written(common_name: &str) -> (String, Option<String>) {
    let subject = parse(&der(&[(DnType::CommonName, utf8(common_name))], Vec::new())).subject;
    (subject.to_rfc4514(), subject.to_header())
}

#[test]
fn names_are_escaped() {
    for (name, rfc4514, header) in [
        ("", "CN=", "CN="),
        ("a,b+c;d<e>f\\g\"h=i#j", r#"CN=a\,b\+c\;d\<e\>f\\g\"h=i#j"#, r"CN=a\,b\+c\;d\<e\>f\\g\%22h=i#j"),
        ("#1", r"CN=\#1", r"CN=\#1"),
        (" # ", r"CN=\20#\20", r"CN=\20#\20"),
        ("  a b  ", r"CN=\20\20a b\20\20", r"CN=\20\20a b\20\20"),
        ("   ", r"CN=\20\20\20", r"CN=\20\20\20"),
        ("50%", "CN=50%", "CN=50%25"),
        (
            "a\r\nX-Client-Alias: gold\t\u{7f}\u{85}",
            r"CN=a\0d\0aX-Client-Alias: gold\09\7f\c2\85",
            r"CN=a\0d\0aX-Client-Alias: gold\09\7f\c2\85",
        ),
        ("é\u{2028}🦀", "CN=é\u{2028}🦀", "CN=%C3%A9%E2%80%A8%F0%9F%A6%80"),
    ] {
        assert_eq!(written(name), (rfc4514.into(), Some(header.into())), "{name:?}");
    }
}

#[test]
fn a_header_has_at_most_4096_bytes() {
    assert_eq!(written(&"a".repeat(4093)).1.map(|header| header.len()), Some(4096));
    assert_eq!(written(&"a".repeat(4094)).1, None);
    assert_eq!(written(&"é".repeat(1000)).1, None);
}

// Broken and hostile ones.

/// The parts that cannot be read, in words; all others are read.
fn unread(der: &[u8]) -> Vec<&'static str> {
    parse(der).unreadable().collect()
}

const SUBJECT: &str = "its subject";
const ISSUER: &str = "its issuer";
const NAMES: &str = "its alternative names";
const A_URI: &str = "a URI among its alternative names";
const A_DNS_NAME: &str = "a DNS name among its alternative names";

#[test]
fn what_nobody_writes_is_no_name_and_spoils_nothing_else() {
    let uri = |count: usize| der(&[], (0..count).map(|n| SanType::URI(ia5(&format!("urn:{n}")))).collect());
    assert_eq!(parse(&uri(1000)).uri_sans.len(), 1000);
    let many = |count: u64| {
        let attribute = |n| (DnType::CustomDnType(vec![2, 5, 99, n]), utf8("x"));
        der(&(0..count).map(attribute).collect::<Vec<_>>(), Vec::new())
    };
    assert_eq!(parse(&many(100)).subject.to_rfc4514().matches(',').count(), 99);
    // Signed by themselves: their issuers have the same names.
    let wrong = [
        ("1,001 alternative names", uri(1001), vec![NAMES]),
        ("5,000 alternative names", uri(5000), vec![NAMES]),
        ("101 attributes", many(101), vec![SUBJECT, ISSUER]),
        ("NUL in a DNS name", der(&[], vec![SanType::DnsName(ia5("a.example\0.b"))]), vec![A_DNS_NAME]),
        ("line feed in a URI", der(&[], vec![SanType::URI(ia5("urn:a\nb"))]), vec![A_URI]),
        ("NUL in a common name", der(&[(DnType::CommonName, utf8("admin\0"))], Vec::new()), vec![SUBJECT, ISSUER]),
    ];
    for (what, der, expected) in wrong {
        assert_eq!(unread(&der), expected, "{what}");
        let attributes = parse(&der);
        assert!(attributes.uri_sans.is_empty() && attributes.dns_sans.is_empty(), "{what}");
        assert_eq!(values(&attributes.subject, AttributeType::CommonName), Vec::<&str>::new(), "{what}");
        assert_eq!(attributes.subject.to_header().is_none(), expected.contains(&SUBJECT), "{what}");
    }
    assert_eq!(unread(&uri(1000)), Vec::<&str>::new());
}

#[test]
fn a_uri_that_cannot_be_read_is_a_second_one() {
    let id = "spiffe://example.org/cart";
    let both = [SanType::URI(ia5(id)), SanType::URI(ia5("urn:a\nb")), SanType::DnsName(ia5("cart.example"))];
    let [one, two] = [&both[..1], &both].map(|sans| parse(&der(&[], sans.to_vec())));
    assert_eq!((one.only_uri(), one.spiffe_id()), (Some(id), Some(id)));
    assert_eq!((two.only_uri(), two.spiffe_id()), (None, None));
    assert_eq!((&*two.uri_sans, &*two.dns_sans), (&[id.into()][..], &["cart.example".into()][..]));
}

#[test]
fn of_an_attribute_with_a_value_that_cannot_be_read_no_value_is_known() {
    let subject = [
        (DnType::OrganizationalUnitName, utf8("admins")),
        (DnType::CommonName, utf8("cart")),
        (DnType::OrganizationName, utf8("nul\0")),
    ];
    let name = parse(&der(&subject, Vec::new())).subject;
    assert_eq!(values(&name, AttributeType::CommonName), ["cart"]);
    assert_eq!(name.to_rfc4514(), "2.5.4.10=#0c046e756c00,CN=cart,OU=admins");
    // One type twice: an octet string is no text.
    let twice = |tag| {
        DistinguishedName::from_der(
            &[
                &b"\x30\x18\x31\x0a\x30\x08\x06\x03\x55\x04\x0b\x0c\x01a\x31\x0a\x30\x08\x06\x03\x55\x04\x0b"[..],
                &[tag, 1, b'b'],
            ]
            .concat(),
        )
    };
    assert_eq!(values(&twice(0x0c), AttributeType::OrganizationalUnit), ["a", "b"]);
    assert_eq!(values(&twice(0x04), AttributeType::OrganizationalUnit), Vec::<&str>::new());
    assert!(twice(0x0c).is_readable() && !twice(0x04).is_readable());
}

/// The certificate with one part replaced by another of the same length.
fn replaced(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut places = (0..der.len()).filter(|place| der[*place..].starts_with(from));
    let place = places.next().unwrap();
    [&der[..place], to, &der[place + from.len()..]].concat()
}

#[test]
fn of_two_extensions_with_alternative_names_neither_is_read() {
    // The one with the extended key usage becomes a second one.
    let two = replaced(&fixture("everything"), b"\x06\x03\x55\x1d\x25", b"\x06\x03\x55\x1d\x11");
    assert_eq!(unread(&two), [NAMES]);
    assert!(parse(&two).uri_sans.is_empty() && parse(&two).dns_sans.is_empty());
}

#[test]
fn bytes_that_would_be_passed_over_make_it_or_its_extensions_unreadable() {
    // A part ends earlier than it is long: in the public key, among the certificate's parts, in an extension.
    let key =
        replaced(&fixture("ed25519"), b"\x30\x05\x06\x03\x2b\x65\x70\x03\x21", b"\x30\x05\x06\x03\x2b\x65\x70\x03\x20");
    let extension = replaced(&fixture("everything"), b"\x06\x03\x55\x1d\x25\x04\x16", b"\x06\x03\x55\x1d\x25\x04\x14");
    let constraint = replaced(&fixture("everything"), b"\x06\x03\x55\x1d\x13\x01\x01", b"\x06\x03\x55\x1d\x13\x01\x00");
    assert_eq!(CertificateContents::parse(&key), Err(Unreadable::Der));
    for der in [extension, constraint] {
        assert_eq!(unread(&der), [NAMES]);
    }
}

#[test]
fn a_name_in_an_unknown_encoding_is_unreadable_only_where_it_could_identify_somebody() {
    let everything = fixture("everything");
    let known = replaced(&everything, b"\x0c\x08Lovelace", b"\x04\x08Lovelace");
    assert_eq!(unread(&known), [ISSUER]);
    let issuer_and_subject = replaced(&everything, b"\x0c\x06secret", b"\x04\x06secret");
    assert!(parse(&issuer_and_subject).issuer.to_rfc4514().starts_with("1.3.6.1.4.1.99999.1=#0406736563726574,"));
}

#[test]
fn alternative_names_of_another_form_are_unreadable() {
    let id = b"\x86\x09urn:first";
    for (other, expected) in [
        (b"\xa6\x09urn:first", A_URI),
        (b"\x86\x09urn:f\xfcrst", A_URI),
        (b"\x06\x09urn:first", NAMES),
        (b"\x46\x09urn:first", NAMES),
        (b"\x89\x09urn:first", NAMES),
        (b"\x86\x0aurn:first", NAMES),
    ] {
        assert_eq!(unread(&replaced(&fixture("everything"), id, other)), [expected], "{other:x?}");
    }
}
