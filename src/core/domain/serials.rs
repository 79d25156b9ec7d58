//! A set of serial numbers in as many bytes as they have.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Serial numbers without their leading zero octets: those of one length in one block, in ascending order. A negative
/// number, which no certificate should have, is taken for the positive one of the same octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serials(Box<[Block]>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    width: usize,
    bytes: Box<[u8]>,
}

impl Serials {
    /// These.
    pub fn new(serials: Vec<&[u8]>) -> Self {
        // Sorted in a heap, whose code is short: that of `sort_unstable` would be 10 KB of the module.
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

    /// Whether this is one of them, leading zero octets or not.
    pub fn contains(&self, serial: &[u8]) -> bool {
        let serial = significant(serial);
        let block = self.0.iter().find(|block| block.width == serial.len());
        block.is_some_and(|block| block.find(serial).is_some())
    }
}

impl Block {
    /// How manieth this number is, which has the block's width.
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

/// Zero keeps an octet.
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
    /// How many bytes the numbers take.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|block| block.bytes.len()).sum()
    }
}
