//! The cause of a refusal: a closed list beside [`Reason`] that tells an operator what to mend. Logs have it, and filter
//! state where a policy asks for it; callers never learn it, and no counter has it as a label.

use super::decision::Reason;

/// Why a request is refused: for counters and callers, and for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, which counters and replies follow.
    pub reason: Reason,
    /// The cause.
    pub cause: Cause,
}

/// The cause of a refusal. Each has one mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The connection has no client certificate.
    CertificateNotPresented,
    /// A trusted relay sent no `x-forwarded-client-cert`.
    RelayHeaderMissing,
    /// No credential matches the certificate.
    NotRegistered,
    /// A credential of a former configuration matched the certificate, and none of the active one does.
    ClientRemoved,
    /// The rules or the registry ask for a name of a kind that the certificate has in a form that cannot be read.
    NamesUnreadable,
    /// A trusted relay forwarded the fingerprint without `Cert`, so that nothing else of the certificate is known.
    RelayHeaderWithoutCert,
    /// The registry has `revoked: true` for the credential.
    CredentialRevoked,
    /// A CRL of the certificate's issuer has its serial number.
    RevokedByCrl,
    /// `notAfter` of the certificate has passed.
    CertificateNotAfter,
    /// `not_after` of the credential in the registry has passed.
    CredentialNotAfter,
    /// `notBefore` of the certificate is to come.
    CertificateNotBefore,
    /// `not_before` of the credential in the registry is to come.
    CredentialNotBefore,
    /// The certificate is no X.509 certificate that can be read.
    CertificateMalformed,
    /// Envoy shows text that is not the certificate with the digest that Envoy gives.
    CertificateDiffers,
    /// Envoy shows no certificate, and a CRL or a condition of a rule needs it.
    CertificateNotShown,
    /// `x-forwarded-client-cert` is not in the form that Envoy writes.
    RelayHeaderMalformed,
    /// The last element of `x-forwarded-client-cert` has no `Hash`.
    RelayHeaderWithoutHash,
    /// The last element of `x-forwarded-client-cert` has the relay's own fingerprint.
    RelayHeaderNamesRelay,
    /// `Cert` of the last element is not the certificate with its `Hash`.
    RelayHeaderCertDiffers,
    /// The certificate counts by its names, and Envoy does not say that its chain is verified.
    ChainNotVerified,
    /// A CRL of the certificate's issuer is `strict`, and the next one is overdue.
    CrlOverdue,
    /// The client has `enabled: false`.
    ClientDisabled,
    /// The rule has `access: deny`.
    RuleDenies,
    /// Servers read the path differently, and a rule asks for it.
    PathAmbiguous,
    /// Servers read the host differently, and a rule asks for it.
    HostAmbiguous,
    /// The client is in none of the rule's `groups`.
    GroupMissing,
    /// The client is none of the rule's `aliases`.
    AliasNotListed,
    /// The client is in none of the rule's `tiers`.
    TierNotListed,
    /// The client lacks one of the rule's `scopes`.
    ScopeMissing,
    /// The certificate has none of the names that the rule asks for.
    ConditionNotMet,
    /// No token with a thumbprint of a certificate was verified before certgate.
    TokenMissing,
    /// The token is bound to another certificate.
    TokenNotBound,
    /// `Authorization` has more than a scheme and one token.
    SeveralTokens,
    /// The query has a token.
    TokenInQuery,
    /// The request is for another host than the server name of its connection.
    HostNotServerName,
    /// A limit does not hold what the request costs.
    LimitUsedUp,
    /// A call for shared data has failed.
    StoreFailed,
    /// Other workers changed the shared value each time before this one could.
    StoreContended,
    /// No usable configuration is active.
    NoConfiguration,
    /// A call into Envoy has failed, or its answer cannot be used.
    HostCallFailed,
}

impl Cause {
    /// All causes, in a fixed order.
    pub const ALL: [Self; 40] = [
        Self::CertificateNotPresented,
        Self::RelayHeaderMissing,
        Self::NotRegistered,
        Self::ClientRemoved,
        Self::NamesUnreadable,
        Self::RelayHeaderWithoutCert,
        Self::CredentialRevoked,
        Self::RevokedByCrl,
        Self::CertificateNotAfter,
        Self::CredentialNotAfter,
        Self::CertificateNotBefore,
        Self::CredentialNotBefore,
        Self::CertificateMalformed,
        Self::CertificateDiffers,
        Self::CertificateNotShown,
        Self::RelayHeaderMalformed,
        Self::RelayHeaderWithoutHash,
        Self::RelayHeaderNamesRelay,
        Self::RelayHeaderCertDiffers,
        Self::ChainNotVerified,
        Self::CrlOverdue,
        Self::ClientDisabled,
        Self::RuleDenies,
        Self::PathAmbiguous,
        Self::HostAmbiguous,
        Self::GroupMissing,
        Self::AliasNotListed,
        Self::TierNotListed,
        Self::ScopeMissing,
        Self::ConditionNotMet,
        Self::TokenMissing,
        Self::TokenNotBound,
        Self::SeveralTokens,
        Self::TokenInQuery,
        Self::HostNotServerName,
        Self::LimitUsedUp,
        Self::StoreFailed,
        Self::StoreContended,
        Self::NoConfiguration,
        Self::HostCallFailed,
    ];

    /// The word of the cause.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CertificateNotPresented => "certificate_not_presented",
            Self::RelayHeaderMissing => "relay_header_missing",
            Self::NotRegistered => "not_registered",
            Self::ClientRemoved => "client_removed",
            Self::NamesUnreadable => "names_unreadable",
            Self::RelayHeaderWithoutCert => "relay_header_without_cert",
            Self::CredentialRevoked => "credential_revoked",
            Self::RevokedByCrl => "revoked_by_crl",
            Self::CertificateNotAfter => "certificate_not_after",
            Self::CredentialNotAfter => "credential_not_after",
            Self::CertificateNotBefore => "certificate_not_before",
            Self::CredentialNotBefore => "credential_not_before",
            Self::CertificateMalformed => "certificate_malformed",
            Self::CertificateDiffers => "certificate_differs",
            Self::CertificateNotShown => "certificate_not_shown",
            Self::RelayHeaderMalformed => "relay_header_malformed",
            Self::RelayHeaderWithoutHash => "relay_header_without_hash",
            Self::RelayHeaderNamesRelay => "relay_header_names_relay",
            Self::RelayHeaderCertDiffers => "relay_header_cert_differs",
            Self::ChainNotVerified => "chain_not_verified",
            Self::CrlOverdue => "crl_overdue",
            Self::ClientDisabled => "client_disabled",
            Self::RuleDenies => "rule_denies",
            Self::PathAmbiguous => "path_ambiguous",
            Self::HostAmbiguous => "host_ambiguous",
            Self::GroupMissing => "group_missing",
            Self::AliasNotListed => "alias_not_listed",
            Self::TierNotListed => "tier_not_listed",
            Self::ScopeMissing => "scope_missing",
            Self::ConditionNotMet => "condition_not_met",
            Self::TokenMissing => "token_missing",
            Self::TokenNotBound => "token_not_bound",
            Self::SeveralTokens => "several_tokens",
            Self::TokenInQuery => "token_in_query",
            Self::HostNotServerName => "host_not_server_name",
            Self::LimitUsedUp => "limit_used_up",
            Self::StoreFailed => "store_failed",
            Self::StoreContended => "store_contended",
            Self::NoConfiguration => "no_configuration",
            Self::HostCallFailed => "host_call_failed",
        }
    }

    /// The reason that the cause leads to, unless it keeps a rule from admitting a client that is known otherwise.
    fn reason(self) -> Reason {
        match self {
            Self::CertificateNotPresented | Self::RelayHeaderMissing => Reason::NoCertificate,
            Self::NotRegistered | Self::ClientRemoved | Self::NamesUnreadable | Self::RelayHeaderWithoutCert => {
                Reason::UnknownCertificate
            }
            Self::CredentialRevoked | Self::RevokedByCrl => Reason::CertificateRevoked,
            Self::CertificateNotAfter | Self::CredentialNotAfter => Reason::CertificateExpired,
            Self::CertificateNotBefore | Self::CredentialNotBefore => Reason::CertificateNotYetValid,
            Self::CertificateMalformed
            | Self::CertificateDiffers
            | Self::CertificateNotShown
            | Self::RelayHeaderMalformed
            | Self::RelayHeaderWithoutHash
            | Self::RelayHeaderNamesRelay
            | Self::RelayHeaderCertDiffers => Reason::CertificateUnreadable,
            Self::ChainNotVerified | Self::CrlOverdue => Reason::CertificateUnverified,
            Self::ClientDisabled => Reason::ClientDisabled,
            Self::RuleDenies
            | Self::PathAmbiguous
            | Self::HostAmbiguous
            | Self::GroupMissing
            | Self::AliasNotListed
            | Self::TierNotListed
            | Self::ScopeMissing
            | Self::ConditionNotMet
            | Self::TokenMissing
            | Self::TokenNotBound
            | Self::SeveralTokens
            | Self::TokenInQuery => Reason::RuleDenied,
            Self::HostNotServerName => Reason::Misdirected,
            Self::LimitUsedUp => Reason::LimitExceeded,
            Self::StoreFailed | Self::StoreContended => Reason::StoreUnavailable,
            Self::NoConfiguration | Self::HostCallFailed => Reason::Internal,
        }
    }

    /// The refusal by a rule, for this cause.
    pub fn of_rule(self) -> Refusal {
        Refusal { reason: Reason::RuleDenied, cause: self }
    }
}

/// The refusal for the reason that the cause leads to.
impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self { reason: cause.reason(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_cause_has_a_word_of_its_own_and_each_reason_a_cause() {
        let words: BTreeSet<_> = Cause::ALL.map(Cause::as_str).into();
        assert_eq!(words.len(), Cause::ALL.len());
        for reason in Reason::ALL {
            assert!(Cause::ALL.iter().any(|cause| cause.reason() == reason), "{reason:?}");
        }
    }
}
