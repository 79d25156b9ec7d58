//! The names of headers that only certgate may set.

/// The default names of the identity headers.
pub const DEFAULT_ALIAS: &str = "x-client-alias";
/// See [`DEFAULT_ALIAS`].
pub const DEFAULT_TIER: &str = "x-client-tier";
/// See [`DEFAULT_ALIAS`].
pub const DEFAULT_FINGERPRINT: &str = "x-client-fingerprint";

/// The header that tells an upstream which limits of the client are nearly used up, or used up in shadow mode.
pub const LIMIT_WARNING: &str = "x-client-limit-warning";

/// Every name that any version of certgate may set on a request, in every configuration: an upstream may trust any of
/// them. `client-cert` and `client-cert-chain` are RFC 9440's.
pub const ALWAYS_OWNED: [&str; 11] = [
    DEFAULT_ALIAS,
    DEFAULT_TIER,
    DEFAULT_FINGERPRINT,
    CLIENT_CERT,
    "client-cert-chain",
    LIMIT_WARNING,
    "x-client-groups",
    "x-client-scopes",
    "x-client-subject",
    "x-client-spiffe-id",
    "x-client-not-after",
];

/// RFC 9440's header with the certificate.
pub const CLIENT_CERT: &str = "client-cert";

/// The header in which a proxy forwards the certificate of its client.
pub const XFCC: &str = "x-forwarded-client-cert";

/// The names of the headers that carry the identity upstream; `None`: not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// The client's alias.
    pub alias: Option<Box<str>>,
    /// The client's tier.
    pub tier: Option<Box<str>>,
    /// The certificate's fingerprint.
    pub fingerprint: Option<Box<str>>,
    /// The client's groups, separated by commas.
    pub groups: Option<Box<str>>,
    /// The client's scopes, separated by spaces.
    pub scopes: Option<Box<str>>,
    /// The certificate's subject (RFC 4514), percent-encoded.
    pub subject: Option<Box<str>>,
    /// The certificate's SPIFFE ID.
    pub spiffe_id: Option<Box<str>>,
    /// When the certificate expires (RFC 3339).
    pub not_after: Option<Box<str>>,
    /// Whether the certificate is sent in [`CLIENT_CERT`].
    pub client_cert: bool,
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        let name = |text: &str| Some(text.into());
        Self {
            alias: name(DEFAULT_ALIAS),
            tier: name(DEFAULT_TIER),
            fingerprint: name(DEFAULT_FINGERPRINT),
            groups: None,
            scopes: None,
            subject: None,
            spiffe_id: None,
            not_after: None,
            client_cert: false,
        }
    }
}

impl IdentityHeaders {
    /// The names in use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let of_client = [&self.alias, &self.tier, &self.fingerprint, &self.groups, &self.scopes];
        of_client.into_iter().chain(self.of_content()).flatten().map(AsRef::as_ref)
    }

    /// Whether a header needs more of a certificate than its fingerprint.
    pub fn say_content(&self) -> bool {
        self.client_cert || self.of_content().into_iter().any(Option::is_some)
    }

    fn of_content(&self) -> [&Option<Box<str>>; 3] {
        [&self.subject, &self.spiffe_id, &self.not_after]
    }
}

/// The names that a client must not send past certgate, in every spelling that some upstream reads as the same name:
/// CGI turns `-` into `_`, and other servers do so with every byte that is no letter and no digit. [`XFCC`] is one of
/// them: in headers its exact spelling is the proxy's own, in trailers nobody's.
#[derive(Clone, Debug)]
pub struct OwnedHeaders {
    /// The names, folded.
    names: Vec<Box<[u8]>>,
    /// A bit for each length, first byte and last byte that occurs. Most headers are told apart by these bits alone.
    lengths: u64,
    firsts: u64,
    lasts: u64,
}

impl OwnedHeaders {
    /// The owned names when `headers` are in use.
    pub fn new(headers: &IdentityHeaders) -> Self {
        let names = ALWAYS_OWNED.into_iter().chain([XFCC]).chain(headers.names());
        let names: Vec<Box<[u8]>> = names.map(|name| name.bytes().map(fold).collect()).collect();
        let bits = |bit: fn(&[u8]) -> u64| names.iter().fold(0, |bits, name| bits | bit(name));
        let (lengths, firsts, lasts) = (bits(length_bit), bits(first_bit), bits(last_bit));
        Self { names, lengths, firsts, lasts }
    }

    /// Whether a header with this name is owned.
    pub fn owns(&self, name: &[u8]) -> bool {
        self.lengths & length_bit(name) != 0
            && self.lasts & last_bit(name) != 0
            && self.firsts & first_bit(name) != 0
            && self.names.iter().any(|owned| {
                owned.len() == name.len() && owned.iter().zip(name).all(|(owned, byte)| *owned == fold(*byte))
            })
    }
}

/// The bit of a name's length; all lengths from 63 on share the last.
fn length_bit(name: &[u8]) -> u64 {
    1_u64.wrapping_shl(u32::try_from(name.len().min(63)).unwrap_or(63))
}

/// The bit of a name's first byte. Several bytes share a bit.
fn first_bit(name: &[u8]) -> u64 {
    name.first().map_or(0, |byte| 1_u64.wrapping_shl(fold(*byte).into()))
}

/// The bit of a name's last byte. Several bytes share a bit.
fn last_bit(name: &[u8]) -> u64 {
    name.last().map_or(0, |byte| 1_u64.wrapping_shl(fold(*byte).into()))
}

/// A byte in the form in which names are compared: a letter in lower case, a digit, or `-` for all others.
pub fn fold(byte: u8) -> u8 {
    FOLDED.get(usize::from(byte)).copied().unwrap_or(b'-')
}

/// A table, since each header of a request is folded in part.
static FOLDED: [u8; 256] = {
    let mut folded = [b'-'; 256];
    let mut rest = folded.as_mut_slice();
    let mut byte: u8 = 0;
    while let [first, others @ ..] = rest {
        if byte.is_ascii_alphanumeric() {
            *first = byte.to_ascii_lowercase();
        }
        byte = byte.wrapping_add(1);
        rest = others;
    }
    folded
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_owned_name_is_owned() {
        let owned = OwnedHeaders::new(&IdentityHeaders::default());
        for name in ALWAYS_OWNED.into_iter().chain([XFCC]) {
            assert!(owned.owns(name.as_bytes()) && owned.owns(name.to_uppercase().as_bytes()), "{name}");
            for other in (0..=u8::MAX).filter(|byte| !byte.is_ascii_alphanumeric()) {
                let spelling: Vec<u8> =
                    name.bytes().map(|byte| if byte == b'-' { other } else { byte.to_ascii_uppercase() }).collect();
                assert!(owned.owns(&spelling), "{name} with {other:#x}");
            }
        }
    }

    #[test]
    fn renamed_and_default_names_are_both_owned() {
        let long = "x-".to_owned() + &"long-".repeat(40) + "name";
        let headers = IdentityHeaders {
            alias: Some("my-consumer".into()),
            tier: Some(long.as_str().into()),
            fingerprint: None,
            ..IdentityHeaders::default()
        };
        let owned = OwnedHeaders::new(&headers);
        for name in ["my-consumer", "My_Consumer", &long, "x-client-alias", "x-client-tier", "x-client-fingerprint"] {
            assert!(owned.owns(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn other_names_are_not() {
        let owned = OwnedHeaders::new(&IdentityHeaders::default());
        for name in
            // Each byte is folded by itself; runs are not merged.
            [
                "",
                "x-client-aliases",
                "x-client-alia",
                "x-client-alias ",
                "x--client-alias",
                "xclient-alias",
                "host",
                "x-client-ali\u{e4}s",
                "x1client1alias",
            ]
        {
            assert!(!owned.owns(name.as_bytes()), "{name}");
        }
    }
}
