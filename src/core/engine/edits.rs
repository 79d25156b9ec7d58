//! The changes of a request's headers that a decision makes.

use super::identity::{Contents, Identified};
use crate::domain::client::Tier;
use crate::domain::headers::{CLIENT_CERT, IdentityHeaders, LIMIT_WARNING, XFCC};
use crate::domain::name::Name;

/// One change of a request's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit<'d> {
    /// Adds a line with this name and value. The request has no line with this name.
    Add(&'d str, &'d [u8]),
    /// Replaces every line with this name by one with this value.
    Set(&'d str, &'d [u8]),
    /// Removes every line with this name.
    Remove(&'d str),
}

/// The edits of one request. Each is handed to a host as it is made, and the first failure of the host ends them.
pub(super) struct Edits<F> {
    /// Whether the request came with headers that only certgate may set. They were removed; a header is set and not added
    /// nevertheless, so that a request does not depend on their removal. Most requests come without.
    pub(super) replaces: bool,
    /// The host.
    pub(super) apply: F,
}

impl<F> Edits<F> {
    #[inline(always)]
    fn put<E>(&mut self, name: &str, value: &[u8]) -> Result<(), E>
    where
        F: FnMut(Edit<'_>) -> Result<(), E>,
    {
        (self.apply)(if self.replaces { Edit::Set(name, value) } else { Edit::Add(name, value) })
    }

    /// Removes `x-forwarded-client-cert`.
    pub(super) fn remove_xfcc<E>(&mut self) -> Result<(), E>
    where
        F: FnMut(Edit<'_>) -> Result<(), E>,
    {
        (self.apply)(Edit::Remove(XFCC))
    }

    /// Sets the headers about the client and its tier.
    pub(super) fn put_client<E>(
        &mut self,
        names: &IdentityHeaders,
        client: &Identified<'_>,
        tier: Option<&Tier>,
    ) -> Result<(), E>
    where
        F: FnMut(Edit<'_>) -> Result<(), E>,
    {
        let tier = tier.map_or(&b""[..], |tier| tier.name.as_str().as_bytes());
        let values = [
            (&names.alias, client.entry.client.alias.as_bytes()),
            (&names.tier, tier),
            (&names.fingerprint, &client.digits),
        ];
        let switched_on = values.into_iter().filter_map(|(name, value)| Some((name.as_deref()?, value)));
        switched_on.into_iter().try_for_each(|(name, value)| self.put(name, value))?;
        let profile = client.entry.profile;
        let values = [(&names.groups, &profile.groups, ","), (&names.scopes, &profile.scopes, " ")];
        let switched_on = values.into_iter().filter_map(|(name, values, separator)| {
            let name = name.as_deref()?;
            Some((name, joined(values, separator)?))
        });
        switched_on.into_iter().try_for_each(|(name, value)| self.put(name, value.as_bytes()))
    }

    /// Sets the headers about the contents of a certificate, which are trusted.
    pub(super) fn put_contents<E>(&mut self, names: &IdentityHeaders, contents: &Contents) -> Result<(), E>
    where
        F: FnMut(Edit<'_>) -> Result<(), E>,
    {
        let values = &contents.values;
        let client_cert = Some(CLIENT_CERT).filter(|_| names.client_cert);
        let values = [
            (names.subject.as_deref(), &values.subject),
            (names.spiffe_id.as_deref(), &values.spiffe_id),
            (names.not_after.as_deref(), &values.not_after),
            (client_cert, &values.client_cert),
        ];
        values.into_iter().try_for_each(|(name, value)| match (name, value) {
            (Some(name), Some(value)) => self.put(name, value.as_bytes()),
            _ => Ok(()),
        })
    }

    /// Sets the header about limits that are exceeded or nearly used up.
    pub(super) fn put_warning<E>(&mut self, warning: &str) -> Result<(), E>
    where
        F: FnMut(Edit<'_>) -> Result<(), E>,
    {
        self.put(LIMIT_WARNING, warning.as_bytes())
    }
}

/// The names as one value; `None` if there are none.
pub(super) fn joined(names: &[Name], separator: &str) -> Option<String> {
    let names: Vec<_> = names.iter().map(Name::as_str).collect();
    (!names.is_empty()).then(|| names.join(separator))
}
