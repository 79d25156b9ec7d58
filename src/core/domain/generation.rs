//! The number of a configuration.

/// The ordinal of a configuration since the process started; the first is 1. Records of earlier configurations are
/// converted to the numbers of later ones, never the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);
