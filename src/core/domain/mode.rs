//! The enforcement mode of a configuration or of one limit.

/// The effect of a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The request is rejected.
    #[default]
    Enforce,
    /// The refusal is counted and logged, and the request is forwarded.
    Shadow,
}
