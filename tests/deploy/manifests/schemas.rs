//! The schemas of Kubernetes objects (CustomResourceDefinitions) as Istio and Envoy Gateway publish them, and whether an
//! object is valid by them.
//!
//! The schemas are not in this repository. `CRDS` names the folder; without it, the folder is `../shared/crds` beside the
//! repository. CONTRIBUTING.md says where the projects publish them. A schema's rules in CEL (`x-kubernetes-validations`)
//! are not evaluated.

use crate::support::parts;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A validator for each `apiVersion` and `kind` in the folder.
pub(super) struct Schemas(BTreeMap<(String, String), Validator>);

impl Schemas {
    /// Reads the definitions of the kinds that this project makes. Panics if a file is not a definition.
    pub(super) fn of(kinds: &[&str]) -> Self {
        let files = fs::read_dir(parts::crds()).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        let definitions = files.flat_map(|path| definitions(&path, kinds));
        Self(definitions.flat_map(|definition| validators(&definition)).collect())
    }

    /// What is wrong with the object. An object whose version and kind no schema has is wrong.
    pub(super) fn errors(&self, object: &Value) -> Vec<String> {
        let [version, kind] = ["apiVersion", "kind"].map(|key| object[key].as_str().unwrap_or_default().to_owned());
        let missing = || vec![format!("{} has no schema of {kind} in {version}", parts::crds().display())];
        let Some(validator) = self.0.get(&(version.clone(), kind.clone())) else { return missing() };
        validator.iter_errors(object).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// The definitions of these kinds in the file. No other document is read: some have a megabyte.
fn definitions(path: &Path, kinds: &[&str]) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let defines =
        |document: &&str| kinds.iter().any(|kind| document.lines().any(|line| line.trim() == format!("kind: {kind}")));
    let read =
        |document| serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split("\n---\n").filter(defines).map(read).collect()
}

/// A validator for each version that the API server takes.
fn validators(definition: &Value) -> Vec<((String, String), Validator)> {
    let spec = &definition["spec"];
    let group = spec["group"].as_str().unwrap();
    let kind = spec["names"]["kind"].as_str().unwrap();
    let versions = spec["versions"].as_array().unwrap().iter().filter(|version| version["served"] == true);
    let validator = |version: &Value| {
        let name = format!("{group}/{}", version["name"].as_str().unwrap());
        let schema = schema_of(&version["schema"]["openAPIV3Schema"]);
        ((name, kind.to_owned()), jsonschema::validator_for(&schema).unwrap())
    };
    versions.map(validator).collect()
}

fn schema_of(published: &Value) -> Value {
    let mut schema = published.clone();
    // Every object of Kubernetes has these, whether its schema says so or not.
    for (key, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
        schema["properties"][key] = json!({"type": kind});
    }
    strict(schema)
}

/// The schema without the keywords that only Kubernetes knows; a field that the schema does not list is an error.
fn strict(schema: Value) -> Value {
    let Value::Object(fields) = schema else { return schema };
    let keeps_unknown = fields.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    let lists = fields.contains_key("properties") && fields.contains_key("type");
    let is_int_or_string = fields.contains_key("x-kubernetes-int-or-string");
    let mut kept = Map::new();
    for (key, value) in fields {
        if key.starts_with("x-kubernetes") || key == "description" || (key == "type" && is_int_or_string) {
            continue;
        }
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.into_iter().map(|(name, schema)| (name, strict(schema))).collect::<Map<_, _>>().into()
            }
            ("items" | "additionalProperties", schema) => strict(schema),
            (_, other) => other,
        };
        kept.insert(key, value);
    }
    if lists && !keeps_unknown && !kept.contains_key("additionalProperties") {
        kept.insert("additionalProperties".to_owned(), json!(false));
    }
    kept.into()
}
