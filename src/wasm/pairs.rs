//! Pairs of names and values in the serialisation of the proxy-wasm ABI 0.2.1: the count of pairs, the sizes of each name
//! and value, then each name and value with a NUL behind it. All numbers are u32, little-endian.

/// The pairs in `bytes`; `None` if the bytes are cut off or too many. No bytes are an empty list.
pub(super) fn parse(bytes: &[u8]) -> Option<impl Iterator<Item = (&[u8], &[u8])> + Clone> {
    let (count, rest) = if bytes.is_empty() { (&[0; 4], bytes) } else { bytes.split_first_chunk()? };
    let (sizes, mut data) = rest.split_at_checked(length(count)?.checked_mul(8)?)?;
    let sizes = sizes.as_chunks::<4>().0;
    // Checked first, so that no pair of a broken list is returned.
    let texts: u64 = sizes.iter().map(|size| u64::from(u32::from_le_bytes(*size))).sum();
    let whole = texts.checked_add(u64::try_from(sizes.len()).ok()?) == u64::try_from(data.len()).ok();
    let pairs = sizes.as_chunks::<2>().0.iter();
    let pairs = pairs.map_while(move |[name, value]| Some((take(&mut data, name)?, take(&mut data, value)?)));
    whole.then_some(pairs)
}

/// The bytes of `pairs`.
pub(super) fn serialise<'a>(pairs: impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut number = |number: usize| bytes.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    number(pairs.len());
    pairs.clone().for_each(|(name, value)| {
        number(name.len());
        number(value.len());
    });
    for text in pairs.flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.bytes());
        bytes.push(0);
    }
    bytes
}

/// Takes a text of this size, and the NUL behind it, from the start of `data`.
fn take<'d>(data: &mut &'d [u8], size: &[u8; 4]) -> Option<&'d [u8]> {
    let (text, rest) = data.split_at_checked(length(size)?.checked_add(1)?)?;
    *data = rest;
    text.split_last().map(|(_, text)| text)
}

fn length(number: &[u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
        parse(bytes).map(Iterator::collect)
    }

    #[test]
    fn serialised_pairs_are_parsed_back() {
        let pairs = [(":method", "GET"), ("x", ""), ("x-a", "b\u{e4}")];
        let bytes = serialise(pairs.into_iter());
        assert_eq!(read(&bytes).unwrap(), pairs.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        assert_eq!(read(&[]).unwrap(), []);
    }

    #[test]
    fn a_list_that_is_cut_anywhere_is_no_list() {
        let bytes = serialise([(":method", "GET"), ("x-client-alias", "gold")].into_iter());
        for length in 1..bytes.len() {
            assert_eq!(read(&bytes[..length]), None, "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
