//! The abilities that differ between the modules, which a configuration may need.

/// The capabilities of the filter that a configuration is for.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Whether the filter counts the bytes of bodies, for limits of `kind: bytes`.
    pub bytes: bool,
}

impl Default for Capabilities {
    /// All capabilities.
    fn default() -> Self {
        Self { bytes: true }
    }
}
