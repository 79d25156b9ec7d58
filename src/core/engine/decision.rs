//! A decision about one request, as data: everything that is applied, counted, logged or explained of it.

use super::edits::{Edit, Edits};
use super::identity::{Identified, Observations, Unidentified};
use super::limits::{ByteCount, Charge, ResponseHeaders};
use super::reply::{self, Protocol, Reply};
use super::request_head::RequestHead;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::client::{ClientIndex, Tier, TierIndex};
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::{Chain, Holder};
use crate::domain::limit::Limit;
use crate::domain::limits::ExceededLimits;
use crate::domain::mode::Mode;
use crate::domain::name::Name;
use crate::domain::policy::{Audit, FilterState, Policy};
use crate::domain::revocation::CrlIndex;
use crate::domain::rules::{Rule, RuleIndex};
use crate::telemetry::audit_event::{Event, Request};
use crate::telemetry::trace_parent;
use std::mem;

/// The decision about one request. Nothing of it is applied yet but the charge, which is in the ledger.
///
/// A limit of a whole fleet will have to ask a service that the engine does not call. Then
/// [`Engine::decide`](super::Engine::decide) will return an enum of a `Decision` and of a list of questions, whose pure
/// `resume(answers)` returns the `Decision`. The questions are made where the request is charged, which is the last step of
/// deciding, so everything before stays as it is.
pub struct Decision<'e> {
    /// Why the request does not pass, or in shadow mode would not; `None` if it passes.
    pub refusal: Option<Refusal>,
    /// Whether the mode is `enforce`.
    pub enforced: bool,
    /// The client, with its credential and certificate; `None` if the request needs none or its caller is none.
    pub client: Option<Identified<'e>>,
    /// The caller, if it is no client.
    pub unidentified: Option<Unidentified>,
    /// The tier in which the request counts.
    pub tier_index: Option<TierIndex>,
    /// The rule that decided, or the first that asks for a part of the request that is ambiguous.
    pub rule_index: Option<RuleIndex>,
    /// The charge of the limits; `None` if no limit applies or the request was refused before.
    pub charge: Option<Charge<'e>>,
    /// Facts about certificates that were learnt.
    pub observations: Observations,
    /// Whether upstreams are told the contents of the client's certificate: they ask for them, and the contents are trusted.
    pub(super) tells_contents: bool,
    /// The tier that admits the fewest requests, if the log suggests one for the caller.
    pub(super) suggested_tier: Option<&'e Name>,
    /// Whether the request's headers can be changed as they must be. A request that cannot be sent is not forwarded in
    /// shadow mode either, since it could have an identity that certgate has not set.
    sendable: bool,
    protocol: Protocol,
    /// `None` if no policy could decide.
    basis: Option<Basis<'e>>,
}

/// The policy that decided, and the request that it decided.
#[derive(Clone, Copy)]
struct Basis<'e> {
    policy: &'e Policy,
    head: &'e RequestHead<'e>,
}

/// The result of a decision that was applied.
#[derive(Debug)]
pub enum Outcome {
    /// The request goes on.
    Forward(Forward),
    /// The request is answered.
    Reply(Reply),
}

/// The rest of the work for a request that goes on.
#[derive(Debug, Default)]
pub struct Forward {
    /// The headers to set on its response.
    pub headers: Option<ResponseHeaders>,
    /// The count of the bytes of both bodies, if a limit counts them.
    pub byte_count: Option<Box<ByteCount>>,
}

impl<'e> Decision<'e> {
    /// The decision to let this request pass, before any check.
    pub(super) fn allowed(policy: &'e Policy, head: &'e RequestHead<'e>) -> Self {
        let enforced = policy.mode == Mode::Enforce;
        Self::new(None, enforced, true, head.protocol, Some(Basis { policy, head }))
    }

    /// The decision about a request whose headers could not be changed as they must be.
    pub(super) fn unsendable(policy: &'e Policy, head: &'e RequestHead<'e>) -> Self {
        let enforced = policy.mode == Mode::Enforce;
        let refusal = Some(Cause::HostCallFailed.into());
        Self::new(refusal, enforced, false, head.protocol, Some(Basis { policy, head }))
    }

    /// The decision about a request with this `content-type` that no policy could decide: there is none, or the request's
    /// headers cannot be read.
    pub fn undecided(cause: Cause, content_type: Option<&[u8]>) -> Self {
        let protocol = content_type.map_or(Protocol::Http, Protocol::of);
        Self::new(Some(cause.into()), true, false, protocol, None)
    }

    #[inline]
    fn new(
        refusal: Option<Refusal>,
        enforced: bool,
        sendable: bool,
        protocol: Protocol,
        basis: Option<Basis<'e>>,
    ) -> Self {
        Self {
            refusal,
            enforced,
            client: None,
            unidentified: None,
            tier_index: None,
            rule_index: None,
            charge: None,
            observations: Observations::default(),
            tells_contents: false,
            suggested_tier: None,
            sendable,
            protocol,
            basis,
        }
    }

    /// Makes the request unsendable, because the host could not change its headers. What was learnt of certificates stays.
    #[cold]
    pub(super) fn fail(&mut self) {
        if let Some(Basis { policy, head }) = self.basis {
            let observations = mem::take(&mut self.observations);
            *self = Self { observations, ..Self::unsendable(policy, head) };
        }
    }

    /// Whether the request goes on.
    pub fn forwards(&self) -> bool {
        self.sendable && (self.refusal.is_none() || !self.enforced)
    }

    /// Whether the request goes on under its client's name: it passes, or in shadow mode it is over a limit and no more.
    pub(super) fn forwards_identity(&self) -> bool {
        self.forwards() && matches!(self.reason(), None | Some(Reason::LimitExceeded))
    }

    /// The reason why the request does not pass, or in shadow mode would not.
    pub fn reason(&self) -> Option<Reason> {
        self.refusal.map(|refusal| refusal.reason)
    }

    /// The client's alias.
    pub fn alias(&self) -> Option<&'e str> {
        self.client.as_ref().map(|client| client.entry.client.alias)
    }

    /// The client's index.
    pub fn client_index(&self) -> Option<ClientIndex> {
        self.client.as_ref().map(|client| client.entry.credential.client)
    }

    /// The fingerprint of the caller's certificate, client or not.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match &self.unidentified {
            Some(unidentified) => unidentified.fingerprint,
            None => self.client.as_ref().map(|client| client.fingerprint),
        }
    }

    /// The tier in which the request counts.
    pub fn tier(&self) -> Option<&'e Tier> {
        self.basis?.policy.registry.tier(self.tier_index?)
    }

    /// The rule that decided.
    pub fn rule(&self) -> Option<&'e Rule> {
        self.basis?.policy.rules.rule(self.rule_index?)
    }

    /// Hands the edits of the request's headers to `apply`, one after the other, until one fails.
    pub fn try_for_each_edit<E>(&self, apply: impl FnMut(Edit<'_>) -> Result<(), E>) -> Result<(), E> {
        let Some(Basis { policy, head }) = self.basis else { return Ok(()) };
        let forwards_identity = self.forwards_identity();
        let client = self.client.as_ref().filter(|_| forwards_identity);
        let mut edits = Edits { replaces: head.has_owned_headers, apply };
        if !head.xfcc.is_empty() && !client.is_some_and(|client| client.forwarded) {
            edits.remove_xfcc()?;
        }
        if let Some(client) = client {
            edits.put_client(&policy.headers, client, self.tier())?;
            if let Some(contents) = client.contents.as_ref().filter(|_| self.tells_contents) {
                edits.put_contents(&policy.headers, contents)?;
            }
        }
        let charge = self.charge.as_ref().filter(|_| forwards_identity);
        charge.and_then(Charge::warning).map_or(Ok(()), |warning| edits.put_warning(&warning))
    }

    /// The rate-limit fields of the response.
    pub fn response_headers(&self) -> Option<ResponseHeaders> {
        self.charge.as_ref()?.response_headers()
    }

    /// The reply; `None` if the request goes on.
    pub fn reply(&self) -> Option<Reply> {
        (!self.forwards()).then(|| self.refusal())
    }

    fn refusal(&self) -> Reply {
        match (self.reason(), &self.charge) {
            (Some(Reason::LimitExceeded), Some(charge)) => {
                let enforced: Vec<&Limit> = charge.exceeded().filter(|limit| limit.mode == Mode::Enforce).collect();
                let headers = charge.response_headers();
                let pairs = headers.as_ref().map(ResponseHeaders::pairs).unwrap_or_default();
                reply::throttled(self.protocol, charge.retry_after_seconds(), &enforced, &pairs)
            }
            (reason, _) => reply::refused(self.protocol, reason.unwrap_or(Reason::Internal)),
        }
    }

    /// The count of the request's bytes, which begins now; `None` if no limit counts them. A request that passes only
    /// because of shadow mode is not counted.
    pub fn byte_count(&self) -> Option<Box<ByteCount>> {
        self.charge.as_ref().filter(|_| self.refusal.is_none())?.byte_count(self.alias())
    }

    /// The result, once the edits are applied.
    pub(super) fn outcome(&self) -> Outcome {
        if self.forwards() {
            Outcome::Forward(Forward { headers: self.response_headers(), byte_count: self.byte_count() })
        } else {
            Outcome::Reply(self.refusal())
        }
    }

    /// Whether the log may have a line of the request.
    pub(super) fn is_logged(&self) -> bool {
        self.refusal.is_some() || self.basis.is_some_and(|basis| basis.policy.audit == Audit::All)
    }

    /// Whether filter state has the client also where the request passes.
    pub(super) fn always_in_filter_state(&self) -> bool {
        self.basis.is_some_and(|basis| basis.policy.filter_state == FilterState::Always)
    }

    /// The limits that refuse the request; `None` if it is refused for something else, or passes.
    pub(super) fn exceeded_limits(&self) -> Option<ExceededLimits<'_>> {
        let charge = self.charge.as_ref().filter(|_| self.reason() == Some(Reason::LimitExceeded))?;
        Some(charge.exceeded_limits())
    }

    /// The event for the audit log. The request's `headers` are searched for `traceparent`.
    pub fn event<'d, 'h: 'd>(&'d self, headers: impl Iterator<Item = (&'h [u8], &'h [u8])>) -> Event<'d> {
        let Some(Basis { policy, head }) = self.basis else {
            return Event { refusal: self.refusal, ..Event::UNDECIDED };
        };
        let holder = match (&self.unidentified, &self.client) {
            (Some(unidentified), _) => unidentified.holder,
            (None, Some(client)) if client.forwarded => Holder::ForwardedClient,
            (None, _) => Holder::Client,
        };
        let crl = |index: CrlIndex| Some((index, &*policy.revocation_lists.get(index.0)?.issuer_name));
        Event {
            refusal: self.refusal,
            shadow: !self.enforced,
            alias: self.alias(),
            tier: self.tier().map(|tier| &tier.name),
            rule: self.rule_index.map(|index| (index, self.rule().and_then(|rule| rule.name.as_ref()))),
            exceeded: self.exceeded_limits(),
            crl: self.observations.crl.and_then(crl),
            fingerprint: self.fingerprint(),
            holder,
            certificate: self.unidentified.as_ref().and_then(|unidentified| unidentified.certificate.as_deref()),
            trusts_names: holder == Holder::ForwardedClient || policy.identity.chain == Chain::Listener,
            strictest_tier: self.suggested_tier,
            request: (policy.audit != Audit::Samples).then(|| Request {
                method: head.target.method,
                path: head.target.path,
                trace_parent: trace_parent::parent(headers),
            }),
        }
    }
}
