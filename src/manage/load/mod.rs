//! Loading a registry: one reading of its text gives the tree of its values with their places, and the compiled policy.

pub(super) mod document;
mod json;
mod signatures;
pub(super) mod tree;
mod yaml;

use super::diagnostic::Diagnostic;
use super::diagnostic::code::Code;
use crate::span::{Position, Span};
use certgate_core::config::{self, Errors, Problem};
use certgate_core::domain::policy::Policy;
use document::{Document, Lines};
use std::collections::BTreeMap;
use std::path::Path;
use tree::Node;

/// The most levels of lists and maps that are read. The schema needs five.
const MAX_LEVELS: usize = 127;

/// The first place at which a text is not of its format.
#[derive(Debug)]
struct SyntaxError {
    /// The line, from 1.
    line: usize,
    /// The column, from 1.
    column: usize,
    message: String,
}

/// A registry's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML, as Envoy reads it.
    Yaml,
    /// JSON.
    Json,
}

impl Format {
    /// The format of a file: by the end of its name, and else by its first character.
    pub fn of(file: &Path, text: &[u8]) -> Self {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Self::Json,
            Some("yaml" | "yml") => Self::Yaml,
            _ if text.trim_ascii_start().starts_with(b"{") => Self::Json,
            _ => Self::Yaml,
        }
    }
}

/// A registry that certgate in Envoy accepts.
pub struct Loaded<'t> {
    /// The compiled policy.
    pub policy: Policy,
    /// The source of the policy.
    pub document: Document<'t>,
}

/// The registry that `bytes` write, or everything that is wrong with it.
///
/// # Errors
///
/// One diagnostic or more: those of single values in the order of the document, then those between entries.
pub fn load(bytes: &[u8], format: Format) -> Result<Loaded<'_>, Vec<Diagnostic>> {
    let document = read(bytes, format)?;
    let policy = policy(&document, document.root())?;
    let forged = signatures::wrong(&document);
    if forged.is_empty() { Ok(Loaded { policy, document }) } else { Err(forged) }
}

/// The values that `bytes` write, whatever they mean.
///
/// # Errors
///
/// The bytes are no text in this format, or have no value in them.
pub fn read(bytes: &[u8], format: Format) -> Result<Document<'_>, Vec<Diagnostic>> {
    let text = str::from_utf8(bytes).map_err(|error| vec![not_text(bytes, error.valid_up_to())])?;
    let lines = Lines::of(text);
    let root = match format {
        Format::Json => match json::read(text) {
            Some(root) => root,
            None => return Err(no_json(bytes)),
        },
        Format::Yaml => match yaml::read(text) {
            Ok(Some(root)) => root,
            Ok(None) => return Err(vec![Diagnostic::error(Code::Empty, Problem::Empty.to_string())]),
            Err(SyntaxError { line, column, message }) => {
                let offset = lines.offset(line, column);
                return Err(vec![Diagnostic::error(Code::Yaml, message).at("", Some(lines.span(&(offset..offset))))]);
            }
        },
    };
    Ok(Document::new(lines, root))
}

/// The policy that the values in `root` describe, or every error in them.
///
/// # Errors
///
/// One diagnostic or more, each with its path in `root` and its place in the document.
pub(crate) fn policy(document: &Document<'_>, root: &Node) -> Result<Policy, Vec<Diagnostic>> {
    config::read_from(root).map_err(|errors| located(&errors, document, root))
}

/// The error about bytes that are UTF-8 only before `offset`.
fn not_text(bytes: &[u8], offset: usize) -> Diagnostic {
    let text = bytes.get(..offset).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default();
    Diagnostic::error(Code::NotText, "expected UTF-8 text, found a byte that is not")
        .mended_by("save the file as UTF-8")
        .at("", Some(Lines::of(text).span(&(offset..offset))))
}

/// The errors that the configuration's reader finds in bytes that are no JSON.
fn no_json(bytes: &[u8]) -> Vec<Diagnostic> {
    match config::read(bytes) {
        Ok(_) => vec![Diagnostic::error(Code::Json, "expected JSON, found something else")],
        Err(errors) => errors.iter().map(unplaced).collect(),
    }
}

/// An error whose value has no place; only a mistake in the text itself tells its own.
fn unplaced(error: &config::Error) -> Diagnostic {
    let Problem::Syntax { line, column, message } = &error.problem else { return diagnostic(error, None) };
    // The parser counts an end of line as column 0 of the next line.
    let start = Position::new(*line, (*column).max(1));
    let message = format!("expected JSON, and read no further: {message}");
    Diagnostic::error(Code::Json, message).at("", Some(Span { start, bytes: 0..0 }))
}

fn located(errors: &Errors, document: &Document<'_>, root: &Node) -> Vec<Diagnostic> {
    // The number of duplicate keys so far, by path. The first key of a name is no duplicate.
    let mut duplicates: BTreeMap<&str, usize> = BTreeMap::new();
    let mut diagnostics = Vec::with_capacity(errors.len());
    for error in errors.iter() {
        let span = match error.problem {
            Problem::DuplicateKey => {
                let number = duplicates.entry(&error.path).or_default();
                *number = number.saturating_add(1);
                document.key_span_in(root, &error.path, *number)
            }
            Problem::UnknownField { .. } => document.key_span_in(root, &error.path, 0),
            _ => document.span_in(root, &error.path),
        };
        diagnostics.push(diagnostic(error, Some(span)));
    }
    diagnostics
}

fn diagnostic(error: &config::Error, span: Option<Span>) -> Diagnostic {
    let mend = error.problem.mend().map(str::to_owned);
    let message = error.problem.to_string();
    Diagnostic { mend, ..Diagnostic::error(Code::from(&error.problem), message).at(&error.path, span) }
}
