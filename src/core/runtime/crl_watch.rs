//! The watch over the CRLs of an active policy: an operator learns from the log that the next CRL of an issuer is
//! overdue (RFC 5280 section 5.1.2.5, `nextUpdate`).

use super::overdue::Overdue;
use crate::domain::revocation::RevocationList;
use crate::domain::time::UnixSeconds;
use crate::telemetry::log::{Level, Log};
use std::sync::atomic::{AtomicI64, Ordering};

/// The longest time between two looks, in seconds: a day. The wall clock may be set in between.
const LONGEST_WAIT: u64 = 86_400;

/// The watch over the CRLs of one policy.
pub(super) struct CrlWatch {
    /// The time of the last look, in seconds since 1970.
    last: AtomicI64,
}

impl CrlWatch {
    /// A watch that begins at `now`: the CRLs that are overdue then are not reported again.
    pub(super) fn new(now: UnixSeconds) -> Self {
        Self { last: AtomicI64::new(now.0) }
    }

    /// Logs which of `crls` have become overdue since the last look. Returns the seconds until the next look; `None`
    /// if none can become overdue any more.
    pub(super) fn look(&self, crls: &[RevocationList], now: UnixSeconds, log: &impl Log) -> Option<u64> {
        let last = UnixSeconds(self.last.swap(now.0, Ordering::Relaxed));
        let overdue = Overdue::among(crls, |crl| crl.is_overdue(now) && !crl.is_overdue(last));
        if !overdue.is_empty() {
            log.log(Level::Warn, format_args!("{overdue}"));
        }
        let next = crls.iter().filter(|crl| !crl.is_overdue(now)).filter_map(|crl| crl.next_update).min()?;
        // A CRL is overdue in the second after its `nextUpdate`.
        Some(now.until(next).saturating_add(1).min(LONGEST_WAIT))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::revocation::CanonicalName;
    use crate::domain::serials::Serials;
    use crate::telemetry::log::fake::FakeLog;

    /// CRLs without serial numbers, with these `nextUpdate`s.
    pub(in crate::runtime) fn crls(next_updates: &[Option<i64>]) -> Vec<RevocationList> {
        let crl = |next_update: &Option<i64>| RevocationList {
            issuer: CanonicalName([0; 32]),
            issuer_name: "CN=Shop CA".into(),
            next_update: next_update.map(UnixSeconds),
            serials: Serials::new(Vec::new()),
            strict: false,
        };
        next_updates.iter().map(crl).collect()
    }

    #[test]
    fn a_crl_that_becomes_overdue_is_reported_once() {
        let (log, watch) = (FakeLog::default(), CrlWatch::new(UnixSeconds(100)));
        let crls = crls(&[Some(99), Some(110), Some(110), Some(200), None]);
        let look = |now| watch.look(&crls, UnixSeconds(now), &log);
        assert_eq!(look(100), Some(11));
        assert_eq!(look(110), Some(1), "still valid in the second of its `nextUpdate`");
        log.assert_lines(&[]);
        assert_eq!(look(111), Some(90));
        log.assert_lines(&[(Level::Warn, r#"the next CRL is overdue of crls[1] "CN=Shop CA", crls[2] "CN=Shop CA""#)]);
        assert_eq!(look(150), Some(51));
        log.assert_lines(&[]);
        assert_eq!(look(300), None, "no other CRL has a `nextUpdate`");
        log.assert_lines(&[(Level::Warn, r#"the next CRL is overdue of crls[3] "CN=Shop CA""#)]);
        // The wall clock is set back, and a CRL becomes overdue again.
        assert_eq!(look(200), Some(1));
        assert_eq!(look(201), None);
        log.assert_lines(&[(Level::Warn, r#"the next CRL is overdue of crls[3] "CN=Shop CA""#)]);
    }

    #[test]
    fn the_next_look_is_within_a_day() {
        let watch = CrlWatch::new(UnixSeconds(0));
        for next_update in [LONGEST_WAIT.cast_signed(), i64::MAX] {
            let wait = watch.look(&crls(&[Some(next_update)]), UnixSeconds(0), &FakeLog::default());
            assert_eq!(wait, Some(LONGEST_WAIT));
        }
    }
}
