//! Whether a rule admits a client that was identified.

use super::Engine;
use super::host::Host;
use super::identify::Caller;
use super::look::Look;
use super::token::has_bound_token;
use crate::domain::decision::Reason;
use crate::domain::rules::Rule;

impl Engine {
    /// Whether the caller may make a request that this rule decides.
    #[inline(never)]
    pub(super) fn authorize(
        &self,
        host: &impl Host,
        look: &Look<'_>,
        caller: &Caller<'_>,
        rule: &Rule,
    ) -> Result<(), Reason> {
        let believed = match rule.who.conditions.is_empty() {
            true => None,
            false => self.believed(host, caller)?,
        };
        let meets = |condition| believed.is_some_and(|content| content.meets(condition));
        let admitted = rule.who.admits(caller.entry.credential.client, caller.entry.profile, meets);
        if !admitted || rule.bound_token && !has_bound_token(host, look, caller.fingerprint)? {
            return Err(Reason::RuleDenied);
        }
        Ok(())
    }
}
