//! The parts of a revocation list, as they stand one after the other (RFC 5280 section 5.1). Their meaning is not known
//! here.

use super::CrlProblem;
use super::der::{self, Reader, Value};
use super::extension::Extensions;
use crate::domain::time::UnixSeconds;

/// A list and its signature (section 5.1.1).
pub(super) struct Signed<'d> {
    pub(super) body: Value<'d>,
    pub(super) algorithm: &'d [u8],
    pub(super) signature: &'d [u8],
}

impl<'d> Signed<'d> {
    pub(super) fn read(der: &'d [u8]) -> Result<Self, CrlProblem> {
        let mut fields = Reader::only(der)?;
        let body = fields.take(der::SEQUENCE)?;
        let algorithm = fields.take(der::SEQUENCE)?.raw;
        let signature = fields.take(der::BIT_STRING)?.raw;
        fields.end()?;
        Ok(Self { body, algorithm, signature })
    }
}

/// The signed part of a list (section 5.1.2).
pub(super) struct Body<'d> {
    pub(super) issuer: &'d [u8],
    pub(super) next_update: Option<UnixSeconds>,
    pub(super) entries: Reader<'d>,
    pub(super) extensions: Extensions<'d>,
}

impl<'d> Body<'d> {
    pub(super) fn read(signed: &Signed<'d>) -> Result<Self, CrlProblem> {
        const VERSION_2: [u8; 1] = [1];
        const EXTENSIONS: u8 = 0xa0;

        let mut fields = Reader::new(signed.body.content);
        if fields.optional(der::INTEGER)?.is_some_and(|version| version.content != VERSION_2) {
            return Err(CrlProblem::Version);
        }
        // The algorithm stands there twice, so that the signature covers it (section 5.1.1.2).
        if fields.take(der::SEQUENCE)?.raw != signed.algorithm {
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
