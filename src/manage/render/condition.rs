//! Conditions on requests, as data that each platform's language is written from. Must not know rules or platforms.

/// A condition on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// All of these conditions. Every request meets an empty list.
    All(Vec<Self>),
    /// Any of these conditions.
    Any(Vec<Self>),
    /// The opposite of this condition.
    Not(Box<Self>),
    /// The path of the request, without the query.
    Path(Text),
    /// The authority of the request, as the client wrote it.
    Host(Text),
    /// The method of the request, to the letter.
    Method(Box<str>),
}

/// The text that a part of a request is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) how: How,
    pub(super) text: String,
    /// Whether ASCII letters match in both cases; never with [`How::Matches`], whose text says it itself.
    pub(super) any_case: bool,
}

/// The way in which a part is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Is,
    StartsWith,
    EndsWith,
    Contains,
    /// The whole of it matches this regular expression (RE2).
    Matches,
}

impl Text {
    pub(super) fn new(how: How, text: impl Into<String>) -> Self {
        Self { how, text: text.into(), any_case: false }
    }

    pub(super) fn any_case(how: How, text: impl Into<String>) -> Self {
        Self { any_case: true, ..Self::new(how, text) }
    }
}

impl Condition {
    /// All of these, as one list however they were nested.
    pub(super) fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        let flat = |condition| match condition {
            Self::All(conditions) => conditions,
            other => vec![other],
        };
        let conditions: Vec<Self> = conditions.into_iter().flat_map(flat).collect();
        match <[Self; 1]>::try_from(conditions) {
            Ok([only]) => only,
            Err(conditions) => Self::All(conditions),
        }
    }

    /// Any of these, of which there is one, as one list however they were nested.
    pub(super) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        let flat = |condition| match condition {
            Self::Any(conditions) => conditions,
            other => vec![other],
        };
        match <[Self; 1]>::try_from(conditions.into_iter().flat_map(flat).collect::<Vec<_>>()) {
            Ok([only]) => only,
            Err(conditions) => Self::Any(conditions),
        }
    }

    pub(super) fn not(condition: Self) -> Self {
        Self::Not(Box::new(condition))
    }

    /// Whether every request meets it.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::All(conditions) if conditions.is_empty())
    }
}
