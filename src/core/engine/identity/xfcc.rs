//! `x-forwarded-client-cert`: the certificate that the last proxy says its client has presented. Whether that proxy is
//! trusted is checked elsewhere.
//!
//! The form is Envoy's ("HTTP header manipulation", x-forwarded-client-cert; written by `mutateXfccRequestHeader` in
//! `conn_manager_utility.cc`): elements between `,`, pairs `key=value` between `;`, keys of any case. Envoy puts `Cert`,
//! `Chain` and `Subject` in quotes, and leaves `By`, `URI` and `DNS` bare, **whatever is in them**: a certificate with a
//! `,` in such a name writes an element of its own, which no reader can tell from a proxy's.
//!
//! Therefore quotes are read as narrowly as Envoy writes them: they open right after the first `=` of a pair, close right
//! before `;`, `,` or the end, and stand nowhere else, in no element. A quote that a client leaves open then ends at none
//! of those that a later proxy adds.

use crate::certificate;
use crate::domain::cause::Cause::{self, RelayHeaderMalformed as Malformed, RelayHeaderWithoutHash as WithoutHash};
use crate::domain::fingerprint::Fingerprint;

/// The last element: the certificate of the last proxy's client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// SHA-256 of the certificate's DER form, as claimed by `Hash`.
    pub(super) hash: Fingerprint,
    /// `Cert`, percent-decoded: PEM text, if Envoy has written it. Not compared with the hash.
    pub(super) certificate: Option<Vec<u8>>,
}

/// The last element of the header that has these lines, in this order.
///
/// # Errors
///
/// [`Malformed`] if there is a control byte or a stray or unterminated quote anywhere, or if the last element is empty,
/// has a pair without `=`, a key of other than letters, a `Hash` of other than 64 hexadecimal digits, or two `Hash` or
/// `Cert`. [`WithoutHash`] if the last element is otherwise in the form that Envoy writes, and has no `Hash`.
pub(super) fn last<'h>(lines: impl Iterator<Item = &'h [u8]>) -> Result<Element, Cause> {
    let header = lines.collect::<Vec<_>>().join(&b',');
    if header.iter().any(u8::is_ascii_control) {
        return Err(Malformed);
    }
    let (mut element, mut rest) = (Ok(Fields::default()), header.as_slice());
    loop {
        let (pair, after) = Pair::split_from(rest)?;
        element = element.and_then(|fields| fields.with(&pair));
        rest = match after.split_first() {
            None => return element?.finish(),
            Some((b',', after)) => {
                element = Ok(Fields::default());
                after
            }
            Some((_, after)) => after,
        };
    }
}

/// A pair as it is written, without the quotes of its value. Escapes stay, since no value that is used has any.
struct Pair<'h> {
    key: &'h [u8],
    value: Option<&'h [u8]>,
}

impl<'h> Pair<'h> {
    /// The pair at the start of `text`, and the rest: nothing, or text that starts with `;` or `,`.
    fn split_from(text: &'h [u8]) -> Result<(Self, &'h [u8]), Cause> {
        let (key, after) = split_before(text, b"=;,\"");
        let Some(value) = after.strip_prefix(b"=") else {
            return at_end(after, Self { key, value: None });
        };
        let (value, after) = match value.strip_prefix(b"\"") {
            Some(quoted) => split_at_quote(quoted).ok_or(Malformed)?,
            None => split_before(value, b";,\""),
        };
        at_end(after, Self { key, value: Some(value) })
    }
}

fn at_end<'h>(after: &'h [u8], pair: Pair<'h>) -> Result<(Pair<'h>, &'h [u8]), Cause> {
    matches!(after.first(), None | Some(b';' | b',')).then_some((pair, after)).ok_or(Malformed)
}

fn split_before<'h>(text: &'h [u8], ends: &[u8]) -> (&'h [u8], &'h [u8]) {
    let end = text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, &[]))
}

/// The text before the closing quote, and the text after it. A backslash escapes the next byte: Envoy's subjects are in
/// RFC 2253 form, which has `\"`, but also `\,` and, before a closing quote, `\\`.
fn split_at_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    })?;
    let (value, after) = text.split_at_checked(end)?;
    Some((value, after.strip_prefix(b"\"")?))
}

/// The fields of an element while it is read.
#[derive(Default)]
struct Fields<'h> {
    hash: Option<Fingerprint>,
    certificate: Option<&'h [u8]>,
}

impl<'h> Fields<'h> {
    fn with(mut self, Pair { key, value }: &Pair<'h>) -> Result<Self, Cause> {
        let value = value.ok_or(Malformed)?;
        if key.is_empty() || !key.iter().all(u8::is_ascii_alphabetic) {
            return Err(Malformed);
        }
        let before = if key.eq_ignore_ascii_case(b"hash") {
            let hash = certificate::fingerprint_from_hex(&value.to_ascii_lowercase());
            self.hash.replace(hash.ok_or(Malformed)?).is_some()
        } else if key.eq_ignore_ascii_case(b"cert") {
            self.certificate.replace(value).is_some()
        } else {
            false
        };
        if before { Err(Malformed) } else { Ok(self) }
    }

    fn finish(self) -> Result<Element, Cause> {
        let certificate = self.certificate.map(|value| percent_encoding::percent_decode(value).collect());
        Ok(Element { hash: self.hash.ok_or(WithoutHash)?, certificate })
    }
}

#[cfg(test)]
mod tests;
