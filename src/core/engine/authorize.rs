//! Whether a rule admits a client that was identified.

use super::host::Peer;
use super::identity::{Identified, Identity, Observations};
use super::request_head::RequestHead;
use super::token::check_token;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::rules::Rule;

/// Security check: whether the client may make the request that this rule decides.
#[inline(never)]
pub(super) fn check_rule(
    rule: &Rule,
    identity: &Identity,
    peer: &impl Peer,
    head: &RequestHead<'_>,
    client: &Identified<'_>,
    observations: &mut Observations,
) -> Result<(), Refusal> {
    let contents = match rule.who.conditions.is_empty() {
        true => None,
        false => identity.trusted_contents(peer, client, observations)?,
    };
    let names = contents.as_ref().and_then(|contents| contents.names.as_ref());
    let meets = |condition| names.is_some_and(|names| names.meet(condition));
    match rule.who.admits(client.entry.credential.client, client.entry.profile, meets) {
        Ok(()) if rule.bound_token => check_token(peer, head.authorization, head.target.path, client.fingerprint),
        Ok(()) => Ok(()),
        Err(Cause::ConditionNotMet) => Err(client.cause_of_unmet_condition(contents.as_deref()).of_rule()),
        Err(cause) => Err(cause.of_rule()),
    }
}
