//! A list revokes what its issuer has signed, however the issuer's name is spelled in either: as OpenSSL has it.

use super::der::{COMMON_NAME, Certificate, ORGANIZATION, element, list, name, pem};
use super::openssl::{Verdict, answers, verdicts};
use super::people::{Leaf, fake, registry};
use certgate::certificate;
use certgate::certificate::crl::signature::{VerifyProblem, verify};
use certgate::certificate::distinguished_name::DistinguishedName;
use certgate::domain::decision::Reason;
use data_encoding::HEXLOWER;
use rcgen::KeyPair;
use serde_json::json;

const UTF8: u8 = 0x0c;
const NUMERIC: u8 = 0x12;
const PRINTABLE: u8 = 0x13;
const T61: u8 = 0x14;
const IA5: u8 = 0x16;
const VISIBLE: u8 = 0x1a;
const UNIVERSAL: u8 = 0x1c;
const BMP: u8 = 0x1e;

/// The text in a string of this type; of several bytes a character where the type has them.
fn string(tag: u8, text: &str) -> Vec<u8> {
    let bytes = match tag {
        UTF8 => text.as_bytes().to_vec(),
        BMP => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        UNIVERSAL => text.chars().flat_map(|character| u32::from(character).to_be_bytes()).collect(),
        _ => text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect(),
    };
    element(tag, &[&bytes])
}

fn common_name(tag: u8, text: &str) -> Vec<u8> {
    name(&[vec![(COMMON_NAME, string(tag, text))]])
}

/// Names of authorities, among them many that say the same.
fn spellings() -> Vec<Vec<u8>> {
    let mut names: Vec<_> = [UTF8, PRINTABLE, T61, IA5, UNIVERSAL, BMP].map(|tag| common_name(tag, "Field CA")).into();
    names.extend(
        ["field ca", "FIELD CA", "  Field \t\u{b} CA\r\n", "FieldCA", "Field\u{a0}CA", "Field CA\0", "Field\u{1f}CA"]
            .map(|text| common_name(UTF8, text)),
    );
    names.extend([UTF8, T61, PRINTABLE, IA5, BMP].map(|tag| common_name(tag, "Zürich")));
    names.extend([common_name(UTF8, "ZÜRICH"), common_name(UTF8, "Zurich")]);
    names.extend([(NUMERIC, "12 3"), (NUMERIC, "12  3"), (UTF8, "12 3")].map(|(tag, text)| common_name(tag, text)));
    let [a, b] = [(PRINTABLE, "A"), (UTF8, "b ")].map(|(tag, text)| (COMMON_NAME, string(tag, text)));
    let organization = (ORGANIZATION, string(BMP, "Lab"));
    names.extend([
        name(&[vec![a.clone(), b.clone(), organization.clone()]]),
        name(&[vec![organization.clone(), b.clone(), a.clone()]]),
        name(&[vec![a.clone()], vec![b.clone()], vec![organization.clone()]]),
        name(&[vec![organization], vec![b], vec![a]]),
    ]);
    names
}

#[test]
fn a_list_revokes_where_openssl_says_revoked_and_nowhere_else() {
    let key = KeyPair::generate().unwrap();
    let names = spellings();
    let subject = common_name(UTF8, "leaf");
    let authorities: Vec<_> = names
        .iter()
        .map(|name| pem("CERTIFICATE", &Certificate::new(name, name, &key).of_authority().signed(&key)))
        .collect();
    let leaves: Vec<_> = names
        .iter()
        .map(|name| {
            let leaf = Certificate::new(name, &subject, &key).signed(&key);
            Leaf {
                pem: pem("CERTIFICATE", &leaf),
                fingerprint: certificate::fingerprint(&leaf).to_string(),
                spki_sha256: String::new(),
                der: leaf,
            }
        })
        .collect();
    let pems: Vec<_> = leaves.iter().map(|leaf| leaf.pem.clone()).collect();
    let clients: Vec<_> = leaves
        .iter()
        .enumerate()
        .map(|(place, leaf)| (format!("c{place}"), json!({"sha256": leaf.fingerprint})))
        .collect();
    let clients: Vec<_> = clients.iter().map(|(alias, credential)| (alias.as_str(), credential.clone())).collect();
    let (mut revoked, mut pairs) = (0, 0);
    for name in &names {
        let list = pem("X509 CRL", &list(name, &key));
        let engine = registry(&clients, &json!({"crls": [{"pem": list}]}));
        let openssl = verdicts(&authorities.concat(), &list, &pems);
        for ((leaf, authority), verdict) in leaves.iter().zip(&authorities).zip(openssl) {
            let what = format!("{} of {}", HEXLOWER.encode(name), HEXLOWER.encode(&leaf.der));
            let expected = (verdict == Verdict::Revoked).then_some(Reason::CertificateRevoked);
            assert_ne!(verdict, Verdict::Good, "{what}");
            assert_eq!(super::people::send(&engine, &fake(leaf), &[]).reason, expected, "{what}");
            let verified = if expected.is_some() { Ok(()) } else { Err(VerifyProblem::OtherIssuer) };
            assert_eq!(verify(&list, authority), verified, "{what}");
            revoked += usize::from(expected.is_some());
            pairs += 1;
        }
    }
    assert!(pairs >= 600 && revoked >= 100 && pairs - revoked >= 200, "{revoked} of {pairs}");
}

/// Numbers that look random, always the same.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// A name of few words in many spellings, some of them wrong.
fn random_name(dice: &mut Dice) -> Vec<u8> {
    const TEXTS: [&str; 10] = ["CA", "ca", " CA", "C A", "c  a", "é", "É", "", " ", "1"];
    const TAGS: [u8; 9] = [UTF8, NUMERIC, PRINTABLE, T61, IA5, UNIVERSAL, BMP, VISIBLE, 0x1b];
    let attribute = |dice: &mut Dice| {
        let value = match dice.below(20) {
            0 => element(
                dice.pick(&[UTF8, BMP, UNIVERSAL, T61, 3, 4, 0x30]),
                &[dice.pick(&[&b"\xff"[..], b"\xd8\x3e\xdd\x80", b"\0\xf0", b""])],
            ),
            _ => string(dice.pick(&TAGS), dice.pick(&TEXTS)),
        };
        (dice.pick(&[COMMON_NAME, ORGANIZATION]), value)
    };
    let relative: Vec<_> = (0..dice.below(3)).map(|_| (0..dice.below(3)).map(|_| attribute(dice)).collect()).collect();
    name(&relative)
}

#[test]
fn names_are_equal_where_openssl_holds_them_equal() {
    let mut dice = Dice(1);
    let pairs: Vec<_> = (0..20_000).map(|_| (random_name(&mut dice), random_name(&mut dice))).collect();
    let lines: Vec<_> =
        pairs.iter().map(|(one, two)| format!("N {} {}", HEXLOWER.encode(one), HEXLOWER.encode(two))).collect();
    let mut counts = [0; 3];
    for ((one, two), answer) in pairs.iter().zip(answers(&lines)) {
        let [left, right] = [one, two].map(|name| DistinguishedName::from_der(name).canonical());
        let (place, expected) = match answer.as_str() {
            "equal" => (0, Some(true)),
            "different" => (1, Some(false)),
            // What OpenSSL does not read equals itself at least.
            _ => (2, (one == two).then_some(true)),
        };
        counts[place] += 1;
        assert!(expected.is_none_or(|expected| expected == (left == right)), "{answer}: {one:x?} {two:x?}");
    }
    assert!(counts.iter().all(|count| *count > 500), "{counts:?}");
}

#[test]
fn what_openssl_does_not_read_is_compared_as_it_is_written() {
    let canonical = |name: &[u8]| DistinguishedName::from_der(name).canonical();
    let broken = [
        b"".to_vec(),
        b"\x30\x01".to_vec(),
        b"\x04\x00".to_vec(),
        common_name(0x1b, "general"),
        name(&[vec![(COMMON_NAME, element(UTF8, &[b"\xff"]))]]),
        name(&[vec![(COMMON_NAME, element(BMP, &[b"\xd8\x3e"]))]]),
        name(&[vec![(COMMON_NAME, element(4, &[b"CA"]))]]),
    ];
    for (place, one) in broken.iter().enumerate() {
        for (other_place, other) in broken.iter().enumerate() {
            assert_eq!(canonical(one) == canonical(other), place == other_place, "{one:x?} {other:x?}");
        }
    }
    assert!(canonical(&common_name(VISIBLE, "Field CA")) == canonical(&common_name(UTF8, "field  ca")));
}
