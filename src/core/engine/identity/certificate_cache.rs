//! A bounded cache of values by certificate, in two generations.

use crate::domain::fingerprint::Fingerprint;
use std::mem::take;
use std::sync::{Mutex, PoisonError};

/// Values by certificate. When the young generation holds half of the capacity it becomes the old one, and the values of
/// the old one that were not used since are dropped.
#[derive(Debug)]
pub(super) struct CertificateCache<V> {
    capacity: usize,
    generations: Mutex<[Generation<V>; 2]>,
}

/// In ascending order of the fingerprints.
type Generation<V> = Vec<(Fingerprint, V)>;

impl<V: Clone> CertificateCache<V> {
    /// An empty cache for at most `capacity` values.
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

    /// Caches the value of this certificate.
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
    fn a_value_that_is_used_stays_and_the_capacity_is_never_exceeded() {
        let cache = CertificateCache::new(10);
        for number in 0..100 {
            cache.put(fingerprint(number), number);
            assert_eq!(cache.get(&fingerprint(0)), Some(0), "after {number}");
            let kept = cache.generations.lock().unwrap().iter().map(Vec::len).sum::<usize>();
            assert!(kept <= 10, "{kept}");
        }
        assert_eq!(cache.get(&fingerprint(99)), Some(99));
        assert_eq!(cache.get(&fingerprint(50)), None);
    }
}
