//! A hash table as bytes, with open addressing. A slot is the index of an item plus one (u32, little-endian), or 0.

use super::fingerprint::LENGTH;

/// The number of slots of a hash table with this many items: a quarter stays empty.
pub(super) fn slots_for(count: usize) -> usize {
    count.saturating_add(count.div_ceil(3)).saturating_add(1)
}

/// The slots that a hash is looked up in, in their order.
pub(super) fn probe(hash: u32, slots: usize) -> impl Iterator<Item = usize> {
    let scaled = u64::from(hash).saturating_mul(u64::try_from(slots).unwrap_or(0)) >> 32;
    let first = usize::try_from(scaled).unwrap_or(0);
    (first..slots).chain(0..first)
}

/// A hash table of the indices below `count`, and the duplicates, each with the first item that is equal to it.
pub(super) fn index(
    count: usize,
    hash: impl Fn(usize) -> u32,
    same: impl Fn(usize, usize) -> bool,
) -> (Vec<[u8; 4]>, Vec<(usize, usize)>) {
    let mut table = vec![[0; 4]; slots_for(count)];
    let mut duplicates = Vec::new();
    for item in 0..count {
        for slot in probe(hash(item), table.len()) {
            let Some(slot) = table.get_mut(slot) else { break };
            match place(*slot) {
                Some(first) if same(item, first) => {
                    duplicates.push((item, first));
                    break;
                }
                Some(_) => {}
                None => {
                    *slot = number(item).saturating_add(1).to_le_bytes();
                    break;
                }
            }
        }
    }
    (table, duplicates)
}

/// The index in a slot; `None` if the slot is empty.
pub(super) fn place(slot: [u8; 4]) -> Option<usize> {
    u32::from_le_bytes(slot).checked_sub(1).and_then(|place| usize::try_from(place).ok())
}

/// A hash of all bytes of a digest. Real digests are uniformly distributed, made-up ones are not. Only the operator
/// adds items to a table, so nobody else can fill it with collisions.
pub(super) fn digest_hash(digest: &[u8; LENGTH]) -> u32 {
    let words = digest.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
    let mixed = words.fold(0, |mixed: u64, word| (mixed.rotate_left(25) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    u32::try_from(mixed >> 32).unwrap_or(0)
}

/// FNV-1a, for aliases.
pub(super) fn text_hash(text: &str) -> u32 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // Names differ most at their ends, which the last multiplications have not mixed into the high bits.
    (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d)
}

/// The index in 32 bits. Saturates at 2^31 - 1: memory bounds the number of items far below.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up digest may be all zeros except for a few bytes in any place.
    #[test]
    fn made_up_digests_are_spread() {
        for place in [0, 7, 14, 20, LENGTH - 4] {
            for bytes in [u32::to_le_bytes, u32::to_be_bytes] {
                let digest = |number: u32| {
                    let mut digest = [0; LENGTH];
                    digest[place..place + 4].copy_from_slice(&bytes(number));
                    digest
                };
                let hashes: Vec<_> = (0..100_000).map(|number| digest_hash(&digest(number)) >> 20).collect();
                let mut counts = vec![0_u32; 1 << 12];
                hashes.iter().for_each(|hash| counts[usize::try_from(*hash).unwrap()] += 1);
                let most = counts.iter().max();
                assert!(most < Some(&100), "{most:?} of 100,000 in one of 4,096 places, at {place}");
            }
        }
    }

    #[test]
    fn names_are_spread() {
        let hashes: Vec<_> = (0..1000).map(|number| text_hash(&format!("c{number:05}")) >> 24).collect();
        let most = (0..256).map(|first| hashes.iter().filter(|hash| **hash == first).count()).max();
        assert!(most < Some(20), "{most:?} of 1000 in one of 256 places");
    }
}
