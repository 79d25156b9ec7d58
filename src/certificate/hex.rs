//! Fingerprints from hexadecimal digits, eight at a time: every request brings one, and libraries' decoders are for long
//! texts. (A table, digit by digit, takes 400 instructions more, a twentieth of a request's.)

use crate::domain::fingerprint::{Fingerprint, LENGTH};

/// The fingerprint that 64 lower-case hexadecimal digits write, as Envoy's property has it.
pub fn fingerprint_from_hex(digits: &[u8]) -> Option<Fingerprint> {
    let mut bytes = [0; LENGTH];
    let (words, rest) = digits.as_chunks();
    let (places, _) = bytes.as_chunks_mut();
    if words.len() != places.len() || !rest.is_empty() {
        return None;
    }
    let mut wrong = 0;
    for (place, word) in places.iter_mut().zip(words) {
        let (value, wrong_here) = eight_digits(u64::from_le_bytes(*word));
        *place = value;
        wrong |= wrong_here;
    }
    (wrong == 0).then(|| Fingerprint::new(bytes))
}

/// The same byte eight times.
const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The four bytes that eight digits write, the first in the lowest byte; and a number that is 0 only if all are digits.
fn eight_digits(digits: u64) -> ([u8; 4], u64) {
    // 1 where there is a letter, which have a bit that 0 to 9 have not.
    let letters = (digits >> 6) & eight(1);
    // 'a' is 0x61. At most 15 + 9 in a byte, so nothing carries into the next.
    let values = (digits & eight(0x0f)).wrapping_add(letters.wrapping_mul(9));
    let written_again = values.wrapping_add(eight(b'0')).wrapping_add(letters.wrapping_mul(0x27));
    // Letters are above 9, and nothing else is.
    let above_nine = (values.wrapping_add(eight(6)) >> 4) & eight(1);
    let wrong = (written_again ^ digits) | (above_nine ^ letters) | (values & eight(0xf0));
    let [a, _, b, _, c, _, d, _] = ((values << 4) | (values >> 8)).to_le_bytes();
    ([a, b, c, d], wrong)
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
