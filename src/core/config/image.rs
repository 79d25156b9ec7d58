//! A compiled configuration as bytes: the clients as [`ClientTable`] has them, and everything else, which is little, as JSON.
//! What one VM has compiled, another takes up without reading a hundred thousand clients again.
//!
//! ```text
//! u32 le   length of the JSON
//! JSON     the configuration without its clients
//! u32 le   length of the expiries
//! expiries see `domain::expiry`
//! table    see `domain::table`
//! ```

use super::document::Document;
use super::json;
use super::node::Node;
use crate::domain::expiry::Expiries;
use crate::domain::policy::Policy;
use crate::domain::table::ClientTable;
use std::fmt::Write;

/// The image of these parts and clients; `None` where it cannot be written as plainly as it must be.
pub(super) fn encode(parts: &[(Box<str>, Node)], expiries: &Expiries, clients: &ClientTable) -> Option<Vec<u8>> {
    let mut json = String::new();
    map(parts, &mut json)?;
    let expiries = expiries.as_bytes();
    let length = |bytes: &[u8]| Some(u32::try_from(bytes.len()).ok()?.to_le_bytes());
    Some([&length(json.as_bytes())?, json.as_bytes(), &length(expiries)?, expiries, clients.as_bytes()].concat())
}

/// The policy of an image.
pub(super) fn decode(mut image: Vec<u8>) -> Option<Policy> {
    let (parts, rest) = block(&image)?;
    let (expiries, table) = block(rest)?;
    let mut document = Document::default();
    json::read(parts, &mut document).ok()?;
    let expiries = Expiries::from_bytes(expiries.to_vec());
    // In place: it may be most of the memory that there is.
    drop(image.drain(..image.len().saturating_sub(table.len())));
    document.finish_with(ClientTable::from_bytes(image)?, expiries)
}

/// What is behind its length, and what comes after it.
fn block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

fn map(entries: &[(Box<str>, Node)], json: &mut String) -> Option<()> {
    json.push('{');
    for (place, (key, value)) in entries.iter().enumerate() {
        json.push_str(if place == 0 { "" } else { "," });
        text(key, json)?;
        json.push(':');
        node(value, json)?;
    }
    json.push('}');
    Some(())
}

fn node(value: &Node, json: &mut String) -> Option<()> {
    match value {
        Node::Null => json.push_str("null"),
        Node::Boolean(value) => write!(json, "{value}").ok()?,
        Node::Integer(value) => write!(json, "{value}").ok()?,
        Node::Text(value) => text(value, json)?,
        Node::List(items) => {
            json.push('[');
            for (place, item) in items.iter().enumerate() {
                json.push_str(if place == 0 { "" } else { "," });
                node(item, json)?;
            }
            json.push(']');
        }
        Node::Map(entries) => map(entries, json)?,
        // In none of the parts, if they are right.
        Node::Fraction | Node::Imprecise | Node::PrivateKey | Node::TooDeep => return None,
    }
    Some(())
}

/// A string as RFC 8259 section 7 has it.
fn text(text: &str, json: &mut String) -> Option<()> {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\n' => json.push_str("\\n"),
            '\0'..' ' => write!(json, "\\u{:04x}", u32::from(character)).ok()?,
            other => json.push(other),
        }
    }
    json.push('"');
    Some(())
}
