//! A snapshot: a compiled configuration as bytes. The clients are those of [`ClientTable`], everything else, which is
//! small, is JSON. One VM compiles, and the others load its snapshot without reading a hundred thousand clients again.
//!
//! ```text
//! u32 le   length of the JSON
//! JSON     the configuration without its clients
//! u32 le   length of the expiries
//! expiries see `domain::expiry`
//! u32 le   length of the removed credentials
//! removed  see `domain::removed`
//! table    see `domain::table`
//! ```

use super::node::Node;
use crate::domain::expiry::Expiries;
use crate::domain::removed::RemovedCredentials;
use crate::domain::table::ClientTable;
use std::fmt::Write;

/// The snapshot of a configuration: its top-level values except the clients (`parts`), its expiries and its clients, and
/// the credentials of the `former` snapshot that it has not. `None` if a value has no JSON form, or a length does not fit.
pub(super) fn encode(
    parts: &[(Box<str>, Node)],
    expiries: &Expiries,
    clients: &ClientTable,
    former: Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut json = String::new();
    map(parts, &mut json)?;
    let expiries = expiries.as_bytes();
    let removed = former.and_then(|former| removed(former, clients)).unwrap_or_default().to_bytes();
    let length = |bytes: &[u8]| Some(u32::try_from(bytes.len()).ok()?.to_le_bytes());
    let blocks = [json.as_bytes(), expiries, &removed];
    let mut snapshot = Vec::new();
    for block in blocks {
        snapshot.extend(length(block)?);
        snapshot.extend(block);
    }
    snapshot.extend(clients.as_bytes());
    Some(snapshot)
}

/// The credentials that the `former` snapshot has, or knows as removed, and that `clients` has not.
fn removed(former: Vec<u8>, clients: &ClientTable) -> Option<RemovedCredentials> {
    let Blocks { removed, .. } = split(&former)?;
    let known = RemovedCredentials::from_bytes(removed)?;
    Some(RemovedCredentials::after(&table(former)?, &known, clients))
}

/// The clients of a snapshot.
pub(super) fn table(mut snapshot: Vec<u8>) -> Option<ClientTable> {
    // In place: a copy could need more memory than is left.
    let start = snapshot.len().saturating_sub(split(&snapshot)?.table.len());
    drop(snapshot.drain(..start));
    ClientTable::from_bytes(snapshot)
}

/// The blocks of a snapshot.
pub(super) struct Blocks<'s> {
    /// The configuration without its clients, as JSON.
    pub(super) json: &'s [u8],
    /// The expiries ([`Expiries::as_bytes`]).
    pub(super) expiries: &'s [u8],
    /// The removed credentials ([`RemovedCredentials::to_bytes`]).
    pub(super) removed: &'s [u8],
    /// The clients ([`ClientTable::as_bytes`]), to the end of the snapshot.
    pub(super) table: &'s [u8],
}

/// The blocks of `snapshot`; `None` if their lengths do not fit.
pub(super) fn split(snapshot: &[u8]) -> Option<Blocks<'_>> {
    let (json, rest) = block(snapshot)?;
    let (expiries, rest) = block(rest)?;
    let (removed, table) = block(rest)?;
    Some(Blocks { json, expiries, removed, table })
}

/// The block behind its length, and the bytes after it.
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
        // A configuration without errors has none of these.
        Node::Fraction | Node::Imprecise | Node::PrivateKey | Node::TooDeep => return None,
    }
    Some(())
}

/// A string (RFC 8259 section 7).
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
