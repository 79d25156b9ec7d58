//! Whether a no is a no: of a whole configuration, or of one limit.

/// What happens to a request that is not to pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// It is rejected.
    #[default]
    Enforce,
    /// It is counted and reported, and passes.
    Shadow,
}
