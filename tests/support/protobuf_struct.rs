//! JSON to the binary form of `google.protobuf.Struct`, as Envoy hands it to a filter.

use serde_json::{Map, Value};

/// The encoding of `document`, which must be an object.
pub fn encode(document: &Value) -> Vec<u8> {
    fields(document.as_object().unwrap())
}

fn fields(entries: &Map<String, Value>) -> Vec<u8> {
    let entry = |(key, member)| [delimited(1, key), delimited(2, &value(member))].concat();
    entries
        .iter()
        .map(|(key, member): (&String, &Value)| (key.as_bytes(), member))
        .flat_map(|e| delimited(1, &entry(e)))
        .collect()
}

fn value(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => vec![1 << 3, 0],
        Value::Number(number) => [&[2 << 3 | 1], number.as_f64().unwrap().to_le_bytes().as_slice()].concat(),
        Value::String(text) => delimited(3, text.as_bytes()),
        Value::Bool(value) => vec![4 << 3, u8::from(*value)],
        Value::Object(entries) => delimited(5, &fields(entries)),
        Value::Array(items) => {
            let items: Vec<u8> = items.iter().flat_map(|item| delimited(1, &self::value(item))).collect();
            delimited(6, &items)
        }
    }
}

/// A field whose content says its length.
pub fn delimited(number: u8, content: &[u8]) -> Vec<u8> {
    [vec![number << 3 | 2], varint(content.len()), content.to_vec()].concat()
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap());
    bytes
}
