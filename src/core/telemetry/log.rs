//! The log port: hosts write lines, the core makes them.

use std::fmt;

/// The severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// An event that is expected.
    Info,
    /// An event that an operator should look at.
    Warn,
}

/// The log of a host.
pub trait Log {
    /// Writes one line.
    fn log(&self, level: Level, line: fmt::Arguments<'_>);
}

#[cfg(test)]
pub(crate) mod fake {
    //! A log in memory, for unit tests.

    use super::{Level, Log};
    use std::cell::RefCell;
    use std::fmt;

    #[derive(Default)]
    pub(crate) struct FakeLog(RefCell<Vec<(Level, String)>>);

    impl FakeLog {
        /// The lines since the last call.
        pub(crate) fn take(&self) -> Vec<(Level, String)> {
            self.0.take()
        }

        /// Asserts that these are the lines since the last call.
        pub(crate) fn assert_lines(&self, expected: &[(Level, &str)]) {
            let lines = self.take();
            let lines: Vec<_> = lines.iter().map(|(level, line)| (*level, line.as_str())).collect();
            assert_eq!(lines, expected);
        }
    }

    impl Log for FakeLog {
        fn log(&self, level: Level, line: fmt::Arguments<'_>) {
            self.0.borrow_mut().push((level, line.to_string()));
        }
    }
}
