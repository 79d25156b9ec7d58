//! What is known of one registered certificate's own dates. The certificate is read and parsed at most once for each
//! engine; until some connection shows it, every minute's first request looks again.

use super::host::{Clock, HostFailure, Peer};
use crate::certificate::{self, Unreadable};
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::time::{Nanos, Validity};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How long not having been shown a certificate counts.
const LOOK_AGAIN: Nanos = Nanos(60 * Nanos::PER_SECOND);

pub(super) struct Dates {
    known: OnceLock<Result<Validity, Unreadable>>,
    /// On the monotonic clock.
    look_again_at: AtomicU64,
}

impl Dates {
    /// The dates as far as the registry knows them.
    pub(super) fn new(registered: Option<Validity>) -> Self {
        let known = registered.map_or_else(OnceLock::new, |validity| OnceLock::from(Ok(validity)));
        Self { known, look_again_at: AtomicU64::new(0) }
    }

    /// The dates, from the connection if need be; `None` if it does not show its certificate.
    pub(super) fn of(&self, host: &(impl Peer + Clock), expected: Fingerprint) -> Result<Option<Validity>, Reason> {
        if self.known.get().is_none() {
            self.look(host, expected).map_err(|HostFailure(_)| Reason::Internal)?;
        }
        match self.known.get() {
            None => Ok(None),
            Some(Ok(validity)) => Ok(Some(*validity)),
            Some(Err(_)) => Err(Reason::CertificateUnreadable),
        }
    }

    /// Reads the dates of the certificate, which is the one they belong to.
    pub(super) fn learn(&self, der: &[u8]) {
        self.known.get_or_init(|| certificate::validity(der));
    }

    fn look(&self, host: &(impl Peer + Clock), expected: Fingerprint) -> Result<(), HostFailure> {
        let now = host.monotonic();
        if now.0 < self.look_again_at.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(text) = host.certificate()? else {
            self.look_again_at.store(now.0.saturating_add(LOOK_AGAIN.0), Ordering::Relaxed);
            return Ok(());
        };
        // A host that shows another certificate than the one it gave the digest of cannot be believed about dates.
        match certificate::der_from_text(&text) {
            Ok(der) if certificate::fingerprint(&der) == expected => self.learn(&der),
            Ok(_) => drop(self.known.set(Err(Unreadable::Der))),
            Err(unreadable) => drop(self.known.set(Err(unreadable))),
        }
        Ok(())
    }
}
