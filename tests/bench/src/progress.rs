//! What is being done, on standard error.

use std::io::{IsTerminal, Write, stderr};

/// Says what begins.
pub(crate) fn begin(what: &str) {
    eprintln!("{what} ...");
}

/// Something that takes many steps.
pub(crate) struct Progress {
    what: String,
    steps: usize,
}

impl Progress {
    /// It begins.
    pub(crate) fn new(what: &str, steps: usize) -> Self {
        begin(what);
        Self { what: what.to_owned(), steps }
    }

    /// So many steps are done: shown where a line can be written over.
    pub(crate) fn step(&self, done: usize) {
        if stderr().is_terminal() {
            eprint!("\r{}: {done} of {}", self.what, self.steps);
            drop(stderr().flush());
        }
    }

    /// All are.
    pub(crate) fn end(&self) {
        if stderr().is_terminal() {
            eprintln!("\r{}: done        ", self.what);
        }
    }
}
