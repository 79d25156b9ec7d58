//! The decision about a request and its reason: two closed lists that replies, logs, metrics and filter state share.

/// The reason of a refusal. Replies, logs, metrics and filter state use the same words.
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
    /// The certificate's `notBefore` is in the future.
    CertificateNotYetValid,
    /// The certificate could not be read.
    CertificateUnreadable,
    /// The certificate's names would identify a client, and its chain is not verified.
    CertificateUnverified,
    /// The client is disabled.
    ClientDisabled,
    /// No rule admits the client.
    RuleDenied,
    /// The request is for another host than its connection.
    Misdirected,
    /// A limit of the client is exceeded.
    LimitExceeded,
    /// Shared data cannot be read or changed.
    StoreUnavailable,
    /// A call into Envoy, or certgate itself, has failed.
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

    /// The word of the reason.
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

    /// The index in [`Self::ALL`].
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|reason| *reason == self).unwrap_or(0)
    }

    /// The decision that the reason leads to.
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

/// The decision about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request is forwarded.
    Allowed,
    /// 429: a limit is exceeded.
    Throttled,
    /// 403: the caller is not admitted.
    Refused,
    /// 503: the request could not be decided.
    Error,
}

impl Decision {
    /// All decisions, in a fixed order.
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Throttled, Self::Refused, Self::Error];

    /// The index in [`Self::ALL`].
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|decision| *decision == self).unwrap_or(0)
    }

    /// The word of the decision, after `shadow_` in shadow mode.
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
