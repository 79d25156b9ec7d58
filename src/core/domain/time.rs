//! The two kinds of time, as different types: readings and spans of the monotonic clock, and moments of the calendar.

/// Nanoseconds: a reading of the host's monotonic clock, which all workers share and which never goes back while it
/// runs, or a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Nanoseconds in a second.
    pub const PER_SECOND: u64 = 1_000_000_000;

    /// The span in whole seconds, rounded up.
    pub fn ceil_seconds(self) -> u64 {
        self.0.div_ceil(Self::PER_SECOND)
    }

    /// The reading after this span.
    pub fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span since an earlier reading; zero if it is a later one.
    pub fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds since 1970-01-01T00:00:00Z, the resolution of certificates (RFC 5280 section 4.1.2.5 has no fractions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixSeconds(pub i64);

impl UnixSeconds {
    /// The seconds until a later moment; zero if it is an earlier one.
    pub fn until(self, later: Self) -> u64 {
        u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0)
    }
}

/// A validity period, both ends included (RFC 5280 section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second of the period.
    pub not_before: UnixSeconds,
    /// The last second of the period.
    pub not_after: UnixSeconds,
}
