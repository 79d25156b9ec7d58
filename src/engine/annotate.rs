//! What a request says about its caller when it goes on: nothing but what certgate found out.

use super::Engine;
use super::host::{Headers, Host, HostFailure};
use super::verdict::Verdict;
use crate::domain::fingerprint::{Fingerprint, LENGTH};
use crate::domain::policy::Mode;
use crate::domain::registry::Entry;
use data_encoding::HEXLOWER;

impl Engine {
    /// Removes every header or trailer with a name that only certgate may use, in whatever spelling.
    pub fn strip<'h>(&self, headers: &impl Headers, names: impl Iterator<Item = &'h [u8]>) -> Result<(), HostFailure> {
        names.filter(|name| self.owned.owns(name)).try_for_each(|name| headers.remove(name))
    }

    /// Sets the identity headers on a request that goes on under its client's name.
    pub(super) fn annotate<'e>(&self, host: &impl Host, verdict: Verdict<'e>) -> Verdict<'e> {
        let named = match &verdict {
            Verdict::Allowed { entry, .. } => Some(entry),
            Verdict::Throttled { entry, .. } if self.policy.mode == Mode::Shadow => Some(entry),
            _ => None,
        };
        match named.map(|entry| self.set_identity(host, entry)) {
            None | Some(Ok(())) => verdict,
            Some(Err(HostFailure(_))) => Verdict::Unsendable,
        }
    }

    fn set_identity(&self, headers: &impl Headers, entry: &Entry<'_>) -> Result<(), HostFailure> {
        let names = &self.policy.headers;
        let set = |name: &Option<Box<str>>, value: &[u8]| match name {
            Some(name) => headers.set(name, value),
            None => Ok(()),
        };
        set(&names.alias, entry.client.alias.as_str().as_bytes())?;
        set(&names.tier, entry.tier.name.as_str().as_bytes())?;
        if names.fingerprint.is_some() {
            set(&names.fingerprint, &hex(&entry.credential.fingerprint))?;
        }
        Ok(())
    }
}

fn hex(fingerprint: &Fingerprint) -> [u8; 2 * LENGTH] {
    let mut digits = [0; 2 * LENGTH];
    HEXLOWER.encode_mut(fingerprint.as_bytes(), &mut digits);
    digits
}
