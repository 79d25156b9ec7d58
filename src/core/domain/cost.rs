//! What a request weighs in a limit.

/// What a request must find in a limit, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Requests weigh something by themselves, by method. `:method` alone decides; a header that overrides it does not.
    Requests {
        /// Methods as requests have them, with their weights.
        methods: Vec<(Box<str>, u64)>,
        /// The weight of every other method.
        default: u64,
    },
    /// A request must find something there; its body and its response's take a unit for each byte, while they pass.
    Bytes,
}

impl Default for Cost {
    /// Each request weighs the same.
    fn default() -> Self {
        Self::Requests { methods: Vec::new(), default: 1 }
    }
}

impl Cost {
    /// What a request with this method must find.
    pub fn needs(&self, method: &[u8]) -> u64 {
        match self {
            Self::Requests { .. } => self.takes(method),
            Self::Bytes => 1,
        }
    }

    /// What a request with this method takes when it begins.
    pub fn takes(&self, method: &[u8]) -> u64 {
        match self {
            Self::Requests { methods, default } => {
                let own = methods.iter().find(|(name, _)| name.as_bytes() == method);
                own.map_or(*default, |(_, weight)| *weight)
            }
            Self::Bytes => 0,
        }
    }
}
