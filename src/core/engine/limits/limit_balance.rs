//! One limit after a request was charged to it.

use crate::domain::bucket::Balance;
use crate::domain::limit::Limit;

/// One limit after a request was charged to it.
#[derive(Clone, Copy, Debug)]
pub struct LimitBalance<'e> {
    /// The limit.
    pub limit: &'e Limit,
    /// The balance of the limit.
    pub balance: Balance,
    /// Whether the limit did not hold what the request costs.
    pub exceeded: bool,
}
