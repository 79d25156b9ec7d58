//! Documents that are made systematically: every part without each field, with each field wrong or at a bound, and with
//! each pair of fields alone.

use super::Judge;
use super::example::{PLACES, Pem, everything};
use super::samples::{bad, good};
use certgate_manage::schema::{Kind, PARTS, Part, Presence};
use serde_json::{Map, Value, json};

/// Values of every type, for any place.
fn values_of_every_type() -> Vec<Value> {
    const LARGEST: u64 = 1 << 53;
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-0.0),
        json!(1),
        json!(1.0),
        json!(-1),
        json!(1.5),
        json!(1e3),
        json!(421),
        json!(421.0),
        json!(2_147_483_647),
        json!(LARGEST),
        json!(LARGEST + 1),
        json!(1e300),
        json!(""),
        json!("text"),
        json!("1"),
        json!("off"),
        json!("2147483647"),
        json!("2147483648"),
        json!("02147483648"),
        json!("9007199254740992"),
        json!("9007199254740993"),
        json!([]),
        json!([null]),
        json!([1]),
        json!([""]),
        json!(["a"]),
        json!(["a", "a"]),
        json!(["a", 1]),
        json!([{}]),
        json!([[]]),
        json!({}),
        json!({"a": 1}),
        json!({"a": {}}),
    ]
}

/// Values at the bounds of what the kind allows, on both sides.
fn values_of(kind: &Kind) -> Vec<Value> {
    match kind {
        Kind::Text(text) => good(text.id).into_iter().chain(bad(text.id)).map(Value::from).collect(),
        Kind::Choice(values) => {
            let other = |value: &&str| vec![json!(value), json!(value.to_uppercase()), json!(format!("{value} "))];
            values.iter().flat_map(other).collect()
        }
        Kind::Integer(least, most) => {
            let numbers = [least.saturating_sub(1), *least, most - 1, *most, most + 1];
            numbers.into_iter().flat_map(|number| [json!(number), json!(number.to_string())]).collect()
        }
        Kind::List { of, .. } => values_of(of).into_iter().map(|value| json!([value])).collect(),
        Kind::Either(kinds) => kinds.iter().flat_map(values_of).collect(),
        Kind::Map { keys, .. } => {
            let key = |key: String| Map::from_iter([(key, json!({}))]).into();
            good(keys.id).into_iter().chain(bad(keys.id)).map(key).collect()
        }
        Kind::Costs => costs(),
        Kind::Only(value) => vec![serde_json::from_str(value).unwrap()],
        Kind::Boolean | Kind::Part(_) | Kind::Variants(_) => Vec::new(),
    }
}

fn costs() -> Vec<Value> {
    let key = |key: String| Map::from_iter([(key, json!(1))]).into();
    let keys = good("cost_key").into_iter().chain(bad("cost_key")).map(key);
    let some = [
        json!({"default": 0}),
        json!({"default": 0.0, "GET": 0}),
        json!({"default": 0, "GET": 1}),
        json!({"GET": 0}),
        json!({"GET": -1}),
        json!({"GET": "1"}),
        json!({"GET": 1.5}),
        json!({"GET": 101}),
        json!({"GET": 1_u64 << 53}),
        json!({"GET": (1_u64 << 53) + 1}),
        json!({"default": "3000000000"}),
    ];
    keys.chain(some).collect()
}

fn part(id: &str) -> &'static Part {
    PARTS.into_iter().find(|part| part.id == id).unwrap()
}

/// The parts that may stand at the place of this one.
fn alternatives(id: &str) -> &[&str] {
    let limits = &["token_bucket", "quota", "bytes"];
    if limits.contains(&id) {
        limits
    } else {
        std::slice::from_ref(PARTS.iter().map(|part| &part.id).find(|known| **known == id).unwrap())
    }
}

/// The documents, with their changes.
struct Corpus {
    judge: Judge,
    everything: Value,
    accepted: usize,
    refused: usize,
}

impl Corpus {
    fn new() -> Self {
        let everything = everything(&Pem::new());
        let mut corpus = Self { judge: Judge::new(), everything, accepted: 0, refused: 0 };
        let document = corpus.everything.clone();
        assert!(corpus.add(&document, "nothing changed"));
        corpus
    }

    fn add(&mut self, document: &Value, change: &str) -> bool {
        let accepted = self.judge.agree(document, change);
        *(if accepted { &mut self.accepted } else { &mut self.refused }) += 1;
        accepted
    }

    /// The document with another value at this place. Revocation lists are slow to read: only they need them.
    fn replaced(&self, place: &str, value: Value) -> Value {
        let mut document = self.everything.clone();
        *document.pointer_mut(place).unwrap() = value;
        if let Some(parts) = document.as_object_mut().filter(|_| !place.starts_with("/crls") && !place.is_empty()) {
            parts.remove("crls");
        }
        document
    }

    fn map(&self, place: &str) -> Map<String, Value> {
        self.everything.pointer(place).unwrap().as_object().unwrap().clone()
    }

    /// Adds the document with this field of the map at this place.
    fn with_field(&mut self, place: &str, name: &str, value: &Value) {
        let mut map = self.map(place);
        map.insert(name.to_owned(), value.clone());
        let document = self.replaced(place, map.into());
        self.add(&document, &format!("{place}/{name} is {value}"));
    }
}

#[test]
fn every_value_at_every_place() {
    let mut corpus = Corpus::new();
    for (id, place) in PLACES {
        for value in values_of_every_type() {
            let document = corpus.replaced(place, value.clone());
            corpus.add(&document, &format!("{place} is {value}"));
        }
        for unknown in ["plugin", "Name", "names", "", "x-name"] {
            corpus.with_field(place, unknown, &json!(1));
        }
        for name in corpus.map(place).keys() {
            let mut map = corpus.map(place);
            map.remove(name);
            let document = corpus.replaced(place, map.into());
            corpus.add(&document, &format!("{place}/{name} is absent"));
        }
        for field in alternatives(id).iter().flat_map(|id| part(id).fields) {
            for value in values_of_every_type().into_iter().chain(values_of(&field.kind)) {
                corpus.with_field(place, field.name, &value);
            }
        }
    }
    assert!(corpus.accepted > 500 && corpus.refused > 5000, "{} and {}", corpus.accepted, corpus.refused);
}

/// Each pair of fields of a part beside those that are required, with each value of a choice.
#[test]
fn every_pair_of_fields() {
    let mut corpus = Corpus::new();
    let mut seen = Vec::new();
    for (id, place) in PLACES {
        if seen.contains(&alternatives(id)) {
            continue;
        }
        seen.push(alternatives(id));
        let mut all = Map::new();
        // A relay has the kinds of a credential.
        let same = |other: &str| alternatives(id).contains(&other) || (id == "relay" && other == "credential");
        for (_, place) in PLACES.into_iter().filter(|(other, _)| same(other)) {
            all.extend(corpus.map(place));
        }
        let fields = || alternatives(id).iter().flat_map(|id| part(id).fields);
        let required = |id: &&str| {
            let required = part(id).fields.iter().filter(|field| matches!(field.presence, Presence::Required));
            required.map(|field| (field.name.to_owned(), all[field.name].clone())).collect::<Map<_, _>>()
        };
        let mut bases: Vec<_> = alternatives(id).iter().map(required).collect();
        bases.push(Map::new());
        // Fields of a rule that need a name.
        bases.extend(all.get("name").map(|name| Map::from_iter([("name".to_owned(), name.clone())])));
        for first in fields() {
            let firsts =
                if let Kind::Choice(_) = first.kind { values_of(&first.kind) } else { vec![all[first.name].clone()] };
            for (first_value, second) in firsts.iter().flat_map(|value| fields().map(move |second| (value, second))) {
                for base in &bases {
                    let mut map = base.clone();
                    map.insert(second.name.to_owned(), all[second.name].clone());
                    map.insert(first.name.to_owned(), first_value.clone());
                    let document = corpus.replaced(place, map.into());
                    corpus.add(&document, &format!("{place} has {} and {} alone", first.name, second.name));
                }
            }
        }
    }
    assert!(corpus.accepted > 500 && corpus.refused > 500, "{} and {}", corpus.accepted, corpus.refused);
}
