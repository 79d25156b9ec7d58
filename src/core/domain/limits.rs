//! The limits that apply to one request together.

use super::limit::Limit;
use super::mode::Mode;
use std::{mem, slice};

/// The limits of the request's tier, then those of its rule.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits<'l> {
    tier: &'l [Limit],
    rule: &'l [Limit],
}

impl<'l> Limits<'l> {
    /// The limits of a tier and those of a rule.
    pub fn new(tier: &'l [Limit], rule: &'l [Limit]) -> Self {
        Self { tier, rule }
    }

    /// The limits in their order.
    pub fn iter(self) -> impl Iterator<Item = &'l Limit> + Clone {
        Iter { list: self.tier.iter(), following: self.rule }
    }

    /// The number of limits.
    pub fn len(self) -> usize {
        self.tier.len().saturating_add(self.rule.len())
    }

    /// Whether there is no limit.
    pub fn is_empty(self) -> bool {
        self.tier.is_empty() && self.rule.is_empty()
    }

    /// The limit at this index of [`Self::iter`].
    pub fn get(self, index: usize) -> Option<&'l Limit> {
        self.tier.get(index).or_else(|| self.rule.get(index.checked_sub(self.tier.len())?))
    }
}

/// The limits that did not hold what a request costs, among those that apply to it.
#[derive(Clone, Copy, Debug)]
pub struct ExceededLimits<'l> {
    /// The limits that apply.
    pub limits: Limits<'l>,
    /// The indexes of those that are exceeded.
    pub indexes: &'l [usize],
}

impl ExceededLimits<'_> {
    /// The names of those that are enforced, between commas.
    pub fn enforced_names(self) -> String {
        let limits = self.indexes.iter().filter_map(|index| self.limits.get(*index));
        let enforced = limits.filter(|limit| limit.mode == Mode::Enforce);
        enforced.map(|limit| limit.name.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// A chain of two lists, in fewer instructions than the standard library's.
#[derive(Clone)]
struct Iter<'l> {
    list: slice::Iter<'l, Limit>,
    following: &'l [Limit],
}

impl<'l> Iterator for Iter<'l> {
    type Item = &'l Limit;

    fn next(&mut self) -> Option<&'l Limit> {
        self.list.next().or_else(|| {
            self.list = mem::take(&mut self.following).iter();
            self.list.next()
        })
    }
}

impl<'l, T: AsRef<[Limit]> + ?Sized> From<&'l T> for Limits<'l> {
    fn from(limits: &'l T) -> Self {
        Self { tier: limits.as_ref(), rule: &[] }
    }
}
