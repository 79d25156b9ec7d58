//! The ways in which people write a certificate's SHA-256: each of them is read as the same 32 bytes, and anything else
//! is an error that says what it probably is.

use crate::domain::fingerprint::Fingerprint;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use std::fmt;

/// Why text is not a certificate's SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFingerprint {
    /// It is PEM.
    #[error("expected a fingerprint, found PEM: use `pem` for a certificate")]
    Pem,
    /// It encodes another number of bytes.
    #[error("expected 32 bytes, found {bytes}{}", probably(*bytes))]
    Length {
        /// How many.
        bytes: usize,
    },
    /// A byte has two hexadecimal digits.
    #[error("expected 64 hexadecimal digits, found {0}")]
    OddDigits(usize),
    /// Colons stand between bytes or nowhere.
    #[error("expected a colon between every two bytes or none at all, found some")]
    Colons,
    /// A character that the encoding does not have, perhaps an invisible one.
    #[error("expected hexadecimal digits or base64, found {} as character {position}", visible(*character))]
    Character {
        /// Which character.
        character: char,
        /// How manieth it is, from 1.
        position: usize,
    },
    /// Base64 that nothing encodes to: wrong padding, bits left over, or both alphabets at once.
    #[error("expected hexadecimal digits or base64, found base64 that is cut off or mistyped")]
    Base64,
}

fn probably(length: usize) -> &'static str {
    match length {
        16 => ": this looks like MD5",
        20 => ": this looks like SHA-1",
        48 => ": this looks like SHA-384",
        64 => ": this looks like SHA-512",
        _ => "",
    }
}

fn visible(character: char) -> impl fmt::Display {
    fmt::from_fn(move |f| match character {
        ' '..='~' => write!(f, "`{character}`"),
        _ => write!(f, "U+{:04X}", u32::from(character)),
    })
}

/// The fingerprint that `text` writes: hexadecimal digits of any case, with colons or without, or base64 of either
/// alphabet, padded or not; before it, as tools print it, `sha256:` or `SHA256 Fingerprint=`.
pub(super) fn parse(text: &str) -> Result<Fingerprint, NotAFingerprint> {
    if text.contains("-----BEGIN ") {
        return Err(NotAFingerprint::Pem);
    }
    let unlabelled = without_label(text.trim_ascii_start());
    let digits = unlabelled.trim_ascii_end();
    let bytes = if is_hexadecimal(digits) {
        from_hexadecimal(digits)
    } else {
        from_base64(digits)
    };
    let bytes = bytes.map_err(|problem| match problem {
        // What came before it is ASCII, so there are as many characters as bytes.
        NotAFingerprint::Character { character, position } => NotAFingerprint::Character {
            character,
            position: position.saturating_add(text.len().saturating_sub(unlabelled.len())),
        },
        other => other,
    })?;
    let length = bytes.len();
    bytes
        .try_into()
        .map(Fingerprint::new)
        .map_err(|_| NotAFingerprint::Length { bytes: length })
}

fn without_label(text: &str) -> &str {
    let labels = ["sha256:", "sha256 fingerprint="];
    let unlabelled = labels.iter().find_map(|label| {
        let (start, rest) = text.split_at_checked(label.len())?;
        start.eq_ignore_ascii_case(label).then_some(rest)
    });
    unlabelled.unwrap_or(text)
}

/// Whether this is meant as hexadecimal digits. Those of a SHA-256 could be base64 of 48 bytes, and base64 of a SHA-256
/// has at most 44 characters.
fn is_hexadecimal(digits: &str) -> bool {
    digits.len() == 64 || digits.contains(':') || digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn from_hexadecimal(digits: &str) -> Result<Vec<u8>, NotAFingerprint> {
    only(digits, |character| character.is_ascii_hexdigit() || character == ':')?;
    if digits.contains(':') && digits.split(':').any(|byte| byte.len() != 2) {
        return Err(NotAFingerprint::Colons);
    }
    let digits = digits.replace(':', "");
    HEXLOWER_PERMISSIVE
        .decode(digits.as_bytes())
        .map_err(|_| NotAFingerprint::OddDigits(digits.len()))
}

fn from_base64(digits: &str) -> Result<Vec<u8>, NotAFingerprint> {
    only(digits, |character| {
        character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '=')
    })?;
    let encoding = match (digits.contains(['-', '_']), digits.contains('=')) {
        (false, false) => BASE64_NOPAD,
        (false, true) => BASE64,
        (true, false) => BASE64URL_NOPAD,
        (true, true) => BASE64URL,
    };
    encoding.decode(digits.as_bytes()).map_err(|_| NotAFingerprint::Base64)
}

/// Refuses the first character that is not `allowed`.
fn only(digits: &str, allowed: impl Fn(char) -> bool) -> Result<(), NotAFingerprint> {
    match (1..).zip(digits.chars()).find(|(_, character)| !allowed(*character)) {
        Some((position, character)) => Err(NotAFingerprint::Character { character, position }),
        None => Ok(()),
    }
}
