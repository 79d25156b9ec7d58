//! JSON text (RFC 8259), read to the last byte. Errors have line and column. Does not know the schema.

use super::error::Problem;
use serde_json::Deserializer;
use serde_json::de::StrRead;

/// Whether the bytes are probably meant as JSON.
pub(super) fn resembles(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Lets `read` read the value in `bytes`.
pub(super) fn read(
    bytes: &[u8],
    read: impl FnOnce(&mut Deserializer<StrRead<'_>>) -> Result<(), serde_json::Error>,
) -> Result<(), Problem> {
    let text = str::from_utf8(bytes).map_err(|error| Problem::NotText { offset: error.valid_up_to() })?;
    let mut json = Deserializer::from_str(text);
    read(&mut json).and_then(|()| json.end()).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!(" at line {line} column {column}");
        let message = error.to_string().replace(&place, "");
        Problem::Syntax { line, column, message }
    })
}
