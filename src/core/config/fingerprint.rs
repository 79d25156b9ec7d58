//! SHA-256 fingerprints in the notations that tools print. Anything else is an error that says what it probably is.

use crate::certificate;
use crate::domain::fingerprint::Fingerprint;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use std::fmt;

/// The reason why a text is not a SHA-256 fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFingerprint {
    /// The text is PEM.
    #[error("expected a fingerprint, found PEM: use `pem` for a certificate")]
    Pem,
    /// The text encodes another number of bytes.
    #[error("expected 32 bytes, found {bytes}{}", probably(*bytes))]
    Length {
        /// The number of bytes.
        bytes: usize,
    },
    /// The number of hexadecimal digits is not 64.
    #[error("expected 64 hexadecimal digits, found {0}")]
    OddDigits(usize),
    /// Some bytes have a colon between them, others do not.
    #[error("expected colons between all bytes or between none, found some")]
    Colons,
    /// The encoding does not have this character, which may be invisible.
    #[error("expected hexadecimal digits or base64, found {} as character {position}", visible(*character))]
    Character {
        /// The character.
        character: char,
        /// The position of the character, from 1.
        position: usize,
    },
    /// The base64 is not valid: wrong padding, bits left over, or both alphabets at once.
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

/// The fingerprint in `text`: hexadecimal digits of any case, with or without colons, or base64 of either alphabet,
/// padded or not, after an optional `sha256:` or `SHA256 Fingerprint=`.
pub(super) fn parse(text: &str) -> Result<Fingerprint, NotAFingerprint> {
    // The most frequent notation first.
    if let Some(fingerprint) = certificate::fingerprint_from_hex(text.as_bytes()) {
        return Ok(fingerprint);
    }
    if text.contains("-----BEGIN ") {
        return Err(NotAFingerprint::Pem);
    }
    let unlabelled = without_label(text.trim_ascii_start());
    let digits = unlabelled.trim_ascii_end();
    let bytes = if is_hexadecimal(digits) { from_hexadecimal(digits) } else { from_base64(digits) };
    let bytes = bytes.map_err(|problem| match problem {
        // The label is ASCII, so it has as many characters as bytes.
        NotAFingerprint::Character { character, position } => NotAFingerprint::Character {
            character,
            position: position.saturating_add(text.len().saturating_sub(unlabelled.len())),
        },
        other => other,
    })?;
    let length = bytes.len();
    bytes.try_into().map(Fingerprint::new).map_err(|_| NotAFingerprint::Length { bytes: length })
}

fn without_label(text: &str) -> &str {
    let labels = ["sha256:", "sha256 fingerprint="];
    let unlabelled = labels.iter().find_map(|label| {
        let (start, rest) = text.split_at_checked(label.len())?;
        start.eq_ignore_ascii_case(label).then_some(rest)
    });
    unlabelled.unwrap_or(text)
}

/// Whether the text should be hexadecimal digits. Base64 of a SHA-256 has 43 or 44 characters.
fn is_hexadecimal(digits: &str) -> bool {
    (60..=70).contains(&digits.len()) || digits.contains(':') || digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn from_hexadecimal(digits: &str) -> Result<Vec<u8>, NotAFingerprint> {
    only(digits, |character| character.is_ascii_hexdigit() || character == ':')?;
    if digits.contains(':') && digits.split(':').any(|byte| byte.len() != 2) {
        return Err(NotAFingerprint::Colons);
    }
    let digits = digits.replace(':', "");
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| NotAFingerprint::OddDigits(digits.len()))
}

fn from_base64(digits: &str) -> Result<Vec<u8>, NotAFingerprint> {
    only(digits, |character| character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '-' | '_' | '='))?;
    let encoding = match (digits.contains(['-', '_']), digits.contains('=')) {
        (false, false) => BASE64_NOPAD,
        (false, true) => BASE64,
        (true, false) => BASE64URL_NOPAD,
        (true, true) => BASE64URL,
    };
    encoding.decode(digits.as_bytes()).map_err(|_| NotAFingerprint::Base64)
}

/// Reports the first character that is not `allowed`.
fn only(digits: &str, allowed: impl Fn(char) -> bool) -> Result<(), NotAFingerprint> {
    match (1..).zip(digits.chars()).find(|(_, character)| !allowed(*character)) {
        Some((position, character)) => Err(NotAFingerprint::Character { character, position }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "6ef8a2b1c0d9e8f70123456789abcdef00ff11ee22dd33cc44bb55aa66997788";

    fn digits(number: usize) -> String {
        HEX.chars().take(number).collect()
    }

    /// The 64 digits with `between` between the bytes.
    fn separated(between: &str) -> String {
        let bytes: Vec<_> = HEX.as_bytes().chunks(2).map(|byte| str::from_utf8(byte).unwrap()).collect();
        bytes.join(between)
    }

    #[test]
    fn every_way_to_write_it_is_read_as_the_same() {
        let bytes = HEXLOWER_PERMISSIVE.decode(HEX.as_bytes()).unwrap();
        let colons = separated(":");
        for text in [
            HEX.to_owned(),
            HEX.to_uppercase(),
            HEX.replace('f', "F"),
            colons.clone(),
            colons.to_uppercase(),
            format!("sha256:{HEX}"),
            format!("SHA256:{HEX}"),
            format!("Sha256:{}", colons.to_uppercase()),
            format!("SHA256 Fingerprint={}", colons.to_uppercase()),
            format!("sha256 Fingerprint={}\n", colons.to_uppercase()),
            format!(" \t{HEX}\r\n"),
            BASE64.encode(&bytes),
            BASE64_NOPAD.encode(&bytes),
            BASE64URL.encode(&bytes),
            BASE64URL_NOPAD.encode(&bytes),
            format!("SHA256:{}", BASE64_NOPAD.encode(&bytes)),
        ] {
            assert_eq!(parse(&text).map(|fingerprint| fingerprint.to_string()), Ok(HEX.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn anything_else_says_what_it_probably_is() {
        let length = |bytes| NotAFingerprint::Length { bytes };
        let at = |character, position| NotAFingerprint::Character { character, position };
        let (start, end) = HEX.split_at(10);
        let base64 = BASE64.encode(&[0xfb; 32]);
        for (text, expected) in [
            (String::new(), length(0)),
            (digits(63), NotAFingerprint::OddDigits(63)),
            (format!("{HEX}0"), NotAFingerprint::OddDigits(65)),
            (format!("{HEX}00"), length(33)),
            (digits(32), length(16)),
            (format!("sha1:{}", digits(40)), at('s', 1)),
            (digits(40), length(20)),
            (HEX.repeat(2), length(64)),
            (HEX.replace("6e", "6g"), at('g', 2)),
            (format!("0x{HEX}"), at('x', 2)),
            (format!("\u{a0}{HEX}"), at('\u{a0}', 1)),
            (format!("{start}\u{200b}{end}"), at('\u{200b}', 11)),
            (format!("sha256:{start}\u{ad}{end}"), at('\u{ad}', 18)),
            (format!("\u{feff}sha256:{HEX}"), at('\u{feff}', 1)),
            (separated(" "), at(' ', 3)),
            (separated("-"), length(71)),
            (separated(":").replacen(':', "", 1), NotAFingerprint::Colons),
            (format!("{}:", separated(":")), NotAFingerprint::Colons),
            (format!("sha256:sha256:{HEX}"), at('s', 8)),
            ("\u{435}".repeat(32), at('\u{435}', 1)),
            (base64.replacen('+', "-", 1), NotAFingerprint::Base64),
            (base64.trim_end_matches('=').to_owned() + "==", NotAFingerprint::Base64),
            (BASE64.encode(&[0xfb; 20]), length(20)),
            ("-----BEGIN CERTIFICATE-----".to_owned(), NotAFingerprint::Pem),
        ] {
            assert_eq!(parse(&text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn what_it_probably_is_in_words() {
        for (text, expected) in [
            (digits(40), "expected 32 bytes, found 20: this looks like SHA-1"),
            (digits(32), "expected 32 bytes, found 16: this looks like MD5"),
            ("6e\u{a0}f8".to_owned(), "expected hexadecimal digits or base64, found U+00A0 as character 3"),
            ("6e f8".to_owned(), "expected hexadecimal digits or base64, found ` ` as character 3"),
        ] {
            assert_eq!(parse(&text).unwrap_err().to_string(), expected);
        }
    }
}
