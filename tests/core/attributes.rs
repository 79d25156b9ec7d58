//! What certificates say, as the tools that issue them write them; and what becomes of those that are broken or hostile.

use certgate::certificate::attribute_type::AttributeType;
use certgate::certificate::attributes::Attributes;
use certgate::certificate::distinguished_name::DistinguishedName;
use certgate::certificate::{Unreadable, der_from_text, validity};
use proptest::prelude::*;
use rcgen::string::{BmpString, Ia5String, PrintableString, TeletexString, UniversalString};
use rcgen::{CertificateParams, DnType, DnValue, Issuer, KeyPair, OtherNameValue, SanType, SerialNumber};
use std::fs;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/certificates/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    der_from_text(&fs::read(path).unwrap()).unwrap()
}

fn parse(der: &[u8]) -> Attributes {
    let attributes = Attributes::parse(der).unwrap();
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
    let key = KeyPair::generate().unwrap();
    params(subject, sans).self_signed(&key).unwrap().der().to_vec()
}

fn params(subject: &[(DnType, DnValue)], sans: Vec<SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (attribute, value) in subject {
        params.distinguished_name.push(attribute.clone(), value.clone());
    }
    params.subject_alt_names = sans;
    params
}

fn values(name: &DistinguishedName, attribute: AttributeType) -> Vec<&str> {
    name.values(attribute).collect()
}

// How tools write certificates.

#[test]
fn public_keys_of_every_size_and_curve_have_the_pin_that_openssl_says() {
    let keys = ["rsa_1024", "rsa_2048", "rsa_4096", "rsa_8192", "ec_P-256", "ec_P-384", "ec_P-521", "ed25519"];
    for name in keys.into_iter().chain(["openssl_subj", "openssl_teletex", "windows_adcs", "everything"]) {
        let spki =
            fs::read_to_string(format!("{}/tests/fixtures/certificates/{name}.spki", env!("CARGO_MANIFEST_DIR")))
                .unwrap();
        let pin = parse(&fixture(name)).spki_sha256;
        assert_eq!(data_encoding::HEXLOWER.encode(&pin), spki.trim_end(), "{name}");
    }
    let subject = |name| parse(&fixture(name)).subject.to_rfc4514();
    assert_eq!((subject("rsa_8192"), subject("ed25519")), ("CN=rsa-8192".into(), "CN=ed25519".into()));
}

#[test]
fn openssl_with_subj() {
    let attributes = parse(&fixture("openssl_subj"));
    assert_eq!(*attributes.serial, [0xff, 0x01, 0x02]);
    assert_eq!(
        attributes.subject.to_rfc4514(),
        r#"1.2.840.113549.1.9.1=#161063617274406578616d706c652e636f6d,2.5.4.5=#13023432,"#.to_owned()
            + r#"CN=cart \"1\",OU=A+OU=B,O=Example\, Inc.,L=München,ST=Bayern,C=DE"#
    );
    assert_eq!(
        attributes.subject.to_header().unwrap(),
        r#"1.2.840.113549.1.9.1=#161063617274406578616d706c652e636f6d,2.5.4.5=#13023432,"#.to_owned()
            + r#"CN=cart \%221\%22,OU=A+OU=B,O=Example\, Inc.,L=M%C3%BCnchen,ST=Bayern,C=DE"#
    );
    assert_eq!(values(&attributes.subject, AttributeType::OrganizationalUnit), ["A", "B"]);
    assert_eq!(values(&attributes.subject, AttributeType::EmailAddress), ["cart@example.com"]);
    assert_eq!(values(&attributes.subject, AttributeType::SerialNumber), ["42"]);
    assert_eq!(attributes.issuer, attributes.subject);
}

#[test]
fn openssl_with_teletex_strings() {
    let attributes = parse(&fixture("openssl_teletex"));
    assert_eq!(attributes.subject.to_rfc4514(), "CN=Zoë,O=Example Inc");
}

#[test]
fn openssl_with_version_1() {
    let attributes = parse(&fixture("version_1"));
    assert_eq!(attributes.subject.to_rfc4514(), "CN=old");
    assert!(attributes.uri_sans.is_empty() && attributes.dns_sans.is_empty());
}

#[test]
fn every_attribute_and_every_kind_of_alternative_name() {
    let attributes = parse(&fixture("everything"));
    let expected = [
        ("common_name", "cart"),
        ("organization", "Example"),
        ("organizational_unit", "Shop"),
        ("country", "DE"),
        ("state_or_province", "Bayern"),
        ("locality", "Hof"),
        ("street_address", "Weg 1"),
        ("serial_number", "7"),
        ("domain_component", "example"),
        ("user_id", "ada"),
        ("email_address", "ada@example.com"),
        ("title", "Dr"),
        ("given_name", "Ada"),
        ("surname", "Lovelace"),
        ("organization_identifier", "VATDE-123"),
    ];
    for (name, value) in expected {
        assert_eq!(values(&attributes.subject, AttributeType::from_name(name).unwrap()), [value], "{name}");
    }
    assert_eq!(expected.map(|(name, _)| name), AttributeType::NAMES);
    assert_eq!(
        attributes.subject.to_rfc4514(),
        "1.3.6.1.4.1.99999.1=#0c06736563726574,1.2.840.113549.1.9.1=#160f616461406578616d706c652e636f6d,UID=ada,\
         2.5.4.5=#130137,2.5.4.4=#0c084c6f76656c616365,2.5.4.42=#0c03416461,2.5.4.12=#0c024472,CN=cart,\
         2.5.4.97=#0c0956415444452d313233,OU=Shop,O=Example,STREET=Weg 1,L=Hof,ST=Bayern,C=DE,DC=example"
    );
    assert_eq!(attributes.uri_sans, ["urn:first".into(), "https://second".into()]);
    assert_eq!(attributes.dns_sans, ["a.example".into(), "*.b.example".into()]);
    assert_eq!(attributes.spiffe_id(), None);
}

#[test]
fn windows_certificate_services() {
    let attributes = parse(&fixture("windows_adcs"));
    assert_eq!(attributes.subject.to_rfc4514(), "CN=Jürgen Müller,OU=Users,DC=example,DC=com");
    assert_eq!(attributes.subject.to_header().unwrap(), "CN=J%C3%BCrgen M%C3%BCller,OU=Users,DC=example,DC=com");
    assert_eq!(values(&attributes.subject, AttributeType::DomainComponent), ["com", "example"]);
    assert_eq!(attributes.dns_sans, ["pc-17.example.com".into()]);
    assert!(attributes.uri_sans.is_empty());

    let upn = SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 311, 20, 2, 3], OtherNameValue::Utf8String("j@corp".into())));
    let dc = DnType::CustomDnType(vec![0, 9, 2342, 19200300, 100, 1, 25]);
    let subject = [
        (dc, DnValue::Ia5String(ia5("corp"))),
        (DnType::OrganizationalUnitName, DnValue::TeletexString(TeletexString::try_from("Sales").unwrap())),
        (DnType::CommonName, DnValue::BmpString(BmpString::try_from("Łukasz").unwrap())),
        (DnType::LocalityName, DnValue::UniversalString(UniversalString::try_from("京都").unwrap())),
    ];
    let attributes = parse(&der(&subject, vec![upn]));
    assert_eq!(attributes.subject.to_rfc4514(), "L=京都,CN=Łukasz,OU=Sales,DC=corp");
}

/// `step certificate create` and `step ca certificate`: a common name, also as DNS name.
#[test]
fn step() {
    let attributes =
        parse(&der(&[(DnType::CommonName, utf8("cart.internal"))], vec![SanType::DnsName(ia5("cart.internal"))]));
    assert_eq!(attributes.subject.to_header().unwrap(), "CN=cart.internal");
    assert_eq!(attributes.dns_sans, ["cart.internal".into()]);
}

/// `vault write pki/issue/ROLE` (Go's crypto/x509): PrintableString where the text fits, a random serial number, an
/// intermediate authority as issuer.
#[test]
fn vault() {
    let authority = params(
        &[
            (DnType::OrganizationName, printable("Example")),
            (DnType::CommonName, printable("example.com Intermediate")),
        ],
        Vec::new(),
    );
    let authority = Issuer::new(authority, KeyPair::generate().unwrap());
    let subject = [
        (DnType::CountryName, printable("DE")),
        (DnType::OrganizationName, printable("Example")),
        (DnType::OrganizationalUnitName, utf8("R&D")),
        (DnType::CommonName, printable("cart.example.com")),
    ];
    let sans = vec![SanType::DnsName(ia5("cart.example.com")), SanType::IpAddress("10.0.0.1".parse().unwrap())];
    let mut params = params(&subject, sans);
    params.serial_number = Some(SerialNumber::from_slice(&[0, 0x8f, 0, 1]));
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
    let attributes = parse(leaf.der());
    assert_eq!(attributes.subject.to_rfc4514(), "CN=cart.example.com,OU=R&D,O=Example,C=DE");
    assert_eq!(attributes.issuer.to_rfc4514(), "CN=example.com Intermediate,O=Example");
    assert_eq!(*attributes.serial, [0x8f, 0, 1]);
}

/// cert-manager with `dnsNames` and `uris` and no `commonName`: the subject is empty.
#[test]
fn cert_manager() {
    let sans = ["cart", "cart.shop", "Cart.Shop.svc.cluster.local"].map(|name| SanType::DnsName(ia5(name)));
    let sans = sans.into_iter().chain([SanType::URI(ia5("spiffe://cluster.local/ns/shop/sa/cart"))]).collect();
    let attributes = parse(&der(&[], sans));
    assert_eq!((attributes.subject.to_rfc4514(), attributes.subject.to_header()), (String::new(), Some(String::new())));
    assert_eq!(attributes.dns_sans, ["cart".into(), "cart.shop".into(), "cart.shop.svc.cluster.local".into()]);
    assert_eq!(attributes.spiffe_id(), Some("spiffe://cluster.local/ns/shop/sa/cart"));
}

/// SPIRE: one URI; the subject is `C=US,O=SPIRE`, or empty.
#[test]
fn spire() {
    let id = "spiffe://example.org/ns/shop/sa/cart";
    let subject = [(DnType::CountryName, printable("US")), (DnType::OrganizationName, printable("SPIRE"))];
    for subject in [&subject[..], &[]] {
        let attributes = parse(&der(subject, vec![SanType::URI(ia5(id))]));
        assert_eq!(attributes.spiffe_id(), Some(id));
    }
    let uris = |uris: &[&str]| uris.iter().map(|uri| SanType::URI(ia5(uri))).collect();
    for wrong in
        [&[id, id][..], &["https://example.org", id], &["spiffe://example.org"], &["https://example.org/a"], &[]]
    {
        assert_eq!(parse(&der(&[], uris(wrong))).spiffe_id(), None, "{wrong:?}");
    }
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

/// What cannot be read of it, in words; all else of it is read.
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
    // The same type twice: an octet string is no text.
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
    assert_eq!(Attributes::parse(&key), Err(Unreadable::Der));
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

const ALL: [&str; 6] = ["everything", "openssl_subj", "openssl_teletex", "windows_adcs", "version_1", "ec_P-256"];

#[test]
fn a_certificate_that_is_cut_anywhere_or_has_more_behind_it_is_unreadable() {
    for name in ALL {
        let der = fixture(name);
        for length in 0..der.len() {
            assert_eq!(Attributes::parse(&der[..length]), Err(Unreadable::Der), "{name}, {length} bytes");
        }
        assert_eq!(Attributes::parse(&[&der[..], b"\0"].concat()), Err(Unreadable::Der), "{name}");
    }
}

/// What can be asked of it does not panic, and stays within its promises.
fn ask(der: &[u8]) {
    let Ok(attributes) = Attributes::parse(der) else { return };
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
        assert_eq!(Attributes::parse(&der), Err(Unreadable::Der));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

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
