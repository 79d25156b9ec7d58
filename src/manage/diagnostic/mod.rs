//! Errors, warnings and notes of every command: one type, with a number, a path and a place in the source. Must not know
//! single diagnostics: [`code`] has their numbers.

pub(super) mod code;

use super::span::Span;
use code::Code;
use std::fmt;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The command has no result.
    Error,
    /// The command has a result, which is perhaps not meant.
    Warning,
    /// The command has done something, or has left something to its user.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// An error, a warning or a note about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The severity.
    pub severity: Severity,
    /// The number.
    pub code: Code,
    /// The path of the value that it is about, such as `clients[3].alias`; empty for the whole file.
    pub path: String,
    /// The text of that value, or of the nearest value around it; `None` for the whole file.
    pub span: Option<Span>,
    /// The expected and the found value, or the consequence of the value. Never a private key.
    pub message: String,
    /// The change that mends the value.
    pub mend: Option<String>,
}

impl Diagnostic {
    /// An error about the whole file.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { severity: Severity::Error, code, path: String::new(), span: None, message, mend: None }
    }

    /// A warning about the whole file.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A note about the whole file.
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// The diagnostic, about the value at this path, whose text is at `span`.
    #[must_use]
    pub fn at(self, path: impl Into<String>, span: Option<Span>) -> Self {
        Self { path: path.into(), span, ..self }
    }

    /// The diagnostic, with a change that mends the value.
    #[must_use]
    pub fn mended_by(self, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..self }
    }

    /// The diagnostic as one line about the file of this name: `registry.yaml:14:9: error[CG0101]: clients[0].alias:
    /// expected .., found ..: quote it`.
    pub fn line<'d>(&'d self, file: &'d impl fmt::Display) -> impl fmt::Display + 'd {
        fmt::from_fn(move |f| {
            write!(f, "{file}:")?;
            if let Some(Span { start, .. }) = &self.span {
                write!(f, "{}:{}:", start.line, start.column)?;
            }
            write!(f, " {}[{}]: ", self.severity, self.code)?;
            if !self.path.is_empty() {
                write!(f, "{}: ", self.path)?;
            }
            f.write_str(&self.message)?;
            self.mend.iter().try_for_each(|mend| write!(f, ": {mend}"))
        })
    }
}
