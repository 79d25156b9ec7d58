//! What was decided of a request, and what is recorded of it.

use super::Engine;
use super::host::{Host, REASON};
use super::identify::Caller;
use super::journal::Event;
use super::throttle::Draw;
use crate::domain::bucket::Take;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::limit::Limit;
use crate::domain::policy::{FilterState, Mode};
use crate::domain::registry::Entry;
use crate::domain::time::Nanos;

/// A decision with what it rests on.
pub(super) enum Verdict<'e> {
    /// The client may call; its tokens, if it has limits, are taken.
    Allowed { caller: Caller<'e>, draw: Option<Draw> },
    /// The client has used up a limit; all its buckets hold a token again after `wait`.
    Throttled { caller: Caller<'e>, draw: Draw, wait: Nanos },
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

    fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Refused(Refusal { fingerprint: Some(fingerprint), .. }) => Some(*fingerprint),
            other => other.entry().map(|entry| entry.credential.fingerprint),
        }
    }
}

impl Engine {
    /// Identify, check, throttle.
    pub(super) fn decide(&self, host: &impl Host) -> Verdict<'_> {
        let caller = match self.identify(host) {
            Ok(caller) => caller,
            Err(refusal) => return Verdict::Refused(refusal),
        };
        let entry = caller.entry;
        let refused = |reason| Verdict::Refused(Refusal { reason, fingerprint: None, entry: Some(entry) });
        if let Err(reason) = self.check(host, &entry) {
            return refused(reason);
        }
        match self.throttle(host, &entry) {
            Ok(Some(draw)) => match draw.take {
                Take::Taken => Verdict::Allowed { caller, draw: Some(draw) },
                Take::Short { wait } => Verdict::Throttled { caller, draw, wait },
            },
            Ok(None) => Verdict::Allowed { caller, draw: None },
            Err(_) => refused(Reason::StoreUnavailable),
        }
    }

    /// Counts the verdict and leaves its traces for people.
    pub(super) fn record(&self, host: &impl Host, verdict: &Verdict<'_>) {
        let (reason, entry) = (verdict.reason(), verdict.entry());
        host.decided(reason, entry.map(|entry| entry.tier_index), entry.map(|entry| entry.client_index));
        if let Verdict::Throttled { caller: Caller { entry, .. }, draw, .. } = verdict {
            fired(entry, draw).for_each(|(place, _)| host.limit_exceeded(entry.tier_index, place));
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
            host.filter_state("certgate.alias", entry.client.alias.as_str());
            host.filter_state("certgate.tier", entry.tier.name.as_str());
        }
    }
}

/// The limits that did not have a token, each with its place in the tier's list.
pub(super) fn fired<'l>(entry: &Entry<'l>, draw: &Draw) -> impl Iterator<Item = (usize, &'l Limit)> {
    entry.tier.limits.iter().enumerate().filter(|(_, limit)| draw.balance(limit).remaining == 0)
}
