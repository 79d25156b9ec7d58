//! JSON text, as RFC 8259 has it: to the last byte, and with the place of what is no JSON. Must not know the schema.

use super::document::Document;
use super::error::Problem;

/// Whether bytes that do not read as JSON were probably meant to.
pub(super) fn resembles(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Reads the document that `bytes` write.
pub(super) fn read(bytes: &[u8], document: &mut Document) -> Result<(), Problem> {
    let text = str::from_utf8(bytes).map_err(|error| Problem::NotText { offset: error.valid_up_to() })?;
    let mut json = serde_json::Deserializer::from_str(text);
    document.read(&mut json).and_then(|()| json.end()).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!(" at line {line} column {column}");
        let message = error.to_string().replace(&place, "");
        Problem::Syntax { line, column, message }
    })
}
