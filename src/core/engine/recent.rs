//! What was found out about the certificates that were seen last, so many of them and no more.

use crate::domain::fingerprint::Fingerprint;
use std::mem::take;
use std::sync::{Mutex, PoisonError};

/// Values by certificate. When half of the room is filled, those that were not used since the last time make way.
#[derive(Debug)]
pub(super) struct Recent<V> {
    capacity: usize,
    generations: Mutex<[Generation<V>; 2]>,
}

/// In the order of the certificates.
type Generation<V> = Vec<(Fingerprint, V)>;

impl<V: Clone> Recent<V> {
    /// Nothing, with room for so many.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, generations: Mutex::new([Vec::new(), Vec::new()]) }
    }

    /// The value of this certificate.
    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<V> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if let Ok(place) = find(young, fingerprint) {
            return young.get(place).map(|(_, value)| value.clone());
        }
        let (_, value) = old.get(find(old, fingerprint).ok()?)?.clone();
        self.put_into(&mut generations, *fingerprint, value.clone());
        Some(value)
    }

    /// Keeps the value of this certificate.
    pub(super) fn put(&self, fingerprint: Fingerprint, value: V) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        self.put_into(&mut generations, fingerprint, value);
    }

    fn put_into(&self, [young, old]: &mut [Generation<V>; 2], fingerprint: Fingerprint, value: V) {
        if young.len().saturating_mul(2) >= self.capacity {
            *old = take(young);
        }
        match find(young, &fingerprint) {
            Ok(place) => {
                if let Some(known) = young.get_mut(place) {
                    known.1 = value;
                }
            }
            Err(place) => young.insert(place, (fingerprint, value)),
        }
    }
}

fn find<V>(generation: &Generation<V>, fingerprint: &Fingerprint) -> Result<usize, usize> {
    generation.binary_search_by(|(known, _)| known.cmp(fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(number: u8) -> Fingerprint {
        Fingerprint::new([number; 32])
    }

    #[test]
    fn what_is_used_stays_and_there_is_never_too_much() {
        let recent = Recent::new(10);
        for number in 0..100 {
            recent.put(fingerprint(number), number);
            assert_eq!(recent.get(&fingerprint(0)), Some(0), "after {number}");
            let kept = recent.generations.lock().unwrap().iter().map(Vec::len).sum::<usize>();
            assert!(kept <= 10, "{kept}");
        }
        assert_eq!(recent.get(&fingerprint(99)), Some(99));
        assert_eq!(recent.get(&fingerprint(50)), None);
    }
}
