//! What a request weighs in a limit.

/// What requests weigh, by method. `:method` alone decides; a header that overrides it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Methods as requests have them, with their weights.
    pub methods: Vec<(Box<str>, u64)>,
    /// The weight of every other method.
    pub default: u64,
}

impl Default for Cost {
    /// Each request weighs the same.
    fn default() -> Self {
        Self { methods: Vec::new(), default: 1 }
    }
}

impl Cost {
    /// What a request with this method weighs.
    pub fn of(&self, method: &[u8]) -> u64 {
        let own = self.methods.iter().find(|(name, _)| name.as_bytes() == method);
        own.map_or(self.default, |(_, weight)| *weight)
    }
}
