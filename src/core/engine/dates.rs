//! What is known of one registered certificate's own dates. The certificate is read and parsed at most once for each
//! engine; until some connection shows it, every minute's first request looks again.

use super::host::{Counters, Host, HostFailure};
use crate::certificate;
use crate::domain::credential::CredentialIndex;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::time::{Nanos, UnixSeconds, Validity};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How long not having been shown a certificate counts, in seconds.
const LOOK_AGAIN: u32 = 60;

/// In two words, since there are as many of these as certificates.
#[derive(Default)]
pub(super) struct Dates {
    /// [`UNKNOWN`], [`UNREADABLE`], or the two dates as seconds since 1970, each in half of it.
    known: AtomicU64,
    /// On the monotonic clock, in seconds.
    look_again_at: AtomicU32,
}

const UNKNOWN: u64 = 0;
/// It was never valid.
const UNREADABLE: u64 = 1 << 32;

impl Dates {
    /// Knows the dates from now on.
    pub(super) fn set(&self, validity: Validity) {
        self.know(packed(validity));
    }

    /// The dates, from the connection if need be; `None` if it does not show its certificate.
    pub(super) fn of(
        &self,
        host: &impl Host,
        credential: CredentialIndex,
        expected: Fingerprint,
    ) -> Result<Option<Validity>, Reason> {
        if self.known.load(Ordering::Relaxed) == UNKNOWN {
            self.look(host, credential, expected)?;
        }
        self.known()
    }

    /// The dates, as far as they are known.
    pub(super) fn known(&self) -> Result<Option<Validity>, Reason> {
        match self.known.load(Ordering::Relaxed) {
            UNKNOWN => Ok(None),
            UNREADABLE => Err(Reason::CertificateUnreadable),
            packed => Ok(Some(unpacked(packed))),
        }
    }

    /// Reads the dates of the certificate, which is the one that this credential asks for.
    pub(super) fn learn(&self, host: &impl Counters, credential: CredentialIndex, der: &[u8]) {
        if self.known.load(Ordering::Relaxed) == UNKNOWN {
            let validity = certificate::validity(der);
            if let Ok(validity) = &validity {
                host.seen(credential, validity.not_after);
            }
            self.know(validity.map_or(UNREADABLE, packed));
        }
    }

    /// What is known stays.
    fn know(&self, known: u64) {
        let _ = self.known.compare_exchange(UNKNOWN, known, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn look(&self, host: &impl Host, credential: CredentialIndex, expected: Fingerprint) -> Result<(), HostFailure> {
        let now = u32::try_from(host.monotonic()?.0.div_euclid(Nanos::PER_SECOND)).unwrap_or(u32::MAX);
        if now < self.look_again_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(text) = host.certificate()? else {
            self.look_again_at.store(now.saturating_add(LOOK_AGAIN), Ordering::Relaxed);
            return Ok(());
        };
        // A host that shows another certificate than the one it gave the digest of cannot be believed about dates.
        match certificate::der_with_fingerprint(&text, expected) {
            Some(der) => self.learn(host, credential, &der),
            None => self.know(UNREADABLE),
        }
        Ok(())
    }
}

/// The dates in one word: what lies before 1970 began with it, what lies beyond 2106 is as good as never.
fn packed(Validity { not_before, not_after }: Validity) -> u64 {
    let half = |UnixSeconds(seconds): UnixSeconds, least: i64| {
        u64::from(u32::try_from(seconds.max(least)).unwrap_or(u32::MAX))
    };
    // A second after 1970 at least, so that it is neither of the other two.
    (half(not_before, 0) << 32) | half(not_after, 1)
}

/// The dates in the word. Never is the end of time.
fn unpacked(packed: u64) -> Validity {
    let moment = |half: u64| match u32::try_from(half) {
        Ok(u32::MAX) | Err(_) => UnixSeconds(i64::MAX),
        Ok(seconds) => UnixSeconds(seconds.into()),
    };
    Validity { not_before: moment(packed >> 32), not_after: moment(packed & u64::from(u32::MAX)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_a_word_are_the_dates() {
        let through = |not_before, not_after| {
            let validity =
                unpacked(packed(Validity { not_before: UnixSeconds(not_before), not_after: UnixSeconds(not_after) }));
            (validity.not_before.0, validity.not_after.0)
        };
        assert_eq!(through(0, 4_000_000_000), (0, 4_000_000_000));
        assert_eq!(through(1_709_214_359, 1_709_214_360), (1_709_214_359, 1_709_214_360));
        // 1950 and 9999.
        assert_eq!(through(-631_152_000, 253_402_300_799), (0, i64::MAX));
        assert_eq!(through(-2, -1), (0, 1));
        for (not_before, not_after) in [(0, 0), (0, 1), (1, 0), (-1, -1), (i64::MAX, i64::MAX)] {
            let word = packed(Validity { not_before: UnixSeconds(not_before), not_after: UnixSeconds(not_after) });
            assert!(word != UNKNOWN && word != UNREADABLE);
        }
    }
}
