//! The numbers of all diagnostics, a line for each. A number keeps its meaning for ever: a diagnostic that goes away takes
//! its number with it.

use certgate_core::config::Problem;
use std::fmt;

/// The number of a diagnostic: `CG` and four digits. The first two digits say what was done: 00 reading a file, 01
/// compiling a registry, 02 warnings about one, 03 rendering it, 04 reading a certificate, 05 linting an Envoy
/// configuration, 06 patching one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Code {
    /// The file cannot be read.
    File = 1,
    /// The file has no configuration in it.
    Empty = 2,
    /// The file is not UTF-8 text.
    NotText = 3,
    /// The text is not JSON.
    Json = 4,
    /// The text is not YAML as Envoy reads it.
    Yaml = 5,
    /// The file cannot be written.
    Unwritable = 6,

    /// A value is missing, has another type, or is not allowed.
    Value = 101,
    /// Text has no quotes, and YAML takes it for a number or a boolean.
    Unquoted = 102,
    /// A map has a key that no field is called.
    UnknownField = 103,
    /// A map has a key twice.
    DuplicateKey = 104,
    /// Lists and maps are nested too deep.
    TooDeep = 105,
    /// A value or key is a private key.
    PrivateKey = 106,
    /// A name is certgate's own.
    Reserved = 107,
    /// A name is another's already.
    DuplicateName = 108,
    /// A credential is another's already.
    DuplicateCredential = 109,
    /// Two clients have patterns that match the same name equally well.
    ConflictingPattern = 110,
    /// No tier has this name.
    NoSuchTier = 111,
    /// No client has this alias.
    NoSuchClient = 112,
    /// A text is not a SHA-256 fingerprint.
    Fingerprint = 113,
    /// One credential has several certificates.
    SeveralCertificates = 114,
    /// A text is not a certificate.
    Certificate = 115,
    /// A text is not a usable CRL.
    Crl = 116,
    /// A rate cannot be counted precisely.
    Rounding = 117,
    /// A burst takes over ten years to fill.
    Fill = 118,
    /// A request costs more than its limit holds.
    Cost = 119,
    /// A limit counts bytes, and the module does not.
    Bytes = 120,
    /// A burst is larger than response headers can say.
    Burst = 121,
    /// A CRL is not signed by its issuer.
    CrlSignature = 122,

    /// The registry is in shadow mode.
    ShadowMode = 201,
    /// The registry needs the module that counts bytes.
    NeedsBandwidthModule = 202,
    /// Clients are identified by names, which depend on who verified the chain.
    NamesCount = 203,
    /// A client is disabled.
    DisabledClient = 204,
    /// A credential has expired.
    Expired = 205,
    /// A credential expires within 30 days.
    ExpiresSoon = 206,
    /// The CRL after this one is overdue.
    CrlOverdue = 207,
    /// A rule asks for a group that no client has.
    UnusedGroup = 208,
    /// A rule asks for a scope that no client has.
    UnusedScope = 209,
    /// A client over its limits can call as anonymous, without limits.
    AnonymousUnlimited = 210,
    /// The signature of a CRL was not checked.
    CrlUnchecked = 211,
    /// A name in a certificate cannot be read.
    UnreadableName = 212,
    /// A CRL is by an issuer that the registry does not know.
    UnknownCrlIssuer = 213,
    /// Two values differ in case or spaces alone.
    SimilarValues = 214,

    /// The file of `--trusted-ca` cannot be used.
    TrustedCa = 301,
    /// Envoy does not read a CRL that certgate reads.
    CrlNotForEnvoy = 302,
    /// An authority of `--trusted-ca` has no current CRL.
    NoCrlOfAuthority = 303,
    /// Envoy refuses clients once a CRL is overdue.
    EnvoyCrlExpires = 304,
    /// The guard cannot tell requests with a client from others.
    GuardWithoutAlias = 305,
    /// The guard refuses requests without a client that a rule lets through.
    GuardNarrower = 306,
    /// A header's name is too long for a regular expression of Envoy's.
    HeaderNameTooLong = 307,
    /// The platform has no shadow mode for the guard.
    GuardWithoutShadow = 308,
    /// Tokens are not where a rule looks for them.
    BoundToken = 309,
    /// The object is larger than Kubernetes stores.
    ObjectTooLarge = 310,
    /// The template and its values do not fit: a bug.
    Template = 311,
    /// The file that Envoy watches names no module.
    NoModule = 312,

    /// The file has no certificate in it.
    NoCertificate = 401,

    /// The Envoy configuration has no HTTP connection manager.
    NoConnectionManager = 501,
    /// No HTTP connection manager has certgate.
    NoCertgate = 502,
    /// A filter chain of a listener with certgate has no certgate.
    ChainWithoutCertgate = 503,
    /// Envoy lets requests through while the module fails.
    FailOpen = 504,
    /// A worker whose module has failed answers 503 until the next configuration.
    FailurePolicy = 505,
    /// The plugin has no configuration.
    NoConfiguration = 506,
    /// Envoy goes on with the body of a request that the module has stopped.
    StopIteration = 507,
    /// The `vm_id` is empty.
    EmptyVmId = 508,
    /// Two plugins have the same place for their data.
    SharedVmId = 509,
    /// The registry counts bytes, and the module does not.
    WithoutBandwidth = 510,
    /// The filter is switched off.
    FilterDisabled = 511,
    /// Envoy may leave the filter out.
    FilterOptional = 512,
    /// Envoy calls another filter until it has the registry's file.
    DefaultConfig = 513,
    /// The watched file has no configuration for the filter.
    NoSuchResource = 514,
    /// The registry is not in a file that can be read.
    UnknownRegistry = 515,
    /// Envoy does not notice a file that is replaced behind a symbolic link.
    NotWatched = 516,
    /// A cache before certgate answers requests.
    CacheBefore = 517,
    /// A filter before certgate answers requests.
    ReplyBefore = 518,
    /// A filter before certgate uses certgate's headers.
    IdentityBefore = 519,
    /// Tokens are not verified before certgate.
    TokenOrder = 520,
    /// A route switches certgate off.
    RouteSkipsCertgate = 521,
    /// A route replaces the guard.
    RouteSkipsGuard = 522,
    /// An upgrade has filters of its own without certgate.
    UpgradeSkipsCertgate = 523,
    /// The filter chain has no TLS.
    NoTls = 524,
    /// The listener is for HTTP/3.
    Quic = 525,
    /// Envoy asks no client for a certificate.
    NoClientCertificates = 526,
    /// Names count in certificates that nobody has verified.
    UnverifiedChain = 527,
    /// Names do not count on resumed sessions.
    SessionResumption = 528,
    /// The certificate header of other proxies is not treated as the registry needs it.
    ForwardClientCert = 529,
    /// Envoy does not remove certgate's headers from requests.
    HeadersNotRemoved = 530,
    /// Envoy does not remove other spellings of certgate's headers.
    LookAlikesNotRemoved = 531,
    /// Nothing stops requests if Envoy skips certgate.
    NoGuard = 532,
    /// The guard lets more through than the rules do.
    GuardTooWide = 533,
    /// The guard refuses more than the rules do.
    GuardTooNarrow = 534,
    /// The guard only counts.
    GuardOnlyCounts = 535,
    /// Paths have several spellings.
    PathSpellings = 536,
    /// Virtual hosts depend on the port of a host, and rules do not.
    HostPorts = 537,
    /// Hosts with a final dot are refused.
    HostDots = 538,
    /// Nothing finds the server name that `misdirected` compares.
    NoServerName = 539,
    /// The address in logs is the caller's word.
    RemoteAddress = 540,
    /// The metrics keep their labels in their names.
    StatsTags = 541,
    /// The access log does not say why certgate refused a request.
    AccessLog = 542,
    /// No log says why a handshake failed.
    HandshakeLog = 543,

    /// No listener has this name.
    NoSuchListener = 601,
    /// The listener has no HTTP connection manager, or one without a router.
    NoHttp = 602,
    /// A filter chain has no TLS in which a client can present a certificate.
    NeedsTls = 603,
    /// The listener does not check who signed the certificates of clients.
    Unverified = 604,
    /// Requests on some route or connection pass certgate by.
    Bypass = 605,
    /// A filter stands where certgate or its guard has to be, or has its name.
    FilterConflict = 606,
    /// Session tickets are set up, and certgate needs a handshake for each connection.
    SessionTickets = 607,
    /// The text has a form that is not edited.
    NotEdited = 608,
    /// An alias shares a value that has to change in one place alone.
    SharedValue = 609,
    /// The changed text does not have the intended values: a bug.
    PatchBug = 610,
    /// A file that has to be there was not named, and a path was assumed.
    Assumed = 611,
    /// A value that was there has been changed.
    Changed = 612,
    /// A value that was there has been kept, and differs from the one that certgate would have.
    Kept = 613,
    /// Something outside of this file is left to do.
    LeftToDo = 614,
}

impl From<&Problem> for Code {
    fn from(problem: &Problem) -> Self {
        match problem {
            Problem::Empty => Self::Empty,
            Problem::NotText { .. } | Problem::Struct(_) => Self::NotText,
            Problem::Syntax { .. } => Self::Json,
            Problem::Value { .. } => Self::Value,
            Problem::Unquoted { .. } => Self::Unquoted,
            Problem::UnknownField { .. } => Self::UnknownField,
            Problem::DuplicateKey => Self::DuplicateKey,
            Problem::TooDeep => Self::TooDeep,
            Problem::PrivateKey => Self::PrivateKey,
            Problem::Reserved(_) => Self::Reserved,
            Problem::Duplicate { .. } => Self::DuplicateName,
            Problem::DuplicateCredential { .. } => Self::DuplicateCredential,
            Problem::Rival { .. } => Self::ConflictingPattern,
            Problem::NoSuchTier { .. } => Self::NoSuchTier,
            Problem::NoSuchClient { .. } => Self::NoSuchClient,
            Problem::Fingerprint(_) => Self::Fingerprint,
            Problem::SeveralCertificates(_) => Self::SeveralCertificates,
            Problem::Certificate(_) => Self::Certificate,
            Problem::Crl(_) => Self::Crl,
            Problem::Rounding { .. } => Self::Rounding,
            Problem::Fill { .. } => Self::Fill,
            Problem::Cost { .. } => Self::Cost,
            Problem::Bytes => Self::Bytes,
            Problem::Burst => Self::Burst,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[allow(clippy::as_conversions, reason = "reads the discriminant of an enum of u16")]
        let number = *self as u16;
        write!(f, "CG{number:04}")
    }
}
