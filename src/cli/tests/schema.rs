//! `certgate schema`: the schema and the configuration's reader accept and refuse the same documents.

mod beyond;
mod corpus;
mod example;
mod fields;
mod reference;
mod repository;
mod samples;
mod texts;

use certgate_manage::{Code, Diagnostic, Format, load, schema};
use certgate_test_support::command_line::Run;
use jsonschema::Validator;
use serde_json::Value;

/// The judgements of one document by the schema and by the reader.
struct Judge {
    validator: Validator,
}

impl Judge {
    fn new() -> Self {
        Self { validator: jsonschema::validator_for(&schema::json_schema()).unwrap() }
    }

    /// The first reason for which the schema refuses the document.
    fn by_schema(&self, document: &Value) -> Result<(), String> {
        self.validator.validate(document).map_err(|error| format!("{}: {error}", error.instance_path()))
    }

    /// Whether both accept the document. Panics if only one of the two does; errors that no schema can find aside.
    fn agree(&self, document: &Value, change: &str) -> bool {
        let errors = by_reader(&document.to_string());
        let by_schema = self.by_schema(document);
        let agreed = match by_schema {
            Ok(()) => errors.iter().all(beyond::is),
            // Part of these conditions is in the schema: lists of names, the largest burst, the frames of PEM.
            Err(_) => errors.iter().any(|error| {
                let partly = [Code::DuplicateName, Code::Burst, Code::Certificate, Code::Crl, Code::PrivateKey];
                !beyond::is(error) || partly.contains(&error.code)
            }),
        };
        let errors: Vec<_> = errors.iter().map(line).collect();
        assert!(agreed, "{change}\nschema: {by_schema:?}\nreader: {errors:#?}\n{document:#}");
        errors.is_empty()
    }
}

/// The errors that the reader finds.
fn by_reader(json: &str) -> Vec<Diagnostic> {
    load(json.as_bytes(), Format::Json).err().unwrap_or_default()
}

fn line(error: &Diagnostic) -> String {
    format!("{} {}: {}", error.code, error.path, error.message)
}

#[test]
fn the_command_prints_the_schema_and_always_the_same() {
    let printed = Run::successful(&["schema"], "");
    assert_eq!(printed, Run::successful(&["schema"], ""));
    assert!(printed.ends_with("}\n"));
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed, schema::json_schema());
    assert_eq!(printed["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&printed).unwrap();
}

#[test]
fn the_command_takes_no_files() {
    let run = Run::of(env!("CARGO_BIN_EXE_certgate"), ".".as_ref(), &["schema", "registry.yaml"], "");
    assert_eq!((run.code, run.out.as_str()), (2, ""));
}

/// No pattern has look-around or a back-reference, which some validators cannot read.
#[test]
fn every_pattern_is_a_regular_expression() {
    fn patterns(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(entries) => {
                found.extend(entries.get("pattern").and_then(Value::as_str).map(str::to_owned));
                entries.values().for_each(|value| patterns(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    patterns(&schema::json_schema(), &mut found);
    assert!(found.len() > 30, "{}", found.len());
    for pattern in found {
        regex::Regex::new(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    }
}
