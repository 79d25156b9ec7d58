//! What becomes of a request, and why: two closed lists that replies, logs, metrics and filter state share.

/// Why a request does not pass. The same words everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The connection has no peer certificate.
    NoCertificate,
    /// No client is registered for the certificate.
    UnknownCertificate,
    /// The operator revoked the credential.
    CertificateRevoked,
    /// The certificate's `notAfter` has passed.
    CertificateExpired,
    /// The certificate's `notBefore` is still to come.
    CertificateNotYetValid,
    /// The certificate could not be read.
    CertificateUnreadable,
    /// Its names would identify a client, and nobody has verified who signed it.
    CertificateUnverified,
    /// The client is switched off.
    ClientDisabled,
    /// No rule lets this client do this.
    RuleDenied,
    /// The request is for another host than its connection.
    Misdirected,
    /// A limit of the client is used up.
    LimitExceeded,
    /// Shared data refused, or kept refusing.
    StoreUnavailable,
    /// certgate itself, or a call into Envoy, failed.
    Internal,
}

impl Reason {
    /// All reasons, in a fixed order.
    pub const ALL: [Self; 13] = [
        Self::NoCertificate,
        Self::UnknownCertificate,
        Self::CertificateRevoked,
        Self::CertificateExpired,
        Self::CertificateNotYetValid,
        Self::CertificateUnreadable,
        Self::CertificateUnverified,
        Self::ClientDisabled,
        Self::RuleDenied,
        Self::Misdirected,
        Self::LimitExceeded,
        Self::StoreUnavailable,
        Self::Internal,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::UnknownCertificate => "unknown_certificate",
            Self::CertificateRevoked => "certificate_revoked",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateNotYetValid => "certificate_not_yet_valid",
            Self::CertificateUnreadable => "certificate_unreadable",
            Self::CertificateUnverified => "certificate_unverified",
            Self::ClientDisabled => "client_disabled",
            Self::RuleDenied => "rule_denied",
            Self::Misdirected => "misdirected",
            Self::LimitExceeded => "limit_exceeded",
            Self::StoreUnavailable => "store_unavailable",
            Self::Internal => "internal",
        }
    }

    /// Its place in [`Self::ALL`].
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|reason| *reason == self).unwrap_or(0)
    }

    /// What kind of decision it makes.
    pub fn decision(self) -> Decision {
        match self {
            Self::LimitExceeded => Decision::Throttled,
            Self::StoreUnavailable | Self::Internal => Decision::Error,
            Self::NoCertificate
            | Self::UnknownCertificate
            | Self::CertificateRevoked
            | Self::CertificateExpired
            | Self::CertificateNotYetValid
            | Self::CertificateUnreadable
            | Self::CertificateUnverified
            | Self::ClientDisabled
            | Self::RuleDenied
            | Self::Misdirected => Decision::Refused,
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It passes.
    Allowed,
    /// 429: a limit is used up.
    Throttled,
    /// 403: not this caller.
    Refused,
    /// 503: it could not be decided.
    Error,
}

impl Decision {
    /// All decisions, in a fixed order.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Throttled, Self::Refused, Self::Error];

    /// Its place in [`Self::ALL`].
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|decision| *decision == self).unwrap_or(0)
    }

    /// Its word; in shadow mode, `shadow_` before it.
    pub fn as_str(self, shadow: bool) -> &'static str {
        match (self, shadow) {
            (Self::Allowed, false) => "allowed",
            (Self::Throttled, false) => "throttled",
            (Self::Refused, false) => "refused",
            (Self::Error, false) => "error",
            (Self::Allowed, true) => "shadow_allowed",
            (Self::Throttled, true) => "shadow_throttled",
            (Self::Refused, true) => "shadow_refused",
            (Self::Error, true) => "shadow_error",
        }
    }
}
