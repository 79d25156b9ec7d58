//! The CertificateList and its TBSCertList (RFC 5280 section 5.1), field by field, without their meaning.

use super::der::{self, Reader, Value};
use super::extension::Extensions;
use super::problem::CrlProblem;
use crate::domain::time::UnixSeconds;

/// A CRL and its signature (section 5.1.1).
pub(super) struct CertificateList<'d> {
    pub(super) tbs: Value<'d>,
    pub(super) algorithm: &'d [u8],
    pub(super) signature: &'d [u8],
}

impl<'d> CertificateList<'d> {
    pub(super) fn read(der: &'d [u8]) -> Result<Self, CrlProblem> {
        let mut fields = Reader::only(der)?;
        let tbs = fields.take(der::SEQUENCE)?;
        let algorithm = fields.take(der::SEQUENCE)?.raw;
        let signature = fields.take(der::BIT_STRING)?.raw;
        fields.end()?;
        Ok(Self { tbs, algorithm, signature })
    }
}

/// The signed part of a CRL (section 5.1.2).
pub(super) struct TbsCertList<'d> {
    pub(super) issuer: &'d [u8],
    pub(super) next_update: Option<UnixSeconds>,
    pub(super) entries: Reader<'d>,
    pub(super) extensions: Extensions<'d>,
}

impl<'d> TbsCertList<'d> {
    pub(super) fn read(list: &CertificateList<'d>) -> Result<Self, CrlProblem> {
        const VERSION_2: [u8; 1] = [1];
        const EXTENSIONS: u8 = 0xa0;

        let mut fields = Reader::new(list.tbs.content);
        if fields.optional(der::INTEGER)?.is_some_and(|version| version.content != VERSION_2) {
            return Err(CrlProblem::Version);
        }
        // The signed part repeats the algorithm, so that the signature covers it (section 5.1.1.2).
        if fields.take(der::SEQUENCE)?.raw != list.algorithm {
            return Err(CrlProblem::Der);
        }
        let issuer = fields.take(der::SEQUENCE)?.raw;
        fields.take_time()?.moment()?;
        let next_update = fields.optional_time()?.map(Value::moment).transpose()?;
        let entries = Reader::new(fields.optional(der::SEQUENCE)?.map_or(&[], |entries| entries.content));
        let extensions = match fields.optional(EXTENSIONS)? {
            Some(list) => Reader::only(list.content)?,
            None => Reader::new(&[]),
        };
        fields.end()?;
        Ok(Self { issuer, next_update, entries, extensions: Extensions(extensions) })
    }
}
