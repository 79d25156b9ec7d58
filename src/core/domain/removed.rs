//! The credentials that former configurations of a process had and the active one has not, as far as they are known. The log
//! says of their certificates that the client was removed, and does not offer them for pasting again.

use super::credential::{CredentialIndex, Identifier, Kind, Shape};
use super::fingerprint::LENGTH;
use super::sorted;
use super::table::ClientTable;
use super::table_layout::ShapeEntry;
use zerocopy::{IntoBytes, transmute_ref};

/// The most removed credentials that are known. Those of the newest removal come first.
const MOST: usize = 1024;

const SHAPE: usize = size_of::<ShapeEntry>();
/// The index of the kind, and the digest.
const IDENTIFIER: usize = 1 + LENGTH;

/// Removed credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedCredentials {
    /// The shapes in which names and public keys are compared.
    shapes: Vec<Shape>,
    identifiers: Vec<Identifier>,
}

impl RemovedCredentials {
    /// The credentials that `former` had or knew as removed, and that `clients` has not.
    pub fn after(former: &ClientTable, known: &Self, clients: &ClientTable) -> Self {
        let mut removed = Self::default();
        let count = former.credential_count();
        for index in 0..count.saturating_add(known.identifiers.len()) {
            let identifier = match index.checked_sub(count) {
                None => former.identifier(CredentialIndex(index)),
                Some(index) => known.identifiers.get(index).copied(),
            };
            let gone = identifier.filter(|identifier| clients.find(identifier).is_none());
            if removed.identifiers.len() < MOST {
                removed.identifiers.extend(gone);
            }
        }
        if !removed.identifiers.is_empty() {
            removed.shapes.clone_from(&known.shapes);
            former.shapes().for_each(|shape| sorted::insert(&mut removed.shapes, shape));
        }
        removed
    }

    /// Whether this credential was removed.
    pub fn has(&self, identifier: &Identifier) -> bool {
        self.identifiers.contains(identifier)
    }

    /// The shapes in which names and public keys of removed credentials are compared.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The credentials whose [`Self::to_bytes`] these are; `None` if they are none's.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(SHAPE)?;
        let (shapes, identifiers) = rest.split_at_checked(length)?;
        let shape = |bytes: &[u8; SHAPE]| {
            let entry: &ShapeEntry = transmute_ref!(bytes);
            entry.shape()
        };
        let identifier = |[kind, digest @ ..]: &[u8; IDENTIFIER]| {
            Some(Identifier { kind: *Kind::ALL.get(usize::from(*kind))?, digest: *digest })
        };
        Some(Self {
            shapes: shapes.as_chunks().0.iter().filter_map(shape).collect(),
            identifiers: identifiers.as_chunks().0.iter().filter_map(identifier).collect(),
        })
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = u32::try_from(self.shapes.len()).unwrap_or(0);
        let mut bytes = count.to_le_bytes().to_vec();
        self.shapes.iter().for_each(|shape| bytes.extend(ShapeEntry::new(*shape).as_bytes()));
        for Identifier { kind, digest } in &self.identifiers {
            bytes.push(u8::try_from(kind.place()).unwrap_or(u8::MAX));
            bytes.extend(digest);
        }
        bytes
    }
}
