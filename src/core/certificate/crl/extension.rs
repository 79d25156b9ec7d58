//! The extensions of a CRL and of its entries (RFC 5280 sections 5.2 and 5.3): which of them change its meaning, and
//! which forbid its use.

use super::der::{self, Reader};
use super::problem::CrlProblem;
use crate::certificate::oid;
use data_encoding::HEXLOWER;

// The contents of the object identifiers 2.5.29.x.
const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];

/// A sequence of extensions.
pub(super) struct Extensions<'d>(pub(super) Reader<'d>);

impl<'d> Extensions<'d> {
    /// Checks that a CRL with these extensions can be used.
    pub(super) fn check_list(self) -> Result<(), CrlProblem> {
        self.each(|extension| match extension.id {
            ISSUING_DISTRIBUTION_POINT => check_scope(extension.value),
            DELTA_CRL_INDICATOR => Err(CrlProblem::Delta),
            _ => extension.refuse_if_critical(),
        })
    }

    /// Whether an entry with these extensions revokes its certificate.
    pub(super) fn say_revoked(self) -> Result<bool, CrlProblem> {
        const REMOVE_FROM_CRL: u8 = 8;
        let mut revoked = true;
        self.each(|extension| match extension.id {
            REASON_CODE => {
                let mut value = Reader::new(extension.value);
                revoked &= value.take(der::ENUMERATED)?.content != [REMOVE_FROM_CRL];
                value.end()
            }
            CERTIFICATE_ISSUER => Err(CrlProblem::Indirect),
            _ => extension.refuse_if_critical(),
        })?;
        Ok(revoked)
    }

    fn each(mut self, mut take: impl FnMut(&Extension<'d>) -> Result<(), CrlProblem>) -> Result<(), CrlProblem> {
        while let Some(extension) = self.0.optional(der::SEQUENCE)? {
            take(&Extension::read(extension.content)?)?;
        }
        self.0.end()
    }
}

struct Extension<'d> {
    id: &'d [u8],
    critical: bool,
    value: &'d [u8],
}

impl<'d> Extension<'d> {
    fn read(der: &'d [u8]) -> Result<Self, CrlProblem> {
        let mut fields = Reader::new(der);
        let id = fields.take(der::OID)?.content;
        let critical = fields.optional(der::BOOLEAN)?.is_some_and(|flag| flag.content != [0]);
        let value = fields.take(der::OCTET_STRING)?.content;
        fields.end()?;
        Ok(Self { id, critical, value })
    }

    fn refuse_if_critical(&self) -> Result<(), CrlProblem> {
        if self.critical {
            let name = oid::dotted(self.id).unwrap_or_else(|| HEXLOWER.encode(self.id));
            return Err(CrlProblem::CriticalExtension(name));
        }
        Ok(())
    }
}

/// The issuing distribution point (RFC 5280 section 5.2.5). The name of the distribution point, and
/// `onlyContainsUserCerts`, change nothing.
fn check_scope(value: &[u8]) -> Result<(), CrlProblem> {
    const DISTRIBUTION_POINT: u8 = 0xa0;
    const ONLY_USER_CERTS: u8 = 0x81;
    const ONLY_CA_CERTS: u8 = 0x82;
    const ONLY_SOME_REASONS: u8 = 0x83;
    const INDIRECT_CRL: u8 = 0x84;
    const ONLY_ATTRIBUTE_CERTS: u8 = 0x85;

    let mut fields = Reader::only(value)?;
    fields.optional(DISTRIBUTION_POINT)?;
    fields.optional(ONLY_USER_CERTS)?;
    for (limit, problem) in [
        (ONLY_CA_CERTS, CrlProblem::CaOnly),
        (ONLY_SOME_REASONS, CrlProblem::SomeReasons),
        (INDIRECT_CRL, CrlProblem::Indirect),
        (ONLY_ATTRIBUTE_CERTS, CrlProblem::AttributesOnly),
    ] {
        // A field may state its default of FALSE, which DER forbids, and is harmless.
        if fields.optional(limit)?.is_some_and(|flag| limit == ONLY_SOME_REASONS || flag.content != [0]) {
            return Err(problem);
        }
    }
    fields.end()
}
