//! Findings: diagnostics about several files, in the order of their places.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;
use crate::load::document::Document;

/// Something that is dangerous or missing in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The path of a file that the linted file names; `None` for the linted file itself.
    pub file: Option<String>,
    /// The finding.
    pub diagnostic: Diagnostic,
}

/// A file, by its path in the linted file; `None` for the linted file itself.
#[derive(Clone, Copy)]
pub(super) struct Source<'f> {
    pub(super) name: Option<&'f str>,
    pub(super) document: &'f Document<'f>,
}

/// Takes findings about one file.
pub(super) struct Report<'r, 'f> {
    source: Source<'f>,
    findings: &'r mut Vec<Finding>,
}

impl<'r, 'f> Report<'r, 'f> {
    pub(super) fn new(source: Source<'f>, findings: &'r mut Vec<Finding>) -> Self {
        Self { source, findings }
    }

    /// Takes findings about another file.
    pub(super) fn about(&mut self, source: Source<'f>) -> Report<'_, 'f> {
        Report { source, findings: self.findings }
    }

    /// An error at this value.
    pub(super) fn error(&mut self, code: Code, at: &Place<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.add(Diagnostic::error(code, message).mended_by(help), at);
    }

    /// A warning at this value.
    pub(super) fn warning(&mut self, code: Code, at: &Place<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.add(Diagnostic::warning(code, message).mended_by(help), at);
    }

    fn add(&mut self, diagnostic: Diagnostic, at: &Place<'_>) {
        let span = self.source.document.span(at.node);
        self.push(diagnostic.at("", Some(span)));
    }

    /// A diagnostic that has its place.
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.findings.push(Finding { file: self.source.name.map(str::to_owned), diagnostic });
    }

    /// The file that the findings are about.
    pub(super) fn source(&self) -> Source<'f> {
        self.source
    }
}

/// Findings in the order of their places, those about the linted file first, and each once.
pub(super) fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    let start = |finding: &Finding| finding.diagnostic.span.as_ref().map(|span| span.bytes.start);
    findings.sort_by_cached_key(|finding| (finding.file.clone(), start(finding), finding.diagnostic.code));
    findings.dedup();
    findings
}
