//! The cost of a request in a limit.

/// The cost of requests: the tokens that a request needs, and those that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A number of tokens by method. Only `:method` counts, not a header that overrides it.
    Requests {
        /// Methods in the case of requests, with their costs.
        methods: Vec<(Box<str>, u64)>,
        /// The cost of every other method.
        default: u64,
    },
    /// One token for each byte of both bodies, taken while they pass. A request needs one token to begin.
    Bytes,
}

impl Default for Cost {
    /// One token for each request.
    fn default() -> Self {
        Self::Requests { methods: Vec::new(), default: 1 }
    }
}

impl Cost {
    /// The tokens that a request with this method needs.
    pub fn needs(&self, method: &[u8]) -> u64 {
        match self {
            Self::Requests { .. } => self.takes(method),
            Self::Bytes => 1,
        }
    }

    /// The tokens that a request with this method takes when it begins.
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
