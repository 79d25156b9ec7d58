//! The CRLs of which the next one is overdue, by the names of their issuers.

use crate::domain::revocation::RevocationList;
use crate::telemetry::quoted::Quoted;
use std::fmt;

/// The most CRLs that a line names.
const MOST_NAMED: usize = 5;

/// CRLs with their indexes in the configuration, for a log line.
pub(super) struct Overdue<'c>(Vec<(usize, &'c RevocationList)>);

impl<'c> Overdue<'c> {
    /// The CRLs among these whose next one is overdue, as `is_overdue` says.
    pub(super) fn among(crls: &'c [RevocationList], is_overdue: impl Fn(&RevocationList) -> bool) -> Self {
        Self(crls.iter().enumerate().filter(|(_, crl)| is_overdue(crl)).collect())
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Overdue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the next CRL is overdue of ")?;
        for (place, (index, crl)) in self.0.iter().take(MOST_NAMED).enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}crls[{index}] {}", Quoted(crl.issuer_name.as_bytes()))?;
        }
        match self.0.len().checked_sub(MOST_NAMED) {
            Some(more @ 1..) => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}
