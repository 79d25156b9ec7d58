//! The two kinds of time, kept apart by type: a span or reading of the monotonic clock, and a moment on the calendar.

/// Nanoseconds on the host's monotonic clock: the same clock for all workers, never set back while it runs.
/// Also the unit of every span that buckets count in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Nanoseconds in a second.
    pub const PER_SECOND: u64 = 1_000_000_000;

    /// The span in whole seconds, rounded up.
    pub fn ceil_seconds(self) -> u64 {
        self.0.div_ceil(Self::PER_SECOND)
    }

    /// The moment a span after this one.
    pub fn after(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The span from an earlier moment to this one; none if it is a later one.
    pub fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds since 1970-01-01T00:00:00Z, as certificates count them (RFC 5280 section 4.1.2.5 has no fractions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixSeconds(pub i64);

impl UnixSeconds {
    /// The seconds from this moment to a later one; none if it is an earlier one.
    pub fn until(self, later: Self) -> u64 {
        u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0)
    }
}

/// When a certificate is valid: both ends included (RFC 5280 section 4.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second at which it is valid.
    pub not_before: UnixSeconds,
    /// The last second at which it is valid.
    pub not_after: UnixSeconds,
}
