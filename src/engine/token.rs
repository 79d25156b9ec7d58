//! Tokens of a request under a rule with `bound_token` (RFC 8705 section 3). The verified token must be bound to the
//! caller's certificate, and the request must carry no other: an upstream could read the other one. RFC 6750 section 2
//! allows a client one method for each request.

use super::host::Host;
use super::look::Look;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::headers::fold;
use data_encoding::BASE64URL_NOPAD;
use percent_encoding::percent_decode;

/// The query parameter that carries a token (RFC 6750 section 2.3), as [`fold`] reads its name. Some servers read
/// `access.token` and `access_token[]` as this name.
const PARAMETER: &[u8] = b"access-token";

/// What a request says in `Authorization`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Authorization<'h> {
    /// Nothing.
    #[default]
    Absent,
    /// This, in one line.
    One(&'h [u8]),
    /// Several lines.
    Several,
}

impl<'h> Authorization<'h> {
    /// The same with a line more.
    pub(super) fn and(self, line: &'h [u8]) -> Self {
        if matches!(self, Self::Absent) { Self::One(line) } else { Self::Several }
    }

    /// Whether a server can read more than a scheme and one token here.
    fn is_several(self) -> bool {
        match self {
            Self::Absent => false,
            Self::One(line) => {
                let parts = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|part| !part.is_empty());
                line.contains(&b',') || parts.count() > 2
            }
            Self::Several => true,
        }
    }
}

/// Security check: whether the token that was verified before certgate is bound to the certificate with this
/// fingerprint (RFC 8705 section 3.1), and is the only one of the request.
pub(super) fn has_bound_token(host: &impl Host, look: &Look<'_>, fingerprint: Fingerprint) -> Result<bool, Reason> {
    let thumbprint = host.token_thumbprint()?;
    let expected = BASE64URL_NOPAD.encode(fingerprint.as_bytes());
    Ok(thumbprint.is_some_and(|text| text == expected.as_bytes())
        && !look.authorization.is_several()
        && !has_token_in_query(look.target.path))
}

/// Whether the query of this path has a parameter that some server takes for a token.
fn has_token_in_query(path: &[u8]) -> bool {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    let query = parts.nth(1).unwrap_or_default();
    query.split(|byte| matches!(byte, b'&' | b';' | b'?')).any(|parameter| {
        let name = parameter.split(|byte| *byte == b'=').next().unwrap_or_default();
        percent_decode(name).take_while(|byte| *byte != b'[').map(fold).eq(PARAMETER.iter().copied())
    })
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
        ] {
            assert!(has_token_in_query(format!("/a?{query}").as_bytes()), "{query}");
        }
        for path in ["/access_token=x", "/a", "/a?", "/a?access_tokens=x", "/a?b=access_token", "/a?xaccess_token=x"] {
            assert!(!has_token_in_query(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn one_line_has_a_scheme_and_one_token() {
        let of =
            |lines: &[&'static str]| lines.iter().fold(Authorization::Absent, |all, line| all.and(line.as_bytes()));
        for one in [&[][..], &["Bearer x"], &["Bearer  x "], &["x"], &[""]] {
            assert!(!of(one).is_several(), "{one:?}");
        }
        for several in
            [&["Bearer x", "Bearer y"][..], &["Bearer x, Bearer y"], &["Bearer x y"], &["Bearer x,y"], &["", ""]]
        {
            assert!(of(several).is_several(), "{several:?}");
        }
    }
}
