//! What was decided of a request, and what is recorded of it.

use super::Engine;
use super::host::{Host, REASON};
use super::identify::{Caller, Stranger};
use super::journal::Event;
use super::throttle::Draw;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::mode::Mode;
use crate::domain::policy::FilterState;
use crate::domain::registry::Entry;

/// A decision with what it rests on.
pub(super) enum Verdict<'e> {
    /// The client may call; what the request costs, if the client has limits, is taken.
    Allowed { caller: Caller<'e>, draw: Option<Draw> },
    /// An enforced limit of the client's does not hold what the request costs.
    Throttled { caller: Caller<'e>, draw: Draw },
    /// Not this caller, or nobody can say.
    Refused(Refusal<'e>),
    /// The request's headers could not be changed as they must be. It goes nowhere, in shadow mode either: it would
    /// carry an identity that is not certgate's word.
    Unsendable,
}

/// Why a request is refused, and what is known of who sent it.
pub(super) struct Refusal<'e> {
    pub(super) reason: Reason,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) entry: Option<Entry<'e>>,
}

impl<'e> Verdict<'e> {
    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Allowed { .. } => None,
            Self::Throttled { .. } => Some(Reason::LimitExceeded),
            Self::Refused(refusal) => Some(refusal.reason),
            Self::Unsendable => Some(Reason::Internal),
        }
    }

    fn entry(&self) -> Option<&Entry<'e>> {
        match self {
            Self::Allowed { caller, .. } | Self::Throttled { caller, .. } => Some(&caller.entry),
            Self::Refused(refusal) => refusal.entry.as_ref(),
            Self::Unsendable => None,
        }
    }

    /// What was drawn from the client's limits, or could not be.
    pub(super) fn draw(&self) -> Option<(&Caller<'e>, &Draw)> {
        match self {
            Self::Allowed { caller, draw: Some(draw) } | Self::Throttled { caller, draw } => Some((caller, draw)),
            _ => None,
        }
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Refused(Refusal { fingerprint: Some(fingerprint), .. }) => Some(*fingerprint),
            other => other.entry().map(|entry| entry.credential.fingerprint),
        }
    }
}

impl Engine {
    /// Identify, check, throttle.
    pub(super) fn decide(&self, host: &impl Host, method: &[u8]) -> Verdict<'_> {
        let caller = match self.identify(host) {
            Ok(caller) => caller,
            Err(Stranger { reason, fingerprint }) => {
                return Verdict::Refused(Refusal { reason, fingerprint, entry: None });
            }
        };
        let entry = caller.entry;
        let refused = |reason| Verdict::Refused(Refusal { reason, fingerprint: None, entry: Some(entry) });
        let now = host.wall();
        if let Err(reason) = self.check(host, &entry, now) {
            return refused(reason);
        }
        match self.throttle(host, &entry, method, now) {
            Ok(Some(draw)) if !draw.take.taken() => Verdict::Throttled { caller, draw },
            Ok(draw) => Verdict::Allowed { caller, draw },
            Err(reason) => refused(reason),
        }
    }

    /// Counts the verdict and leaves its traces for people.
    pub(super) fn record(&self, host: &impl Host, verdict: &Verdict<'_>) {
        let (reason, entry) = (verdict.reason(), verdict.entry());
        host.decided(reason, entry.map(|entry| entry.client.tier), entry.map(|entry| entry.credential.client));
        if let Some((caller, draw)) = verdict.draw() {
            let tier = caller.entry.client.tier;
            draw.take.short.iter().for_each(|place| host.limit_exceeded(tier, *place));
        }
        if let Some(reason) = reason {
            host.filter_state(REASON, reason.as_str());
            host.refused(&Event {
                reason,
                shadow: self.policy.mode == Mode::Shadow,
                entry: entry.copied(),
                fingerprint: verdict.fingerprint(),
                strictest_tier: self.strictest_tier(),
            });
        }
        if let (Some(entry), true) = (entry, reason.is_some() || self.policy.filter_state == FilterState::Always) {
            host.filter_state("certgate.alias", entry.client.alias);
            host.filter_state("certgate.tier", entry.tier.name.as_str());
        }
    }
}
