//! Texts of every form where a document takes them: good ones, bad ones, and good ones that are changed at random.

use super::Judge;
use super::samples::{HEX, bad, good};
use certgate_core::domain::route::path_pattern::PathPattern;
use certgate_manage::schema::{TEXTS, json_schema};
use certgate_test_support::dice::Dice;
use certgate_test_support::laws::cases;
use certgate_test_support::registry::{client, merge, registry};
use serde_json::{Map, Value, json};

/// A document with a text where this form is asked for.
fn document(id: &str, text: &str) -> Value {
    let of = |key: &str| Map::from_iter([(key.to_owned(), json!(text))]);
    let limit = |fields: Value| {
        let limit = merge(json!({"name": "a", "requests": 1000, "per": "1s"}), &fields);
        json!({"tiers": {"gold": {"limits": [limit]}}})
    };
    let credential = |credential: Value| json!({"clients": [client("a", "gold", &credential)]});
    let part = match id {
        "name" => json!({"anonymous_tier": text}),
        "tier_name" => json!({"tiers": Map::from_iter([(text.to_owned(), json!({}))])}),
        "alias" => json!({"clients": [client(text, "gold", &json!({"sha256": HEX}))]}),
        "duration" => limit(json!({"per": text})),
        "moment" => credential(json!({"sha256": HEX, "not_before": text})),
        "share" => limit(json!({"warn_at": text})),
        "fingerprint" => credential(json!({"sha256": text})),
        "certificate" => credential(json!({"pem": text})),
        "certificate_or_chain" => json!({"crls": [{"pem": "-----BEGIN X509 CRL-----", "issuer_pem": text}]}),
        "crl_pem" => json!({"crls": [{"pem": text}]}),
        "uri_pattern" => credential(json!({"uri_san": text})),
        "dns_pattern" => credential(json!({"dns_san": text})),
        "attribute_value" => credential(json!({"subject": of("common_name"), "issuer": of("organization")})),
        "host" => json!({"rules": [{"match": {"hosts": [text]}}]}),
        "path" => json!({"rules": [{"match": {"path": text}}]}),
        "method" => json!({"rules": [{"match": {"methods": [text]}}]}),
        "cost_key" => limit(json!({"cost": Map::from_iter([(text.to_owned(), json!(1))])})),
        "header" => json!({"headers": {"alias": text}}),
        "text" => {
            json!({"clients": [merge(client("a", "gold", &json!({"sha256": HEX})), &json!({"description": text}))]})
        }
        other => panic!("no document for the form {other}"),
    };
    merge(registry(&[("gold", json!([]))], &[]), &part)
}

#[test]
fn good_and_bad_texts_of_every_form() {
    let judge = Judge::new();
    for form in TEXTS {
        for text in good(form.id).iter().chain(&bad(form.id)).map(String::as_str).chain(form.examples.iter().copied()) {
            judge.agree(&document(form.id, text), &format!("{}: {text:?}", form.id));
        }
        for text in good(form.id).iter().map(String::as_str).chain(form.examples.iter().copied()) {
            assert_eq!(judge.by_schema(&document(form.id, text)), Ok(()), "{}: {text:?}", form.id);
        }
    }
}

/// Pieces of text that have a meaning in some form.
const PIECES: [&str; 40] = [
    "", "a", "A", "0", "1", "9", "g", "-", "_", ".", "..", ":", "$", "/", "//", "*", "**", "{", "}", "%", "%2", "%25",
    "%2e", "%2F", "%c3%a4", "%41", "=", "+", "~", " ", "\t", "\n", "\0", "?", "#", ";", "\\", "\u{e4}", "[", "]",
];

#[test]
fn texts_that_are_changed_at_random() {
    let judge = Judge::new();
    let mut dice = Dice(16);
    let (mut accepted, mut refused) = (0, 0);
    for form in TEXTS {
        let good = good(form.id);
        for _ in 0..if good.is_empty() { 0 } else { cases(1000) } {
            let mut text: Vec<char> = good[dice.below(good.len())].chars().collect();
            for _ in 0..=dice.below(3) {
                let place = dice.below(text.len() + 1);
                let removed = place + dice.below(text.len() - place + 1).min(2);
                text.splice(place..removed, dice.pick(&PIECES).chars());
            }
            let text: String = text.into_iter().collect();
            let accepts = judge.agree(&document(form.id, &text), &format!("{}: {text:?}", form.id));
            *(if accepts { &mut accepted } else { &mut refused }) += 1;
        }
    }
    assert!(accepted > 500 && refused > 500, "{accepted} and {refused}");
}

/// Each character of the basic plane in a path, percent-encoded, in a segment and at its end.
#[test]
fn every_character_of_a_path() {
    let mut schema = json_schema()["$defs"]["path"].clone();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut accepted = 0;
    for character in '\0'..='\u{ffff}' {
        let mut bytes = [0; 4];
        let escaped: String = character.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02x}")).collect();
        for path in [format!("/a{escaped}b"), format!("/a{escaped}"), format!("/a{character}b"), escaped.to_uppercase()]
        {
            let accepts = PathPattern::parse(&path).is_ok();
            assert_eq!(validator.is_valid(&json!(path)), accepts, "{path:?}");
            accepted += usize::from(accepts);
        }
    }
    assert!(accepted > 100_000, "{accepted}");
}
