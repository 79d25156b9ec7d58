//! The layouts of the entries of a [`ClientTable`](super::table::ClientTable). All numbers are little-endian.

use super::credential::{CredentialIndex, Kind, Shape};
use super::fingerprint::LENGTH;
use super::slots::number;
use super::time::{UnixSeconds, Validity};
use zerocopy::little_endian::{I64, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first bytes of a table. They change with the layouts.
pub(super) const MAGIC: [u8; 4] = *b"cgt3";

/// The bit beside a client's profile of a disabled client.
pub(super) const DISABLED: u32 = 1 << 31;
/// The bit beside a credential's client of a revoked credential.
pub(super) const REVOKED: u32 = 1 << 31;
/// The bit beside a credential's client of a credential with a window.
pub(super) const BOUNDED: u32 = 1 << 30;
/// The lowest bit beside a credential's client of the index of its kind.
pub(super) const KIND: u32 = 27;
/// The bits of the client's index.
pub(super) const CLIENT_BITS: u32 = (1 << KIND) - 1;

/// The header: what the sections after it contain.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub(super) magic: [u8; 4],
    pub(super) clients: U32,
    pub(super) credentials: U32,
    pub(super) dates: U32,
    pub(super) windows: U32,
    pub(super) shapes: U32,
    /// The bytes of all profiles.
    pub(super) profiles: U32,
    /// The bytes of all aliases.
    pub(super) aliases: U32,
}

/// A client.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct ClientEntry {
    /// The end of its alias among all aliases.
    pub(super) alias_end: U32,
    /// The index of its profile, with [`DISABLED`] or not.
    pub(super) profile: U32,
}

/// A credential.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct CredentialEntry {
    pub(super) digest: [u8; LENGTH],
    /// The index of its client, with its kind, and with [`REVOKED`] and [`BOUNDED`] or not.
    pub(super) client: U32,
}

/// The validity period or the window of a credential.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct ValidityEntry {
    credential: U32,
    /// Seconds since 1970.
    not_before: I64,
    /// Seconds since 1970.
    not_after: I64,
}

impl ValidityEntry {
    pub(super) fn new(credential: usize, Validity { not_before, not_after }: Validity) -> Self {
        Self { credential: number(credential).into(), not_before: not_before.0.into(), not_after: not_after.0.into() }
    }

    pub(super) fn credential(&self) -> Option<CredentialIndex> {
        usize::try_from(self.credential.get()).ok().map(CredentialIndex)
    }

    pub(super) fn validity(&self) -> Validity {
        let [not_before, not_after] = [self.not_before, self.not_after].map(|seconds| UnixSeconds(seconds.get()));
        Validity { not_before, not_after }
    }
}

/// The shape of names.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct ShapeEntry {
    /// The index of its kind.
    kind: u8,
    parts: u8,
    unused: [u8; 2],
    mask: U32,
}

impl ShapeEntry {
    pub(super) fn new(Shape { kind, parts, mask }: Shape) -> Self {
        Self { kind: u8::try_from(kind.place()).unwrap_or(u8::MAX), parts, unused: [0; 2], mask: mask.into() }
    }

    /// The shape; `None` if its kind is unknown.
    pub(super) fn shape(&self) -> Option<Shape> {
        let kind = *Kind::ALL.get(usize::from(self.kind))?;
        Some(Shape { kind, parts: self.parts, mask: self.mask.get() })
    }
}
