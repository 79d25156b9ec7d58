//! Fingerprints from hexadecimal digits. Written so that the compiler uses vector instructions, for sixteen digits at
//! once: each request has a fingerprint, and decoders of libraries read digit by digit.

use crate::domain::fingerprint::{Fingerprint, LENGTH};

/// The fingerprint in 64 lower-case hexadecimal digits, the form of Envoy's property.
pub fn fingerprint_from_hex(digits: &[u8]) -> Option<Fingerprint> {
    let digits: &[u8; LENGTH * 2] = digits.try_into().ok()?;
    let wrong = digits.iter().fold(0, |wrong, digit| wrong | u8::from(!matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
    let values = digits.map(value);
    let mut bytes = [0; LENGTH];
    for (byte, [high, low]) in bytes.iter_mut().zip(values.as_chunks().0) {
        *byte = (high << 4) | low;
    }
    (wrong == 0).then(|| Fingerprint::new(bytes))
}

/// The value of a digit. A letter has the bit 0x40, which 0 to 9 do not have; the low four bits of `a` are 1.
const fn value(digit: u8) -> u8 {
    (digit & 0x0f).wrapping_add((digit >> 6).wrapping_mul(9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_every_place_is_the_digit_that_it_is_or_none() {
        let whole = *b"0123456789abcdef0f1e2d3c4b5a69788796a5b4c3d2e1f09f8e7d6c5b4a3928";
        for place in 0..whole.len() {
            for byte in 0..=u8::MAX {
                let mut digits = whole;
                digits[place] = byte;
                let expected = data_encoding::HEXLOWER.decode(&digits).ok();
                let found = fingerprint_from_hex(&digits).map(|found| found.as_bytes().to_vec());
                assert_eq!(found, expected, "{byte:#x} in place {place}");
            }
        }
        for length in (0..whole.len()).chain([65, 66, 72]) {
            assert_eq!(fingerprint_from_hex(&whole.repeat(2)[..length]), None, "{length}");
        }
    }
}
