//! The JSON Schema (draft 2020-12) of a configuration, made of the tables.

use super::parts::DOCUMENT;
use super::table::{Field, Kind, Part, Presence, Relation, Variants};
use super::text::{COST_KEY, Text, large_number};
use serde_json::{Map, Value, json};

/// The schema of a configuration.
pub fn json_schema() -> Value {
    let mut schema = Schema::default();
    let mut document = schema.part_here(&DOCUMENT);
    document.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("title".to_owned(), "certgate configuration".into());
    document.insert("$defs".to_owned(), schema.definitions.into());
    document.into()
}

/// A schema that is being made.
#[derive(Default)]
struct Schema {
    /// The definitions, by name.
    definitions: Map<String, Value>,
}

impl Schema {
    /// A reference to a definition, which is made if it is not there yet.
    fn reference(&mut self, id: &str, make: impl FnOnce(&mut Self) -> Value) -> Map<String, Value> {
        if !self.definitions.contains_key(id) {
            let definition = make(self);
            self.definitions.insert(id.to_owned(), definition);
        }
        object(json!({"$ref": format!("#/$defs/{id}")}))
    }

    fn text(&mut self, text: &Text) -> Map<String, Value> {
        self.reference(text.id, |_| text.schema())
    }

    fn part(&mut self, part: &Part) -> Map<String, Value> {
        self.reference(part.id, |schema| schema.part_here(part).into())
    }

    fn part_here(&mut self, part: &Part) -> Map<String, Value> {
        let properties: Map<_, _> =
            part.fields.iter().map(|field| (field.name.to_owned(), self.field(field).into())).collect();
        let required = part.fields.iter().filter(|field| matches!(field.presence, Presence::Required));
        let required: Value = required.map(|field| field.name).collect();
        let mut schema = object(json!({
            "type": "object",
            "title": part.title,
            "description": part.meaning,
            "properties": properties,
            "additionalProperties": false,
        }));
        if required.as_array().is_some_and(|required| !required.is_empty()) {
            schema.insert("required".to_owned(), required);
        }
        let relations: Value = part.relations.iter().map(|relation| self::relation(part, relation)).collect();
        if !part.relations.is_empty() {
            schema.insert("allOf".to_owned(), relations);
        }
        schema
    }

    fn variants(&mut self, variants: &Variants) -> Map<String, Value> {
        self.reference(variants.id, |schema| {
            let mut choice = schema.part(variants.first);
            for (value, part) in variants.others {
                choice = object(json!({
                    "if": is_one_of(variants.field, &[value], true),
                    "then": schema.part(part),
                    "else": choice,
                }));
            }
            choice.insert("title".to_owned(), variants.title.into());
            choice.insert("type".to_owned(), "object".into());
            choice.into()
        })
    }

    fn field(&mut self, field: &Field) -> Map<String, Value> {
        let mut schema = self.kind(&field.kind);
        schema.insert("description".to_owned(), field.meaning.into());
        if let Presence::Default(default) = field.presence {
            schema.insert("default".to_owned(), literal(default));
        }
        if !field.examples.is_empty() {
            schema.insert("examples".to_owned(), field.examples.iter().map(|example| literal(example)).collect());
        }
        schema
    }

    fn kind(&mut self, kind: &Kind) -> Map<String, Value> {
        match kind {
            Kind::Part(part) => self.part(part),
            Kind::Variants(variants) => self.variants(variants),
            Kind::List { of, least, unique } => {
                let mut list = object(json!({"type": "array", "items": self.kind(of)}));
                if *least > 0 {
                    list.insert("minItems".to_owned(), (*least).into());
                }
                if *unique {
                    list.insert("uniqueItems".to_owned(), true.into());
                }
                list
            }
            Kind::Map { keys, values } => object(json!({
                "type": "object",
                "propertyNames": self.text(keys),
                "additionalProperties": self.kind(values),
            })),
            Kind::Costs => object(json!({
                "type": "object",
                "propertyNames": self.text(&COST_KEY),
                "additionalProperties": self.kind(&super::parts::COST),
                "not": {"required": ["default"], "additionalProperties": {"const": 0}},
            })),
            Kind::Text(text) => self.text(text),
            Kind::Choice(values) => object(json!({"type": "string", "enum": values})),
            Kind::Boolean => object(json!({"type": "boolean"})),
            Kind::Integer(least, most) => integer(*least, *most),
            Kind::Either(kinds) => {
                let kinds: Value = kinds.iter().map(|kind| Value::from(self.kind(kind))).collect();
                object(json!({"anyOf": kinds}))
            }
            Kind::Only(value) => object(json!({"const": literal(value)})),
        }
    }
}

/// Whole numbers, and those as text that Envoy reads from YAML as text.
fn integer(least: u64, most: u64) -> Map<String, Value> {
    let number = json!({"type": "integer", "minimum": least, "maximum": most});
    object(match large_number(least, most) {
        Some(pattern) => json!({"anyOf": [number, {"type": "string", "pattern": pattern}]}),
        None => number,
    })
}

fn relation(part: &Part, relation: &Relation) -> Value {
    match relation {
        Relation::ExactlyOne(fields) => {
            let alternatives: Value = fields.iter().map(|field| json!({"required": [field]})).collect();
            json!({"oneOf": alternatives})
        }
        Relation::NotEmpty => json!({"minProperties": 1}),
        Relation::Needs(fields, other) => {
            let needs: Map<_, _> = fields.iter().map(|field| ((*field).to_owned(), json!([other]))).collect();
            json!({"dependentRequired": needs})
        }
        Relation::Only { fields, when, values } => {
            let excluded: Map<_, _> = fields.iter().map(|field| ((*field).to_owned(), false.into())).collect();
            let allowed_by_default = values.iter().any(|value| is_default(part, when, value));
            json!({"if": is_one_of(when, values, !allowed_by_default), "else": {"properties": excluded}})
        }
        Relation::RequiredIf { field, when, value } => {
            json!({"if": is_one_of(when, &[value], !is_default(part, when, value)), "then": {"required": [field]}})
        }
    }
}

/// The schema of maps in which the field has one of these values, or is absent unless it `must_be_present`.
fn is_one_of(field: &str, values: &[&str], must_be_present: bool) -> Value {
    let is = match values {
        [value] => json!({"const": value}),
        _ => json!({"enum": values}),
    };
    let properties = Map::from_iter([(field.to_owned(), is)]);
    match must_be_present {
        true => json!({"properties": properties, "required": [field]}),
        false => json!({"properties": properties}),
    }
}

/// Whether the field has this value if it is absent.
fn is_default(part: &Part, field: &str, value: &str) -> bool {
    let default = part.field(field).map(|field| field.presence);
    matches!(default, Some(Presence::Default(default)) if literal(default) == value)
}

/// The value that a table writes as JSON.
fn literal(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}
