//! A policy: a configuration in the form that the engine uses.

use super::client::TierIndex;
use super::expiry::Expiries;
use super::headers::IdentityHeaders;
use super::identity::Identity;
use super::mode::Mode;
use super::registry::Registry;
use super::removed::RemovedCredentials;
use super::revocation::RevocationList;
use super::rules::Rules;

/// The rate-limit headers of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimitHeaders {
    /// `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
    #[default]
    Ietf,
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, of the limit nearest to exhaustion.
    Legacy,
    /// None.
    Off,
}

/// The requests whose identity and reason are written to filter state for access logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterState {
    /// For requests that are refused or throttled (in shadow mode: would be).
    #[default]
    Refusals,
    /// For every request.
    Always,
}

/// The requests that the audit log has lines of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audit {
    /// Samples of refused requests.
    #[default]
    Samples,
    /// All refused requests, in shadow mode those that would be refused, each with client, address and path.
    Rejections,
    /// All requests.
    All,
}

/// The default number of clients with metric series of their own.
pub const DEFAULT_CLIENT_SERIES: usize = 1000;

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether refusals take effect.
    pub mode: Mode,
    /// The clients, credentials and tiers.
    pub registry: Registry,
    /// The source of certificates, and when their names count.
    pub identity: Identity,
    /// The certificate revocation lists.
    pub revocation_lists: Vec<RevocationList>,
    /// Whether requests whose host differs from the connection's server name are refused.
    pub refuses_misdirected: bool,
    /// The rules.
    pub rules: Rules,
    /// The tier of requests without a client, where a rule admits them.
    pub anonymous_tier: Option<TierIndex>,
    /// The names of the identity headers.
    pub headers: IdentityHeaders,
    /// The rate-limit headers.
    pub rate_limit_headers: RateLimitHeaders,
    /// The requests with filter state.
    pub filter_state: FilterState,
    /// The requests with lines in the audit log.
    pub audit: Audit,
    /// The number of clients with metric series of their own. The others are counted as [`super::name::OTHER`].
    pub client_series: usize,
    /// The credentials whose expiries have series of their own, at most as many as clients.
    pub expiries: Expiries,
    /// The credentials of former configurations that the registry has not.
    pub removed: RemovedCredentials,
}
