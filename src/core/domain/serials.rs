//! A set of serial numbers, with no memory beside their octets.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Serial numbers without leading zero octets, those of one length in one block, in ascending order. A negative number,
/// which a certificate must not have, counts as the positive one with the same octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serials(Box<[Block]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    width: usize,
    bytes: Box<[u8]>,
}

impl Serials {
    /// The set of these serial numbers.
    pub fn new(serials: Vec<&[u8]>) -> Self {
        // A heap: `sort_unstable` would add 10 KB to the module.
        let heap: BinaryHeap<_> = serials.into_iter().map(significant).map(|serial| (serial.len(), serial)).collect();
        let mut sorted = heap.into_sorted_vec();
        sorted.dedup();
        let blocks = sorted.chunk_by(|(width, _), (next, _)| width == next).filter_map(|block| {
            let (width, _) = block.first()?;
            let bytes = block.iter().flat_map(|(_, serial)| *serial).copied().collect();
            Some(Block { width: *width, bytes })
        });
        Self(blocks.collect())
    }

    /// Whether the set has this serial number, with or without leading zero octets.
    pub fn contains(&self, serial: &[u8]) -> bool {
        let serial = significant(serial);
        let block = self.0.iter().find(|block| block.width == serial.len());
        block.is_some_and(|block| block.find(serial).is_some())
    }
}

impl Block {
    /// The index of a number of the block's width.
    fn find(&self, wanted: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.bytes.len().checked_div(self.width)?);
        while low < high {
            let middle = usize::midpoint(low, high);
            let start = middle.checked_mul(self.width)?;
            match self.bytes.get(start..start.checked_add(self.width)?)?.cmp(wanted) {
                Ordering::Less => low = middle.checked_add(1)?,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// The octets without leading zeros. Zero keeps one octet.
fn significant(serial: &[u8]) -> &[u8] {
    let mut rest = if serial.is_empty() { &[0] } else { serial };
    while let [0, after @ ..] = rest
        && !after.is_empty()
    {
        rest = after;
    }
    rest
}

#[cfg(test)]
impl Serials {
    /// The memory of the numbers, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|block| block.bytes.len()).sum()
    }
}
