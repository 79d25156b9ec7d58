//! Whether a rule admits a client that was identified.

use super::Engine;
use super::content::Content;
use super::host::Host;
use super::identify::Caller;
use super::look::Look;
use super::presented::Shown;
use super::token::has_bound_token;
use crate::domain::decision::Reason;
use crate::domain::rules::Rule;
use std::sync::Arc;

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
        let content = match rule.who.conditions.is_empty() {
            true => None,
            false => self.compared(host, caller)?,
        };
        let names = content.as_ref().and_then(|content| content.names.as_ref());
        let meets = |condition| names.is_some_and(|names| names.meet(condition));
        let admitted = rule.who.admits(caller.entry.credential.client, caller.entry.profile, meets);
        if !admitted || rule.bound_token && !has_bound_token(host, look, caller.fingerprint)? {
            return Err(Reason::RuleDenied);
        }
        Ok(())
    }

    /// What the caller's certificate says with its names, if it can be believed.
    fn compared(&self, host: &impl Host, caller: &Caller<'_>) -> Result<Option<Arc<Content>>, Reason> {
        match self.trusted_content(host, caller)? {
            Some(content) if content.names.is_none() => {
                self.content(host, caller.fingerprint, &Shown::OnDemand, &|_| Ok(true))
            }
            content => Ok(content.map(Arc::clone)),
        }
    }
}
