//! Headers as Envoy writes them, and as those who would like to be somebody else do.

use super::*;
use certgate_test_support::laws::assert_linear;
use proptest::prelude::*;

const GOOD: &str = "6ef8a2b1c0d9e8f70123456789abcdef00ff11ee22dd33cc44bb55aa66997788";
const GOLD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn read(header: &str) -> Result<Element, Cause> {
    last([header.as_bytes()].into_iter())
}

fn hash(header: &str) -> Option<Fingerprint> {
    read(header).ok().map(|element| element.hash)
}

fn good() -> Option<Fingerprint> {
    certificate::fingerprint_from_hex(GOOD.as_bytes())
}

#[test]
fn the_last_element_counts() {
    for header in [
        format!("Hash={GOOD}"),
        format!("hASH={GOOD}"),
        format!("Hash={}", GOOD.to_uppercase()),
        format!("Hash=\"{GOOD}\""),
        format!("By=spiffe://a/b;Hash={GOOD};Subject=\"\";URI="),
        format!("By=a;By=b;Hash={GOOD};URI=spiffe://a?b=c;URI=u;DNS=d;DNS=e"),
        format!("By=a;Hash={GOLD},By=b;Hash={GOOD}"),
        format!("no pair,Hash=short;;,,Hash={GOOD}"),
        format!("By=urn:a(b;None;c);Hash={GOLD},Hash={GOOD}"),
        format!("Hash={GOOD};Subject=\"CN=a\\\"b\\,Hash={GOLD}\\\\\""),
        format!("Hash={GOOD};By=\"x,Hash={GOLD}\""),
        format!("Hash={GOOD};By=\"x;Hash={GOLD}\""),
        format!("Hash={GOLD};By=\"\\\\\",Hash={GOOD}"),
        format!("Hash={GOLD};By=\"\\\"\",Hash={GOOD}"),
        format!("Hash={GOLD};By=a\\,Hash={GOOD}"),
        format!("Future=1;Hash={GOOD};URI=\u{e4}"),
    ] {
        assert_eq!(hash(&header), good(), "{header}");
    }
}

#[test]
fn anything_else_is_malformed() {
    for header in [
        String::new(),
        ",".to_owned(),
        "Hash=".to_owned(),
        format!("Hash={GOOD},"),
        format!("Hash={GOOD};"),
        format!(";Hash={GOOD}"),
        format!("Hash={GOOD};;By=a"),
        format!("Hash={GOOD};By"),
        format!("Hash={GOOD};=a"),
        format!("Hash={GOOD};B y=a"),
        format!(" Hash={GOOD}"),
        format!("Hash={GOOD} "),
        format!("Hash= {GOOD}"),
        format!("Hash={GOOD};Hash={GOOD}"),
        format!("Hash={GOOD};hash={GOLD}"),
        format!("Hash={GOOD};Cert=\"a\";cert=\"a\""),
        format!("Hash={GOOD}00"),
        format!("Hash={GOOD}0"),
        format!("Hash=0x{}", GOOD.get(2..).unwrap()),
        format!("Hash=+{}", GOOD.get(1..).unwrap()),
        format!("Hash={}", GOOD.get(1..).unwrap()),
        format!("Hash={}", GOOD.replace('6', "g")),
        format!("Hash={}", GOOD.repeat(1000)),
        format!("Hash={GOOD};By=\"a"),
        format!("By=\"a,Hash={GOOD}"),
        format!("By=\"a\\\",Hash={GOOD}"),
        format!("By=a\"b,Hash={GOOD}"),
        format!("By=a\"b\",Hash={GOOD}"),
        format!("By=\"a\"b,Hash={GOOD}"),
        format!("By=\"\"\"\",Hash={GOOD}"),
        format!("\"By\"=a,Hash={GOOD}"),
        format!("\"a\",Hash={GOOD}"),
        format!("By==\"a\",Hash={GOOD}"),
        format!("By=a\0,Hash={GOOD}"),
        format!("By=a\t,Hash={GOOD}"),
        format!("By=\"a\r\n\",Hash={GOOD}"),
        format!("By=a\x7f,Hash={GOOD}"),
    ] {
        assert_eq!(read(&header), Err(Malformed), "{header}");
    }
    assert_eq!(last(std::iter::empty()), Err(Malformed));
}

#[test]
fn an_element_without_a_hash_names_no_certificate() {
    for header in ["By=a", "Cert=\"a\"", &format!("Hash={GOOD},By=a"), "Hash=\"\",By=a;Subject=\"\""] {
        assert_eq!(read(header), Err(WithoutHash), "{header}");
    }
}

/// A quote that a client leaves open does not swallow the elements that a proxy adds, whatever the client's subject is.
#[test]
fn a_quote_left_open_hides_nothing() {
    for own in ["By=\"", "By=\"\\", "Hash=\"", "By=a;By=\"b"] {
        for subject in ["", "CN=a", "CN=\\\"", "\\,Hash=x", "\\;Hash=x"] {
            for rest in ["", ";URI=\"", ";URI=\",Hash=", ";URI=\";Hash="] {
                let header = format!("{own},By=b;Hash={GOOD};Subject=\"{subject}\"{rest}{GOLD}");
                assert_eq!(read(&header), Err(Malformed), "{header}");
            }
        }
    }
}

#[test]
fn lines_are_one_header() {
    let (first, second) = (format!("Hash={GOLD};By=\"a"), format!("b\",Hash={GOOD}"));
    let element = last([first.as_bytes(), second.as_bytes()].into_iter()).unwrap();
    assert_eq!(Some(element.hash), good());
    assert_eq!(last([first.as_bytes()].into_iter()), Err(Malformed));
    assert_eq!(last([second.as_bytes(), b""].into_iter()), Err(Malformed));
}

#[test]
fn the_certificate_is_decoded() {
    let cert = |value: &str| read(&format!("Hash={GOOD};Cert={value}")).unwrap().certificate;
    let pem = b"-----BEGIN CERTIFICATE-----\nMA+/=\n".to_vec();
    assert_eq!(cert("\"-----BEGIN%20CERTIFICATE-----%0AMA%2B%2F%3d%0A\""), Some(pem));
    assert_eq!(cert("\"%zz%\""), Some(b"%zz%".to_vec()));
    assert_eq!(cert(""), Some(Vec::new()));
    assert_eq!(read(&format!("Hash={GOOD}")).unwrap().certificate, None);
}

#[test]
fn time_is_linear() {
    for piece in ["\"", "By=\"\\", "a=\"b\";", ",", ";", "=", "Hash=", "a=b,", "Cert=a;", "Hash=\",Hash=\""] {
        let [short, long] = [10_000, 100_000].map(|count| piece.repeat(count));
        assert_linear(piece, short.as_str(), long.as_str(), read);
    }
}

/// The pairs of an element as Envoy writes them: names bare, and subjects in quotes, with what RFC 2253 escapes.
fn element() -> impl Strategy<Value = (String, Element)> {
    let bare = || "[ -~&&[^\",;]]{0,12}";
    let names = || prop::collection::vec(bare(), 0..3);
    let subject = prop::option::of("([a-zA-Z0-9= ]|\\\\[\"\\\\,;+<>]){0,16}");
    let pem = prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    (names(), any::<[u8; 32]>(), any::<bool>(), pem, subject, names(), names()).prop_map(
        |(by, hash, upper, certificate, subject, uris, dns)| {
            let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut pairs: Vec<_> = by.iter().map(|name| format!("By={name}")).collect();
            pairs.push(format!("Hash={}", if upper { digits.to_uppercase() } else { digits }));
            pairs.extend(certificate.as_ref().map(|pem| {
                format!("Cert=\"{}\"", percent_encoding::percent_encode(pem, percent_encoding::NON_ALPHANUMERIC))
            }));
            pairs.extend(subject.map(|subject| format!("Subject=\"{subject}\"")));
            pairs.extend(uris.iter().map(|name| format!("URI={name}")));
            pairs.extend(dns.iter().map(|name| format!("DNS={name}")));
            (pairs.join(";"), Element { hash: Fingerprint::new(hash), certificate })
        },
    )
}

/// Bytes of which a header consists, so that many come near to one.
fn tokens() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec!["\"", "\\", ",", ";", "=", "Hash=", "Cert=", "By=", GOOD, GOLD, "a", "%41"]);
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn what_envoy_writes_is_read_back(elements in prop::collection::vec(element(), 1..5), cut in any::<prop::sample::Index>()) {
        let texts: Vec<_> = elements.iter().map(|(text, _)| text.as_str()).collect();
        let (lines, rest) = texts.split_at(cut.index(texts.len()));
        let lines: Vec<_> = lines.iter().map(|text| text.as_bytes().to_vec()).chain([rest.join(",").into_bytes()]).collect();
        let read = last(lines.iter().map(Vec::as_slice));
        prop_assert_eq!(read.as_ref(), Ok(&elements.last().unwrap().1));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = last([bytes.as_slice()].into_iter());
    }

    /// A proxy's element after anything that a client wrote: that element, or nothing.
    #[test]
    fn nothing_before_it_changes_the_last(before in tokens(), (text, element) in element()) {
        if let Ok(read) = read(&format!("{before},{text}")) {
            prop_assert_eq!(read, element);
        }
    }
}
