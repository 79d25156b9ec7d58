//! A DER reader for CRLs: values are told apart by their identifier octet, many are optional, and any other value is a
//! [`CrlProblem`].

use super::problem::CrlProblem;
use crate::certificate::der;
use crate::domain::time::UnixSeconds;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A value: its encoded form, and its content.
#[derive(Clone, Copy)]
pub(super) struct Value<'d> {
    pub(super) raw: &'d [u8],
    pub(super) content: &'d [u8],
}

/// A sequence of values.
pub(super) struct Reader<'d>(der::Reader<'d>);

impl<'d> Reader<'d> {
    pub(super) fn new(der: &'d [u8]) -> Self {
        Self(der::Reader::new(der))
    }

    /// A reader of the content of the SEQUENCE in `der`.
    pub(super) fn only(der: &'d [u8]) -> Result<Self, CrlProblem> {
        let mut outer = Self::new(der);
        let sequence = outer.take(SEQUENCE)?;
        outer.end()?;
        Ok(Self::new(sequence.content))
    }

    pub(super) fn take(&mut self, tag: u8) -> Result<Value<'d>, CrlProblem> {
        self.optional(tag)?.ok_or(CrlProblem::Der)
    }

    /// The next value, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Value<'d>>, CrlProblem> {
        if !self.0.next_is(tag) {
            return Ok(None);
        }
        let (raw, content) = self.0.whole().ok_or(CrlProblem::Der)?;
        Ok(Some(Value { raw, content }))
    }

    pub(super) fn take_time(&mut self) -> Result<Value<'d>, CrlProblem> {
        self.optional_time()?.ok_or(CrlProblem::Der)
    }

    /// The next value, if it is a UTCTime or GeneralizedTime (RFC 5280 section 5.1.2.4).
    // Inlined, it makes the module 600 bytes larger.
    #[inline(never)]
    pub(super) fn optional_time(&mut self) -> Result<Option<Value<'d>>, CrlProblem> {
        match self.optional(UTC_TIME)? {
            None => self.optional(GENERALIZED_TIME),
            time => Ok(time),
        }
    }

    pub(super) fn end(self) -> Result<(), CrlProblem> {
        self.0.end().ok_or(CrlProblem::Der)
    }
}

impl Value<'_> {
    /// The time of this value.
    pub(super) fn moment(self) -> Result<UnixSeconds, CrlProblem> {
        der::moment(self.raw).ok_or(CrlProblem::Der)
    }
}
