//! Whether a rule admits a client that was identified.

use super::host::Peer;
use super::identity::{Identified, Identity, Observations};
use super::request_head::RequestHead;
use super::token::has_bound_token;
use crate::domain::decision::Reason;
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
) -> Result<(), Reason> {
    let contents = match rule.who.conditions.is_empty() {
        true => None,
        false => identity.trusted_contents(peer, client, observations)?,
    };
    let names = contents.as_ref().and_then(|contents| contents.names.as_ref());
    let meets = |condition| names.is_some_and(|names| names.meet(condition));
    let admitted = rule.who.admits(client.entry.credential.client, client.entry.profile, meets);
    let has_token = || has_bound_token(peer, head.authorization, head.target.path, client.fingerprint);
    if !admitted || rule.bound_token && !has_token()? {
        return Err(Reason::RuleDenied);
    }
    Ok(())
}
