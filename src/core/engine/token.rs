//! Tokens of a request under a rule with `bound_token` (RFC 8705 section 3). The verified token must be bound to the
//! caller's certificate, and the request must carry no other: an upstream could read the other one. RFC 6750 section 2
//! allows a client one method for each request.

use super::host::Peer;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::headers::fold;
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// The query parameter that carries a token (RFC 6750 section 2.3), as [`fold`] reads its name. Some servers read other
/// names as this one: PHP `access.token`, `access[token`, ` access_token` and `access_token%00x`, Rack `[access_token]`,
/// ASP.NET `access%u005ftoken`.
const PARAMETER: &[u8] = b"access-token";

/// The value of `Authorization` in a request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Authorization<'h> {
    /// No line.
    #[default]
    Absent,
    /// One line.
    One(&'h [u8]),
    /// Several lines.
    Several,
}

impl<'h> Authorization<'h> {
    /// The lines seen so far and one more.
    pub(super) fn and(self, line: &'h [u8]) -> Self {
        if matches!(self, Self::Absent) { Self::One(line) } else { Self::Several }
    }

    /// Whether a server can read more than a scheme and one token here. Envoy's `jwt_authn` reads from the first `Bearer ` to
    /// the next character that no token has; other servers read the rest of the line too.
    fn is_several(self) -> bool {
        match self {
            Self::Absent => false,
            Self::One(line) => {
                line.iter().any(|byte| !is_in_tokens(*byte))
                    || line.split(|byte| *byte == b' ').filter(|part| !part.is_empty()).count() > 2
            }
            Self::Several => true,
        }
    }
}

/// Whether a scheme, a token (RFC 6750 section 2.1) or the space between them has this byte.
fn is_in_tokens(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'+'..=b'/' if byte != b',') || b"_~=".contains(&byte)
}

/// Security check: whether the token that was verified before certgate is bound to the certificate with this
/// fingerprint (RFC 8705 section 3.1), and is the only one of the request.
pub(super) fn check_token(
    peer: &impl Peer,
    authorization: Authorization<'_>,
    path: &[u8],
    fingerprint: Fingerprint,
) -> Result<(), Refusal> {
    let thumbprint = peer.token_thumbprint()?.ok_or(Cause::TokenMissing)?;
    let expected = BASE64URL_NOPAD.encode(fingerprint.as_bytes());
    if thumbprint != expected.as_bytes() {
        Err(Cause::TokenNotBound.into())
    } else if authorization.is_several() {
        Err(Cause::SeveralTokens.into())
    } else if has_token_in_query(path) {
        Err(Cause::TokenInQuery.into())
    } else {
        Ok(())
    }
}

/// Whether the query of this path has a parameter that some server reads as a token.
fn has_token_in_query(path: &[u8]) -> bool {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    let query = parts.nth(1).unwrap_or_default();
    query.split(|byte| matches!(byte, b'&' | b';' | b'?')).any(|parameter| {
        let name = parameter.split(|byte| *byte == b'=').next().unwrap_or_default();
        is_parameter(&Cow::from(percent_decode(name)))
    })
}

/// Whether some server reads the parameter with this name as the token. Bytes before the name that are no letters and no
/// digits are ignored, and some bytes after it. A name that still has an escape could be any name.
fn is_parameter(name: &[u8]) -> bool {
    let start = name.iter().position(|byte| fold(*byte) != b'-').unwrap_or_default();
    let rest = name.get(start..).and_then(|rest| rest.split_at_checked(PARAMETER.len()));
    let is_it = rest.is_some_and(|(name, after)| {
        let ends = after.first().is_none_or(|byte| fold(*byte) == b'-' && !b"-._".contains(byte));
        ends && name.iter().zip(PARAMETER).all(|(byte, expected)| fold(*byte) == *expected)
    });
    is_it || name.contains(&b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_query_is_found_in_every_spelling() {
        for query in [
            "access_token=x",
            "access_token",
            "a=b&access_token=x",
            "a;access_token=x",
            "?access_token=x",
            "access%5ftoken=x",
            "%61ccess_token=x",
            "access_token%5B%5D=x",
            "access_token[0]=x",
            "access.token=x",
            "access+token=x",
            "Access_Token=x",
            "%20access_token=x",
            "+access_token=x",
            "[access_token]=x",
            "access_token]=x",
            "access[token=x",
            "access_token%00x=y",
            "access%u005ftoken=x",
            "access%255ftoken=x",
            "a=b&&access_token",
        ] {
            assert!(has_token_in_query(format!("/a?{query}").as_bytes()), "{query}");
        }
        for path in [
            "/access_token=x",
            "/a",
            "/a?",
            "/a?access_tokens=x",
            "/a?access_token_type=x",
            "/a?access-token-type=x",
            "/a?b=access_token",
            "/a?b=%25",
            "/a?xaccess_token=x",
            "/a?access_toke=x",
        ] {
            assert!(!has_token_in_query(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn one_line_has_a_scheme_and_one_token() {
        let of =
            |lines: &[&'static str]| lines.iter().fold(Authorization::Absent, |all, line| all.and(line.as_bytes()));
        for one in [&[][..], &["Bearer x"], &["Bearer  x "], &["Bearer a.b-c_d~e+f/g=="], &["x"], &[""]] {
            assert!(!of(one).is_several(), "{one:?}");
        }
        for several in
            [&["Bearer x", "Bearer y"][..], &["Bearer x, Bearer y"], &["Bearer x y"], &["Bearer x,y"], &["", ""]]
        {
            assert!(of(several).is_several(), "{several:?}");
        }
        for other in ["\t", "\x0b", "\0", ";", ",", "\"", "'", "&", "%", ":", "\u{a0}"] {
            let line = format!("Bearer x{other}y");
            assert!(Authorization::One(line.as_bytes()).is_several(), "{line:?}");
        }
    }
}
