//! The way of one request through a host: its headers are stripped, it is decided, the decision is applied and recorded.

use super::Engine;
use super::decision::{Decision, Outcome};
use super::edits::{Edit, joined};
use super::host::{Clock, Headers, HostFailure, Peer, Telemetry};
use super::ledger::Ledger;
use crate::domain::cause::Cause;
use crate::domain::limits::ExceededLimits;
use crate::telemetry::audit_event::Event;

/// The key of the filter state with the reason of a refusal.
const REASON: &str = "certgate.reason";

/// Decides the request with these headers, and applies the decision to it.
pub fn handle<'h>(
    engine: &Engine,
    peer: &impl Peer,
    ledger: &impl Ledger,
    clock: &impl Clock,
    request: &impl Headers,
    telemetry: &impl Telemetry,
    headers: impl Iterator<Item = (&'h [u8], &'h [u8])> + Clone,
) -> Outcome {
    let head = engine.read(headers.clone());
    let mut decision = match engine.strip(request, &head, headers.clone()) {
        Ok(()) => engine.decide(peer, ledger, clock, &head),
        Err(_) => engine.unsendable(&head),
    };
    if decision.try_for_each_edit(|edit| apply(request, edit)).is_err() {
        decision.fail();
    }
    record(telemetry, &decision, headers);
    decision.outcome()
}

/// Refuses a request with this `content-type` that no policy could decide, for this cause.
pub fn refuse_undecided(telemetry: &impl Telemetry, cause: Cause, content_type: Option<&[u8]>) -> Outcome {
    let decision = Decision::undecided(cause, content_type);
    telemetry.decided(decision.reason(), None, None);
    if let Some(refusal) = decision.refusal {
        telemetry.filter_state(REASON, refusal.reason.as_str());
    }
    telemetry.log(decision.reason(), || Event { refusal: decision.refusal, ..Event::UNDECIDED });
    decision.outcome()
}

fn apply(request: &impl Headers, edit: Edit<'_>) -> Result<(), HostFailure> {
    match edit {
        Edit::Add(name, value) => request.add(name, value),
        Edit::Set(name, value) => request.set(name, value),
        Edit::Remove(name) => request.remove(name.as_bytes()),
    }
}

/// Counts the decision about the request with these headers, and leaves its traces for people.
fn record<'h>(
    telemetry: &impl Telemetry,
    decision: &Decision<'_>,
    headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
) {
    for (credential, not_after) in &decision.observations.parsed {
        telemetry.parsed(*credential, *not_after);
    }
    if decision.observations.dates_unchecked {
        telemetry.dates_unchecked();
    }
    telemetry.decided(decision.reason(), decision.tier_index, decision.client_index());
    if let Some(charge) = &decision.charge {
        charge.exceeded().for_each(|limit| telemetry.limit_exceeded(decision.tier_index, limit));
    }
    if decision.is_logged() || decision.always_in_filter_state() {
        leave_traces(telemetry, decision, headers);
    }
}

/// Writes filter state, and logs the request. Apart from most requests, which it would slow down.
#[inline(never)]
fn leave_traces<'h>(
    telemetry: &impl Telemetry,
    decision: &Decision<'_>,
    headers: impl Iterator<Item = (&'h [u8], &'h [u8])>,
) {
    let always = decision.always_in_filter_state();
    if let Some(refusal) = decision.refusal {
        telemetry.filter_state(REASON, refusal.reason.as_str());
        if always {
            telemetry.filter_state("certgate.cause", refusal.cause.as_str());
        }
    }
    if decision.is_logged() {
        telemetry.log(decision.reason(), || decision.event(headers));
    }
    if decision.refusal.is_none() && !always {
        return;
    }
    if let Some(limits) = decision.exceeded_limits().filter(|_| always).map(ExceededLimits::enforced_names) {
        telemetry.filter_state("certgate.limits", &limits);
    }
    if let Some(alias) = decision.alias() {
        telemetry.filter_state("certgate.alias", alias);
    }
    if let Some(tier) = decision.tier() {
        telemetry.filter_state("certgate.tier", tier.name.as_str());
    }
    if let Some(client) = decision.client.as_ref().filter(|_| always)
        && let Some(groups) = joined(&client.entry.profile.groups, ",")
    {
        telemetry.filter_state("certgate.groups", &groups);
    }
}
