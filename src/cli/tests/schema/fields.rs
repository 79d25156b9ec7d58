//! The tables have the fields, the choices and the defaults of the reader.

use super::example::{PLACES, Pem, everything};
use certgate_core::config::{self, Problem};
use certgate_manage::schema::{DOCUMENT, Kind, PARTS, Part, Presence, json_schema};
use certgate_manage::{Format, load};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn part(id: &str) -> &'static Part {
    PARTS.into_iter().find(|part| part.id == id).unwrap()
}

/// The map at this place.
fn at<'d>(document: &'d mut Value, place: &str) -> &'d mut serde_json::Map<String, Value> {
    document.pointer_mut(place).unwrap().as_object_mut().unwrap()
}

#[test]
fn every_part_has_the_readers_fields() {
    let everything = everything(&Pem::new());
    let mut seen = BTreeSet::new();
    for (id, place) in PLACES {
        let mut document = everything.clone();
        at(&mut document, place).insert("no-such-field".to_owned(), json!(1));
        let errors = config::read(document.to_string().as_bytes()).unwrap_err();
        let known: Vec<_> = errors
            .iter()
            .filter_map(|error| match &error.problem {
                Problem::UnknownField { known, .. } => Some(known.iter().copied().collect::<BTreeSet<_>>()),
                _ => None,
            })
            .collect();
        let fields: BTreeSet<_> = part(id).fields.iter().map(|field| field.name).collect();
        assert_eq!(known, [fields], "{place}");
        seen.insert(id);
    }
    assert_eq!(seen, PARTS.iter().map(|part| part.id).collect());
}

/// The reader names the choices in the error about another value.
#[test]
fn every_choice_has_the_readers_values() {
    let everything = everything(&Pem::new());
    let mut count = 0;
    for (id, place) in PLACES {
        for field in part(id).fields {
            let Kind::Choice(values) = field.kind else { continue };
            // Another kind makes the limit one of another part.
            let values: &[&str] = if field.name == "kind" { &["token_bucket", "quota", "bytes"] } else { values };
            let mut document = everything.clone();
            at(&mut document, place).insert(field.name.to_owned(), json!("no-such-choice"));
            let errors = load(document.to_string().as_bytes(), Format::Json).err().unwrap();
            let error = errors.iter().find(|error| error.path.ends_with(field.name)).unwrap();
            let expected = error.message.split(", found").next().unwrap();
            let named: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
            assert_eq!(named, values, "{place}/{}: {}", field.name, error.message);
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}

#[test]
fn a_default_is_what_the_reader_takes_for_an_absent_field() {
    let everything = everything(&Pem::new());
    let read = |document: &Value| format!("{:?}", config::read(document.to_string().as_bytes()).unwrap());
    let mut count = 0;
    for (id, place) in PLACES {
        for field in part(id).fields {
            let Presence::Default(default) = field.presence else { continue };
            let [mut with, mut without] = [everything.clone(), everything.clone()];
            for document in [&mut with, &mut without] {
                // Clients and tiers that go away must not be named elsewhere.
                if place.is_empty() {
                    *document = json!({"version": 1});
                }
                if (id, field.name) == ("identity", "source") {
                    at(document, place).remove("trusted_relays");
                }
            }
            at(&mut with, place).insert(field.name.to_owned(), serde_json::from_str(default).unwrap());
            at(&mut without, place).remove(field.name);
            assert_eq!(read(&with), read(&without), "{place}/{}", field.name);
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

#[test]
fn every_default_and_every_example_is_a_value_of_its_field() {
    let whole = json_schema();
    let mut count = 0;
    for part in PARTS {
        let schema = if part.id == DOCUMENT.id { &whole } else { &whole["$defs"][part.id] };
        for field in part.fields {
            let schema = &schema["properties"][field.name];
            let alone = json!({"$schema": whole["$schema"], "$defs": whole["$defs"], "allOf": [schema]});
            let validator = jsonschema::validator_for(&alone).unwrap();
            let examples = schema["examples"].as_array().into_iter().flatten();
            for value in schema.get("default").into_iter().chain(examples) {
                assert!(validator.is_valid(value), "{}.{}: {value}", part.id, field.name);
                count += 1;
            }
            let written = field.examples.iter().chain(match &field.presence {
                Presence::Default(default) => std::slice::from_ref(default),
                _ => &[],
            });
            written.for_each(|json| _ = serde_json::from_str::<Value>(json).unwrap());
        }
    }
    assert!(count > 50, "{count}");
}
