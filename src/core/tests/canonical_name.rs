//! A list revokes what its issuer has signed, however the issuer's name is spelled in either: as OpenSSL has it.

use super::der::{COMMON_NAME, Certificate, ORGANIZATION, authority, element, list, name, pem};
use super::dice::Dice;
use super::strings::{BMP, IA5, NUMERIC, PRINTABLE, T61, UNIVERSAL, UTF8, VISIBLE, common_name, string};
use crate::fixtures::openssl::{Verdict, answers, verdicts};
use crate::fixtures::{engine, engine_of, fake};
use certgate_core::certificate::crl::SignedCrl;
use certgate_core::certificate::distinguished_name::DistinguishedName;
use certgate_core::domain::decision::Reason;
use certgate_test_support::certificates::IssuedCertificate;
use certgate_test_support::fakes::FakeLedger;
use data_encoding::HEXLOWER;
use rcgen::KeyPair;
use serde_json::{Value, json};

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
    let authorities: Vec<_> = names.iter().map(|name| authority(name, &key)).collect();
    let leaves: Vec<_> = names
        .iter()
        .map(|name| IssuedCertificate::new(Certificate::new(name, &subject, &key).signed(&key), &key))
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
        let engine = engine_of(&clients, &json!({"crls": [{"pem": list}]}));
        let openssl = verdicts(&authorities.concat(), &list, &pems);
        for ((leaf, authority), verdict) in leaves.iter().zip(&names).zip(openssl) {
            let what = format!("{} of {}", HEXLOWER.encode(name), HEXLOWER.encode(&leaf.der));
            let expected = (verdict == Verdict::Revoked).then_some(Reason::CertificateRevoked);
            assert_ne!(verdict, Verdict::Good, "{what}");
            assert_eq!(crate::fixtures::send(&engine, &fake(leaf), &[]).reason, expected, "{what}");
            let issuer = SignedCrl::from_pem(&list).unwrap().issuer;
            assert_eq!(DistinguishedName::from_der(authority).canonical() == issuer, expected.is_some(), "{what}");
            revoked += usize::from(expected.is_some());
            pairs += 1;
        }
    }
    assert!(pairs >= 600 && revoked >= 100 && pairs - revoked >= 200, "{revoked} of {pairs}");
}

/// From a public report: the list was never applied.
#[test]
fn a_list_whose_issuer_is_in_another_string_type_revokes() {
    let text = include_str!("../../../tests/fixtures/reports/01-printableissuer-with-issuer.json");
    let registry: Value = serde_json::from_str(text).unwrap();
    let plain = IssuedCertificate::read(include_str!("../../../tests/fixtures/reports/plain.pem"));
    let issuer = include_str!("../../../tests/fixtures/reports/ca.pem");
    let lists = [
        include_str!("../../../tests/fixtures/reports/crl-printableissuer.pem"),
        include_str!("../../../tests/fixtures/reports/crl-plain.pem"),
        registry["crls"][0]["pem"].as_str().unwrap(),
    ];
    for list in lists {
        for extra in [json!({"pem": list}), json!({"pem": list, "issuer_pem": issuer, "strict": true})] {
            let mut registry = registry.clone();
            registry["crls"] = json!([extra]);
            let engine = engine(&registry, &FakeLedger::default());
            let reason = crate::fixtures::send(&engine, &fake(&plain), &[]).reason;
            assert_eq!(reason, Some(Reason::CertificateRevoked), "{list}");
        }
        let verdicts = verdicts(issuer, list, std::slice::from_ref(&plain.pem));
        assert_eq!(verdicts, [Verdict::Revoked]);
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
            // A name that OpenSSL does not read equals itself at least.
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
