//! DER, one value after the other, without a copy and without recursion.

use super::CrlProblem;
use x509_parser::asn1_rs::{Any, FromDer};
use x509_parser::time::ASN1Time;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// A value: all of it, and what is in it.
#[derive(Clone, Copy)]
pub(super) struct Value<'d> {
    pub(super) raw: &'d [u8],
    pub(super) content: &'d [u8],
}

/// Where reading has got to. Values are told apart by their first octet.
pub(super) struct Reader<'d>(&'d [u8]);

impl<'d> Reader<'d> {
    pub(super) fn new(der: &'d [u8]) -> Self {
        Self(der)
    }

    /// Reads what is in the SEQUENCE that `der` is.
    pub(super) fn only(der: &'d [u8]) -> Result<Self, CrlProblem> {
        let mut outer = Self(der);
        let sequence = outer.take(SEQUENCE)?;
        outer.end()?;
        Ok(Self(sequence.content))
    }

    pub(super) fn take(&mut self, tag: u8) -> Result<Value<'d>, CrlProblem> {
        self.optional(tag)?.ok_or(CrlProblem::Der)
    }

    /// The next value, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Value<'d>>, CrlProblem> {
        if self.0.first() != Some(&tag) {
            return Ok(None);
        }
        let (rest, Any { data, .. }) = Any::from_der(self.0).map_err(|_| CrlProblem::Der)?;
        let length = self.0.len().saturating_sub(rest.len());
        let raw = self.0.get(..length).ok_or(CrlProblem::Der)?;
        self.0 = rest;
        Ok(Some(Value { raw, content: data }))
    }

    pub(super) fn take_time(&mut self) -> Result<Value<'d>, CrlProblem> {
        self.optional_time()?.ok_or(CrlProblem::Der)
    }

    /// The next value, if it is one of the two kinds of time (RFC 5280 section 5.1.2.4).
    pub(super) fn optional_time(&mut self) -> Result<Option<Value<'d>>, CrlProblem> {
        match self.optional(UTC_TIME)? {
            None => self.optional(GENERALIZED_TIME),
            time => Ok(time),
        }
    }

    pub(super) fn end(self) -> Result<(), CrlProblem> {
        self.0.is_empty().then_some(()).ok_or(CrlProblem::Der)
    }
}

impl Value<'_> {
    /// The moment that this value is, in Unix seconds.
    pub(super) fn unix_seconds(self) -> Result<i64, CrlProblem> {
        ASN1Time::from_der(self.raw).map(|(_, time)| time.timestamp()).map_err(|_| CrlProblem::Der)
    }
}
