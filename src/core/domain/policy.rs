//! Everything one configuration says, ready for use.

use super::client::TierIndex;
use super::expiry::Expiries;
use super::headers::IdentityHeaders;
use super::identity::Identity;
use super::mode::Mode;
use super::registry::Registry;
use super::revocation::RevocationList;
use super::rules::Rules;

/// Which rate-limit headers a response carries.
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

/// When identity and reason are written to filter state for access logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FilterState {
    /// For requests that are refused or throttled (in shadow mode: would be).
    #[default]
    Refusals,
    /// For every request.
    Always,
}

/// Which requests the log has a line of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audit {
    /// A few of those that do not pass, for who looks after the proxy.
    #[default]
    Samples,
    /// Those that do not pass, or in shadow mode would not, each with who asked for what.
    Rejections,
    /// All.
    All,
}

/// The per-client metric series where the configuration does not say otherwise.
pub const DEFAULT_CLIENT_SERIES: usize = 1000;

/// One configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether it is enforced.
    pub mode: Mode,
    /// Who is who.
    pub registry: Registry,
    /// Whose word is believed about who calls.
    pub identity: Identity,
    /// What issuers have revoked.
    pub revocation_lists: Vec<RevocationList>,
    /// Whether requests for another host than their connection's are refused.
    pub refuses_misdirected: bool,
    /// Who may call what.
    pub rules: Rules,
    /// The tier of those who call without a certificate where a rule allows it.
    pub anonymous_tier: Option<TierIndex>,
    /// Under which names identity goes upstream.
    pub headers: IdentityHeaders,
    /// What responses say of limits.
    pub rate_limit_headers: RateLimitHeaders,
    /// What access logs can read.
    pub filter_state: FilterState,
    /// What the log says of requests.
    pub audit: Audit,
    /// How many clients have metric series of their own; the rest are counted as [`super::name::OTHER`].
    pub client_series: usize,
    /// The credentials whose ends have series of their own: no more than so many, too.
    pub expiries: Expiries,
}
