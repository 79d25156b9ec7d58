//! The dates of one registered certificate. The certificate is read and parsed at most once for each engine; until some
//! connection shows it, the first request of every minute asks again.

use super::observations::Observations;
use crate::certificate;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::credential::CredentialIndex;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::time::{Nanos, UnixSeconds, Validity};
use crate::engine::host::{Clock, HostFailure, Peer};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Seconds before the host is asked again for a certificate that it did not show.
const ASK_AGAIN: u32 = 60;

/// The dates of one certificate, in two words, since there are as many of these as certificates.
#[derive(Default)]
pub(super) struct Dates {
    /// [`UNKNOWN`], [`MALFORMED`], [`DIFFERS`], or `notBefore` (upper half) and `notAfter`, in seconds since 1970.
    known: AtomicU64,
    /// When the host is asked again, on the monotonic clock, in seconds.
    ask_again_at: AtomicU32,
}

const UNKNOWN: u64 = 0;
/// The certificate cannot be read. `notAfter` is zero: no certificate is packed so.
const MALFORMED: u64 = 1 << 32;
/// The host shows another certificate.
const DIFFERS: u64 = 2 << 32;

impl Dates {
    /// Sets the dates, unless they are known.
    pub(super) fn set(&self, validity: Validity) {
        self.know(packed(validity));
    }

    /// The dates, from the connection's certificate if they are not known; `None` if the host does not show it.
    pub(super) fn of_connection(
        &self,
        peer: &impl Peer,
        clock: &impl Clock,
        credential: CredentialIndex,
        expected: Fingerprint,
        observations: &mut Observations,
    ) -> Result<Option<Validity>, Refusal> {
        if self.known.load(Ordering::Relaxed) == UNKNOWN {
            self.ask(peer, clock, credential, expected, observations)?;
        }
        Ok(self.known()?)
    }

    /// The dates, as far as they are known.
    pub(super) fn known(&self) -> Result<Option<Validity>, Cause> {
        match self.known.load(Ordering::Relaxed) {
            UNKNOWN => Ok(None),
            MALFORMED => Err(Cause::CertificateMalformed),
            DIFFERS => Err(Cause::CertificateDiffers),
            packed => Ok(Some(unpacked(packed))),
        }
    }

    /// Reads the dates in `der`, which is the certificate of this credential.
    pub(super) fn read(&self, credential: CredentialIndex, der: &[u8], observations: &mut Observations) {
        if self.known.load(Ordering::Relaxed) == UNKNOWN {
            let validity = certificate::validity(der);
            if let Ok(validity) = &validity {
                observations.parsed.push((credential, validity.not_after));
            }
            self.know(validity.map_or(MALFORMED, packed));
        }
    }

    /// Dates that are known stay as they are.
    fn know(&self, known: u64) {
        let _ = self.known.compare_exchange(UNKNOWN, known, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn ask(
        &self,
        peer: &impl Peer,
        clock: &impl Clock,
        credential: CredentialIndex,
        expected: Fingerprint,
        observations: &mut Observations,
    ) -> Result<(), HostFailure> {
        let now = u32::try_from(clock.monotonic()?.0.div_euclid(Nanos::PER_SECOND)).unwrap_or(u32::MAX);
        if now < self.ask_again_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(text) = peer.certificate()? else {
            self.ask_again_at.store(now.saturating_add(ASK_AGAIN), Ordering::Relaxed);
            return Ok(());
        };
        // A host that shows another certificate than the one with the digest makes the dates unreadable.
        match certificate::der_with_fingerprint(&text, expected) {
            Some(der) => self.read(credential, &der, observations),
            None => self.know(DIFFERS),
        }
        Ok(())
    }
}

/// The dates in one word. Dates before 1970 become 1970, dates after 2106 the end of time.
fn packed(Validity { not_before, not_after }: Validity) -> u64 {
    let half = |UnixSeconds(seconds): UnixSeconds, least: i64| {
        u64::from(u32::try_from(seconds.max(least)).unwrap_or(u32::MAX))
    };
    // At least a second after 1970, so that the word is none of the three others.
    (half(not_before, 0) << 32) | half(not_after, 1)
}

/// The dates in the word.
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
        for (not_before, not_after) in [(0, 0), (0, 1), (1, 0), (2, 0), (-1, -1), (i64::MAX, i64::MAX)] {
            let word = packed(Validity { not_before: UnixSeconds(not_before), not_after: UnixSeconds(not_after) });
            assert!(![UNKNOWN, MALFORMED, DIFFERS].contains(&word));
        }
    }
}
