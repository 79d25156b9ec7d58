//! The expiries of credentials in a configuration, and which of them metrics show.

use super::credential::{CredentialIndex, Kind};
use super::name::Name;
use super::table::ClientTable;
use super::time::{UnixSeconds, Validity};
use std::collections::BinaryHeap;
use std::iter;

/// The credentials whose expiries are shown, as bytes. Each entry is: u32 index of the credential, u32 expiry, u8
/// length of the name (0: none), name. Numbers are little-endian.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiries(Vec<u8>);

/// The expiry of one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry<'a> {
    /// The credential.
    pub credential: CredentialIndex,
    /// The name of the credential, if it has one.
    pub name: Option<&'a str>,
    /// The expiry in seconds since 1970: the earlier of the operator's `not_after` and the certificate's `notAfter`.
    /// [`UNKNOWN`] for a fingerprint whose certificate has not been presented.
    pub not_after: u32,
}

/// An unknown expiry, or one beyond 2106.
pub const UNKNOWN: u32 = u32::MAX;

/// An expiry in 32 bits. An expiry before 1970 becomes 1.
pub fn end(UnixSeconds(seconds): UnixSeconds) -> u32 {
    u32::try_from(seconds.max(1)).unwrap_or(UNKNOWN)
}

impl Expiries {
    /// The `most` usable credentials that expire first; then, if there is room, fingerprints with an unknown expiry in
    /// their order. Left out are revoked credentials and those of disabled clients, which need no renewal. `names` has
    /// the names of credentials, in ascending order of the credentials.
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
                // The credential that expires last is dropped.
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

    /// The expiries whose [`Self::as_bytes`] these are.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The expiries, in no order. They end at the first malformed entry.
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
