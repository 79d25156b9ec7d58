//! What was decided of a request, and what is recorded of it.

use super::Engine;
use super::account::Account;
use super::annotate::joined;
use super::host::{Host, REASON};
use super::identify::{Caller, Stranger};
use super::journal::Event;
use super::look::Look;
use super::throttle::Draw;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::mode::Mode;
use crate::domain::policy::FilterState;
use crate::domain::rules::{Access, Match, Rule};

/// A decision with what it rests on.
pub(super) enum Verdict<'e> {
    /// It may pass; what it costs is taken.
    Allowed(Call<'e>),
    /// An enforced limit does not hold what it costs.
    Throttled(Call<'e>, Draw),
    /// Not this caller, or nobody can say.
    Refused(Refusal<'e>),
    /// The request's headers could not be changed as they must be. It goes nowhere, in shadow mode either: it would
    /// carry an identity that is not certgate's word.
    Unsendable,
}

/// A request that its caller may make.
#[derive(Default)]
pub(super) struct Call<'e> {
    /// The client; `None` where none is needed and none was shown.
    pub(super) caller: Option<Caller<'e>>,
    pub(super) account: Account,
    /// What it took from its limits, if there are any.
    pub(super) draw: Option<Draw>,
}

/// Why a request is refused, and what is known of who sent it.
pub(super) struct Refusal<'e> {
    pub(super) reason: Reason,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) caller: Option<Caller<'e>>,
    pub(super) account: Account,
}

impl<'e> Verdict<'e> {
    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Allowed(_) => None,
            Self::Throttled(..) => Some(Reason::LimitExceeded),
            Self::Refused(refusal) => Some(refusal.reason),
            Self::Unsendable => Some(Reason::Internal),
        }
    }

    fn caller(&self) -> Option<&Caller<'e>> {
        match self {
            Self::Allowed(call) | Self::Throttled(call, _) => call.caller.as_ref(),
            Self::Refused(refusal) => refusal.caller.as_ref(),
            Self::Unsendable => None,
        }
    }

    fn account(&self) -> Account {
        match self {
            Self::Allowed(call) | Self::Throttled(call, _) => call.account,
            Self::Refused(refusal) => refusal.account,
            Self::Unsendable => Account::default(),
        }
    }

    /// What was drawn from the caller's limits, or could not be.
    pub(super) fn draw(&self) -> Option<(&Account, &Draw)> {
        match self {
            Self::Allowed(Call { account, draw: Some(draw), .. }) | Self::Throttled(Call { account, .. }, draw) => {
                Some((account, draw))
            }
            _ => None,
        }
    }

    fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Refused(Refusal { fingerprint: Some(fingerprint), .. }) => Some(*fingerprint),
            other => other.caller().map(|caller| caller.fingerprint),
        }
    }
}

impl Engine {
    /// Find the rule, identify, check, authorize, throttle.
    pub(super) fn decide(&self, host: &impl Host, look: &Look<'_>) -> Verdict<'_> {
        if self.policy.refuses_misdirected
            && let Err(reason) = self.directed(host, look.target.authority)
        {
            return refused(reason, None, Account::default());
        }
        let (index, rule) = match self.policy.rules.find(&look.target) {
            Match::Rule(index, rule) => (Some(index), Some(rule)),
            Match::None => (None, None),
            Match::Ambiguous => return refused(Reason::RuleDenied, None, Account::default()),
        };
        let access = rule.map_or(Access::Require, |rule| rule.access);
        match access {
            Access::Public => return Verdict::Allowed(Call::default()),
            Access::Deny => return refused(Reason::RuleDenied, None, self.account(None, None, index)),
            Access::Require | Access::Optional => {}
        }
        let other = rule.and_then(|rule| rule.tier.as_ref()).map(|other| other.tier);
        let (caller, account) = match self.identify(host, look) {
            Ok(caller) => {
                let tier = Some(other.unwrap_or(caller.entry.profile.tier));
                let account = self.account(Some(caller.entry.credential.client), tier, index);
                (Some(caller), account)
            }
            Err(Stranger { reason: Reason::NoCertificate, .. }) if access == Access::Optional => {
                (None, self.account(None, other.or(self.policy.anonymous_tier), index))
            }
            Err(Stranger { reason, fingerprint }) => {
                return refused(reason, fingerprint, self.account(None, None, index));
            }
        };
        match self.admit(host, caller.as_ref(), rule, &account, look.target.method) {
            Ok(Some(draw)) if !draw.take.taken() => Verdict::Throttled(Call { caller, account, draw: None }, draw),
            Ok(draw) => Verdict::Allowed(Call { caller, account, draw }),
            Err(reason) => Verdict::Refused(Refusal { reason, fingerprint: None, caller, account }),
        }
    }

    /// Whether the caller may, now, by this rule; and what the request takes.
    fn admit(
        &self,
        host: &impl Host,
        caller: Option<&Caller<'_>>,
        rule: Option<&Rule>,
        account: &Account,
        method: &[u8],
    ) -> Result<Option<Draw>, Reason> {
        let now = host.wall();
        if let Some(caller) = caller {
            self.check(host, caller, now)?;
            if let Some(rule) = rule {
                self.authorize(host, caller, rule)?;
            }
        }
        self.throttle(host, account, method, now)
    }

    /// Counts the verdict and leaves its traces for people.
    pub(super) fn record(&self, host: &impl Host, verdict: &Verdict<'_>) {
        let (reason, account) = (verdict.reason(), verdict.account());
        let (client, tier) = (verdict.caller().map(|caller| caller.entry.client), self.tier(&account));
        host.decided(reason, account.tier, account.client);
        if let Some((account, draw)) = verdict.draw() {
            draw.short(self.limits(account)).for_each(|(_, limit)| host.limit_exceeded(account.tier, limit));
        }
        if let Some(reason) = reason {
            host.filter_state(REASON, reason.as_str());
            host.refused(&Event {
                reason,
                shadow: self.policy.mode == Mode::Shadow,
                client: client.zip(tier).map(|(client, tier)| (client.alias, &tier.name)),
                rule: account.rule.and_then(|rule| self.policy.rules.rule(rule)?.name.as_ref()),
                fingerprint: verdict.fingerprint(),
                strictest_tier: self.strictest_tier(),
            });
        }
        if reason.is_some() || self.policy.filter_state == FilterState::Always {
            if let Some(client) = client {
                host.filter_state("certgate.alias", client.alias);
            }
            if let Some(tier) = tier {
                host.filter_state("certgate.tier", tier.name.as_str());
            }
        }
        if let (Some(caller), FilterState::Always) = (verdict.caller(), self.policy.filter_state)
            && let Some(groups) = joined(&caller.entry.profile.groups, ",")
        {
            host.filter_state("certgate.groups", &groups);
        }
    }
}

/// Nobody who is known is refused.
fn refused<'e>(reason: Reason, fingerprint: Option<Fingerprint>, account: Account) -> Verdict<'e> {
    Verdict::Refused(Refusal { reason, fingerprint, caller: None, account })
}
