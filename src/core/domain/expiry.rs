//! When credentials end, as far as a configuration tells: which of them metrics show.

use super::credential::{CredentialIndex, Kind};
use super::name::Name;
use super::table::ClientTable;
use super::time::{UnixSeconds, Validity};
use std::collections::BinaryHeap;
use std::iter;

/// The credentials whose ends are shown, as bytes. Of each: u32 where it stands, u32 when it ends, both little-endian, and
/// its name behind its length, which is 0 where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiries(Vec<u8>);

/// What is to be shown of one credential's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry<'a> {
    /// Which credential.
    pub credential: CredentialIndex,
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// When it ends, in seconds since 1970: by the operator's word or its certificate's, whichever is earlier.
    /// [`UNKNOWN`], as long as nobody has shown the certificate, which is registered by its fingerprint.
    pub not_after: u32,
}

/// An end that is not known, or so far away (beyond 2106) that it is none.
pub const UNKNOWN: u32 = u32::MAX;

/// An end in fewer bits. What has ended before 1970 has ended then.
pub fn end(UnixSeconds(seconds): UnixSeconds) -> u32 {
    u32::try_from(seconds.max(1)).unwrap_or(UNKNOWN)
}

impl Expiries {
    /// Of the credentials that can be used, the `most` that end soonest; if there are fewer, the first of those whose end
    /// their certificates will tell. What nobody needs to renew is not among them: what is revoked, and whose client may
    /// not call. `names` are those of credentials, in the order of these.
    pub fn soonest(clients: &ClientTable, names: &[(CredentialIndex, Name)], most: usize) -> Self {
        let mut ends = vec![UNKNOWN; clients.credential_count()];
        let mut bound = |(CredentialIndex(index), validity): (_, Validity)| {
            if let Some(known) = ends.get_mut(index) {
                *known = end(validity.not_after).min(*known);
            }
        };
        clients.dates().for_each(&mut bound);
        clients.windows().for_each(&mut bound);
        let mut soonest = BinaryHeap::new();
        for ((index, end), credential) in (0_u32..).zip(ends).zip(clients.credentials()) {
            let usable = !credential.revoked && clients.client(credential.client).is_some_and(|client| client.enabled);
            if usable && (end != UNKNOWN || credential.kind == Kind::Sha256) {
                soonest.push((u64::from(end) << 32) | u64::from(index));
                // The latest of them goes.
                if soonest.len() > most {
                    let _ = soonest.pop();
                }
            }
        }
        let mut bytes = Vec::new();
        for key in soonest {
            let place = names
                .binary_search_by_key(&(key & u64::from(u32::MAX)), |(CredentialIndex(index), _)| {
                    u64::try_from(*index).unwrap_or(u64::MAX)
                })
                .ok();
            let name = place.and_then(|place| names.get(place)).map_or("", |(_, name)| name.as_str());
            bytes.extend(key.to_le_bytes());
            bytes.push(u8::try_from(name.len()).unwrap_or(0));
            bytes.extend(name.as_bytes());
        }
        Self(bytes)
    }

    /// Those of which [`Self::as_bytes`] gave these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// One after the other, in no order. What is behind bytes that are not as they should be is not among them.
    pub fn iter(&self) -> impl Iterator<Item = Expiry<'_>> {
        let mut rest = self.0.as_slice();
        iter::from_fn(move || {
            let (index, after) = rest.split_first_chunk()?;
            let (end, after) = after.split_first_chunk()?;
            let (length, after) = after.split_first()?;
            let (name, after) = after.split_at_checked(usize::from(*length))?;
            rest = after;
            Some(Expiry {
                credential: CredentialIndex(usize::try_from(u32::from_le_bytes(*index)).ok()?),
                name: str::from_utf8(name).ok().filter(|name| !name.is_empty()),
                not_after: u32::from_le_bytes(*end),
            })
        })
    }
}
