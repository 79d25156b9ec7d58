//! What was decided of a request, and what is recorded of it.

use super::Engine;
use super::account::Account;
use super::annotate::joined;
use super::host::{Host, REASON};
use super::identify::{Caller, Stranger};
use super::look::Look;
use super::throttle::Draw;
use crate::domain::decision::Reason;
use crate::domain::mode::Mode;
use crate::domain::policy::{Audit, FilterState};
use crate::domain::rules::{Access, Match};
use crate::telemetry::audit_event::{Event, Request};
use crate::telemetry::trace_parent;

/// What was decided.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    /// It may pass; what it costs is taken.
    Allowed,
    /// An enforced limit does not hold what it costs.
    Throttled,
    /// Not this caller, or nobody can say.
    Refused(Reason),
    /// The request's headers could not be changed as they must be. It goes nowhere, in shadow mode either: it would
    /// carry an identity that is not certgate's word.
    Unsendable,
}

impl Verdict {
    fn reason(self) -> Option<Reason> {
        match self {
            Self::Allowed => None,
            Self::Throttled => Some(Reason::LimitExceeded),
            Self::Refused(reason) => Some(reason),
            Self::Unsendable => Some(Reason::Internal),
        }
    }
}

/// A request, as far as it is known what to think of it. It is filled in where it stands: it is too large to be handed on
/// from step to step.
#[derive(Default)]
pub(super) struct Case<'e> {
    /// The client; `None` where none is needed and none was shown, and where none is known.
    pub(super) caller: Option<Caller<'e>>,
    /// Somebody who is no client.
    stranger: Option<Stranger>,
    pub(super) account: Account,
    /// What was drawn from its limits, or could not be; `None` if there are none, or it did not come to that.
    pub(super) draw: Option<Draw<'e>>,
}

impl<'e> Case<'e> {
    /// The client's alias, if one is known.
    pub(super) fn alias(&self) -> Option<&'e str> {
        self.caller.as_ref().map(|caller| caller.entry.client.alias)
    }
}

impl Engine {
    /// Find the rule, identify, check, authorize, throttle.
    pub(super) fn decide<'e>(&'e self, host: &impl Host, look: &Look<'_>, case: &mut Case<'e>) -> Verdict {
        match self.admit(host, look, case) {
            Err(reason) => Verdict::Refused(reason),
            Ok(()) if case.draw.as_ref().is_some_and(|draw| !draw.take.taken()) => Verdict::Throttled,
            Ok(()) => Verdict::Allowed,
        }
    }

    /// Whether the request may pass, but for its limits.
    fn admit<'e>(&'e self, host: &impl Host, look: &Look<'_>, case: &mut Case<'e>) -> Result<(), Reason> {
        if self.policy.refuses_misdirected {
            self.check_sni(host, look.target.authority)?;
        }
        let (index, rule) = match self.policy.rules.find(&look.target) {
            Match::Rule(index, rule) => (Some(index), Some(rule)),
            Match::None => (None, None),
            Match::Ambiguous => return Err(Reason::RuleDenied),
        };
        let access = rule.map_or(Access::Require, |rule| rule.access);
        case.account = Account { rule: index, ..Account::default() };
        match access {
            Access::Public => return Ok(()),
            Access::Deny => return Err(Reason::RuleDenied),
            Access::Require | Access::Optional => {}
        }
        let other = rule.and_then(|rule| rule.tier.as_ref()).map(|other| other.tier);
        match self.identify(host, look, &mut case.caller) {
            Ok(caller) => {
                let tier = Some(other.unwrap_or(caller.entry.profile.tier));
                case.account = Account { client: Some(caller.entry.credential.client), tier, rule: index };
            }
            Err(Stranger { reason: Reason::NoCertificate, .. }) if access == Access::Optional => {
                case.account = Account { client: None, tier: other.or(self.policy.anonymous_tier), rule: index };
            }
            Err(stranger) => return Err(case.stranger.insert(stranger).reason),
        }
        let now = host.wall()?;
        if let Some(caller) = &case.caller {
            self.check_credential(host, caller, now)?;
            if let Some(rule) = rule {
                self.authorize(host, look, caller, rule)?;
            }
        }
        case.draw = self.throttle(host, &case.account, case.alias(), look.target.method, now)?;
        Ok(())
    }

    /// Counts the verdict and leaves its traces for people.
    pub(super) fn record<'h>(
        &self,
        host: &impl Host,
        look: &Look<'h>,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        case: &Case<'_>,
        verdict: Verdict,
    ) {
        let (reason, account) = (verdict.reason(), &case.account);
        host.decided(reason, account.tier, account.client);
        if let Some(draw) = &case.draw {
            draw.short().for_each(|limit| host.limit_exceeded(account.tier, limit));
        }
        if reason.is_some() || self.policy.filter_state == FilterState::Always || self.policy.audit == Audit::All {
            self.leave_traces(host, look, headers, case, reason);
        }
    }

    /// Apart from most requests, which it would slow down.
    #[inline(never)]
    fn leave_traces<'h>(
        &self,
        host: &impl Host,
        look: &Look<'h>,
        headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
        case: &Case<'_>,
        reason: Option<Reason>,
    ) {
        let Case { caller, stranger, account, .. } = case;
        let (alias, tier) = (case.alias(), self.tier(account));
        let (stranger, caller) = (stranger.as_ref(), caller.as_ref());
        if let Some(reason) = reason {
            host.filter_state(REASON, reason.as_str());
        }
        if reason.is_some() || self.policy.audit == Audit::All {
            host.log(&Event {
                reason,
                shadow: self.policy.mode == Mode::Shadow,
                alias,
                tier: tier.map(|tier| &tier.name),
                rule: account.rule.and_then(|rule| self.policy.rules.rule(rule)?.name.as_ref()),
                fingerprint: stranger.map_or(caller.map(|caller| caller.fingerprint), |stranger| stranger.fingerprint),
                relayed: stranger.is_some_and(|stranger| stranger.relayed),
                strictest_tier: self.strictest_tier.as_ref().filter(|_| reason == Some(Reason::UnknownCertificate)),
                request: (self.policy.audit != Audit::Samples).then(|| Request {
                    method: look.target.method,
                    path: look.target.path,
                    trace_parent: trace_parent::parent(headers),
                }),
            });
        }
        if reason.is_none() && self.policy.filter_state != FilterState::Always {
            return;
        }
        if let Some(alias) = alias {
            host.filter_state("certgate.alias", alias);
        }
        if let Some(tier) = tier {
            host.filter_state("certgate.tier", tier.name.as_str());
        }
        if let (Some(caller), FilterState::Always) = (caller, self.policy.filter_state)
            && let Some(groups) = joined(&caller.entry.profile.groups, ",")
        {
            host.filter_state("certgate.groups", &groups);
        }
    }
}
