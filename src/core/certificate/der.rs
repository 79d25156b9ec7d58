//! A DER reader. asn1-rs parses each element; the layout of a certificate is read with this reader instead of
//! x509-parser's types, which cost the module 34 kB more and ignore bytes after the last field that they know.

use crate::domain::time::UnixSeconds;
use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};
use x509_parser::time::ASN1Time;

/// A sequence of elements.
pub(super) struct Reader<'d> {
    rest: &'d [u8],
}

impl<'d> Reader<'d> {
    /// A reader of the elements in these bytes.
    pub(super) fn new(bytes: &'d [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether no element is left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Fails if an element is left.
    pub(super) fn end(&self) -> Option<()> {
        self.is_empty().then_some(())
    }

    /// The next element. Not inlined: the code is large and called from many places.
    #[inline(never)]
    pub(super) fn element(&mut self) -> Option<Any<'d>> {
        let (rest, element) = Any::from_der(self.rest).ok()?;
        self.rest = rest;
        Some(element)
    }

    /// The next element in encoded form, with tag and length.
    pub(super) fn raw(&mut self) -> Option<&'d [u8]> {
        self.whole().map(|(raw, _)| raw)
    }

    /// The next element: its encoded form, and its content.
    pub(super) fn whole(&mut self) -> Option<(&'d [u8], &'d [u8])> {
        let before = self.rest;
        let element = self.element()?;
        Some((before.get(..before.len().checked_sub(self.rest.len())?)?, element.data))
    }

    /// Whether the next element begins with this identifier octet.
    pub(super) fn next_is(&self, octet: u8) -> bool {
        self.rest.first() == Some(&octet)
    }

    /// A reader of the elements in the next element, which must have this tag.
    pub(super) fn inside(&mut self, tag: Tag) -> Option<Self> {
        content(&self.element()?, tag, true).map(Self::new)
    }

    /// The content of the next element, which must have this tag and be primitive.
    pub(super) fn primitive(&mut self, tag: Tag) -> Option<&'d [u8]> {
        content(&self.element()?, tag, false)
    }

    /// A reader of the elements in the next element, if it has this context-specific tag (`[number]`); otherwise
    /// nothing is read.
    pub(super) fn optional(&mut self, number: u32) -> Option<Self> {
        let mut ahead = Self::new(self.rest);
        let element = ahead.element()?;
        let is_it = element.class() == Class::ContextSpecific && element.tag() == Tag(number);
        is_it.then(|| {
            self.rest = ahead.rest;
            Self::new(element.data)
        })
    }
}

/// A reader of the elements in `der`, which is one element with this tag; `None` if the tag is another, or bytes
/// follow.
pub(super) fn only(der: &[u8], tag: Tag) -> Option<Reader<'_>> {
    let mut outer = Reader::new(der);
    let inner = outer.inside(tag)?;
    outer.end()?;
    Some(inner)
}

/// The time in this element, a UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5).
pub(super) fn moment(raw: &[u8]) -> Option<UnixSeconds> {
    // The class is checked here, since x509-parser accepts elements of other classes.
    let is_time = matches!(raw.first(), Some(0x17 | 0x18));
    ASN1Time::from_der(raw).ok().filter(|_| is_time).map(|(_, time)| UnixSeconds(time.timestamp()))
}

/// The content of the element if it has this tag.
pub(super) fn content<'d>(element: &Any<'d>, tag: Tag, constructed: bool) -> Option<&'d [u8]> {
    let header = &element.header;
    let is_it = header.class() == Class::Universal && header.tag() == tag && header.constructed() == constructed;
    is_it.then_some(element.data)
}
