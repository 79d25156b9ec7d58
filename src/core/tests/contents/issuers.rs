//! Contents of certificates as the tools that issue them write them.

use super::{der, fixture, ia5, parse, printable, template, utf8, values};
use certgate_core::certificate::attribute_type::AttributeType;
use certgate_test_support::certificates::Authority;
use rcgen::string::{BmpString, TeletexString, UniversalString};
use rcgen::{DnType, DnValue, OtherNameValue, SanType};
use std::fs;

// How tools write certificates.

#[test]
fn public_keys_of_every_size_and_curve_have_the_pin_that_openssl_says() {
    let keys = ["rsa_1024", "rsa_2048", "rsa_4096", "rsa_8192", "ec_P-256", "ec_P-384", "ec_P-521", "ed25519"];
    for name in keys.into_iter().chain(["openssl_subj", "openssl_teletex", "windows_adcs", "everything"]) {
        let spki =
            fs::read_to_string(format!("{}/tests/fixtures/certificates/{name}.spki", crate::repository().display()))
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
    let authority = template(
        &[
            (DnType::OrganizationName, printable("Example")),
            (DnType::CommonName, printable("example.com Intermediate")),
        ],
        Vec::new(),
    );
    let authority = Authority::new(&authority);
    let subject = [
        (DnType::CountryName, printable("DE")),
        (DnType::OrganizationName, printable("Example")),
        (DnType::OrganizationalUnitName, utf8("R&D")),
        (DnType::CommonName, printable("cart.example.com")),
    ];
    let sans = vec![SanType::DnsName(ia5("cart.example.com")), SanType::IpAddress("10.0.0.1".parse().unwrap())];
    let leaf = authority.issue(&template(&subject, sans).serial(vec![0, 0x8f, 0, 1]));
    let attributes = parse(&leaf.der);
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
