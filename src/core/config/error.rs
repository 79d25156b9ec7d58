//! The errors that a configuration can have, as data, and their messages. Does not look for errors.

use super::fingerprint::NotAFingerprint;
use super::found::Found;
use super::path::Path;
use super::suggestions::list;
use crate::certificate::Unreadable;
use crate::certificate::crl::CrlProblem;
use crate::domain::credential::Kind;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::Name;
use crate::domain::rate::LARGEST_CAPACITY;
use std::fmt;
use std::sync::Arc;

/// All errors of a configuration. Displayed, each error is a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// The errors of single values in the order of the document, then the errors between entries.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Error> {
        self.0.iter()
    }

    /// The number of errors.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no error.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first `max` errors on one line, and the number of the others: for logs.
    pub fn summary(&self, max: usize) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            for (index, error) in self.0.iter().take(max).enumerate() {
                write!(f, "{}{error}", if index == 0 { "" } else { "; " })?;
            }
            match self.0.len().saturating_sub(max) {
                0 => Ok(()),
                more => write!(f, " ... and {more} more"),
            }
        })
    }

    pub(super) fn push(&mut self, path: &Path<'_>, problem: Problem) {
        self.0.push(Error { path: path.to_string(), problem });
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|error| writeln!(f, "{error}"))
    }
}

/// An error with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// The path of the value, such as `clients[3].credentials[0].sha256`. Empty for the whole configuration.
    pub path: String,
    /// The problem.
    pub problem: Problem,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}", self.problem)?,
            path => write!(f, "{path}: {}", self.problem)?,
        }
        self.problem.mend().map_or(Ok(()), |mend| write!(f, ": {mend}"))
    }
}

/// A problem: what was expected, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no configuration.
    #[error("expected a configuration, found nothing")]
    Empty,
    /// The bytes are neither text nor a Struct.
    #[error("expected JSON text or a google.protobuf.Struct, found a byte that is not UTF-8 after {offset} that are")]
    NotText {
        /// The number of bytes that are UTF-8.
        offset: usize,
    },
    /// The text is not JSON.
    #[error("line {line}, column {column}: expected JSON, and read no further: {message}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The parser's message, which never quotes the text.
        message: String,
    },
    /// A Struct that could not be read to its end.
    #[error("expected a google.protobuf.Struct: {0}")]
    Struct(String),
    /// A value that is missing, of another type, or not among the allowed ones.
    #[error("expected {expected}, found {found}")]
    Value {
        /// The values that are allowed.
        expected: &'static str,
        /// The value that was found.
        found: Found,
    },
    /// A number or the like in place of text: YAML reads `123` and `on` as other types.
    #[error("expected {expected}, found {found}")]
    Unquoted {
        /// The values that are allowed.
        expected: &'static str,
        /// The value that was found.
        found: Found,
    },
    /// An unknown field.
    #[error("expected {}, found an unknown field", suggestion(*near, known))]
    UnknownField {
        /// The known field with the most similar name.
        near: Option<&'static str>,
        /// All known fields.
        known: &'static [&'static str],
    },
    /// A key that a map has twice.
    #[error("expected each key once, found it again")]
    DuplicateKey,
    /// Lists and maps are nested deeper than any schema needs.
    #[error("expected fewer levels of lists and maps, found too many to read on")]
    TooDeep,
    /// A value or key holds a private key.
    #[error("expected no private key, found one")]
    PrivateKey,
    /// A name that certgate uses itself.
    #[error("expected a name that certgate does not use itself, found `{0}`")]
    Reserved(Name),
    /// A value that must be unique and is not.
    #[error("expected {what} of its own, found that of {first}")]
    Duplicate {
        /// The kind of the value.
        what: &'static str,
        /// The path of the first value.
        first: String,
    },
    /// One certificate, key or name identifies two clients, or one client twice.
    #[error("expected {} of its own, found {}that of {first}{}", what(*kind), which_is(digest), of(client))]
    DuplicateCredential {
        /// The kind of the credential.
        kind: Kind,
        /// The digest; `None` for a name.
        digest: Option<Fingerprint>,
        /// The path of the first credential.
        first: String,
        /// The client of the first credential.
        client: Option<Name>,
    },
    /// Patterns of two clients that match the same name.
    #[error(
        "expected a pattern that matches no name equally well as another client's, found one that meets {first}{}",
        of(client)
    )]
    Rival {
        /// The path of the first credential.
        first: String,
        /// The client of the first credential.
        client: Option<Name>,
    },
    /// A client in an unknown tier.
    #[error("expected one of the tiers ({}), found `{tier}`", list(known))]
    NoSuchTier {
        /// The tier that the client names.
        tier: Name,
        /// All tiers.
        known: Arc<[Name]>,
    },
    /// A rule with an unknown alias.
    #[error("expected the alias of a client, found `{alias}`, which no client has")]
    NoSuchClient {
        /// The alias that the rule names.
        alias: Name,
    },
    /// The text is not the fingerprint of a certificate.
    #[error(transparent)]
    Fingerprint(#[from] NotAFingerprint),
    /// PEM with several certificates.
    #[error("expected one certificate, found {0}")]
    SeveralCertificates(usize),
    /// The text is not a certificate.
    #[error("expected a certificate, found something else: {0}")]
    Certificate(#[from] Unreadable),
    /// The text is not a usable CRL.
    #[error("expected a complete CRL of one issuer for all reasons: {0}")]
    Crl(CrlProblem),
    /// The rate cannot be counted in whole nanoseconds without changing it by more than 0.1 %.
    #[error("expected a rate that whole nanoseconds can express within 0.1 %: the nearest is {nearest}")]
    Rounding {
        /// The nearest number of requests that can be counted.
        nearest: u64,
    },
    /// The bucket would take over ten years to fill.
    #[error("expected a burst that fills within ten years, found a larger one: the largest is {largest}")]
    Fill {
        /// The largest burst that fills in time.
        largest: u64,
    },
    /// A request would cost more than the limit ever holds.
    #[error("expected a cost of at most {most}, which is all that the limit holds, found {found}")]
    Cost {
        /// The limit's burst, or the quota's requests.
        most: u64,
        /// The cost.
        found: u64,
    },
    /// The module has no callbacks for bodies.
    #[error("expected `token_bucket` or `quota`, found `bytes`: it needs the module certgate-bandwidth.wasm")]
    Bytes,
    /// The burst is larger than a rate-limit field of a response can be (RFC 9651 section 3.3.1).
    #[error("expected a burst of at most {LARGEST_CAPACITY}, found a larger one")]
    Burst,
}

impl Problem {
    /// The mend, where one mend fits every value with this problem.
    pub fn mend(&self) -> Option<&'static str> {
        match self {
            Self::Unquoted { .. } => Some("quote it"),
            Self::PrivateKey => Some("remove it, and replace it wherever it is in use"),
            Self::SeveralCertificates(_) => Some("give the client's own (leaf) certificate only"),
            _ => None,
        }
    }
}

fn suggestion(near: Option<&'static str>, known: &[&str]) -> impl fmt::Display {
    fmt::from_fn(move |f| match near {
        Some(near) => write!(f, "`{near}`"),
        None => write!(f, "one of {}", list(known)),
    })
}

fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Sha256 => "a certificate",
        Kind::SpkiSha256 => "a public key",
        Kind::UriSan | Kind::DnsSan | Kind::Subject => "a name",
    }
}

fn which_is(digest: &Option<Fingerprint>) -> impl fmt::Display {
    fmt::from_fn(move |f| digest.iter().try_for_each(|digest| write!(f, "{digest}, which is ")))
}

fn of(client: &Option<Name>) -> impl fmt::Display {
    fmt::from_fn(move |f| client.iter().try_for_each(|alias| write!(f, " (`{alias}`)")))
}
