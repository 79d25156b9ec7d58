//! Whether a program is writing a file now, as the notices of the system tell. Pure: notices and times are handed in.
//! Must not read files, and must not wait.

use std::time::{Duration, Instant};

/// The longest time since the last change after which a file that was not closed is taken as it is.
const LONGEST: Duration = Duration::from_secs(60);

/// A notice about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// The content was changed, by a program that has the file open.
    Changed,
    /// The file was closed, has another file in its place, or is gone. Or notices were lost.
    Done,
}

/// A file that may be open for writing.
#[derive(Debug, Default)]
pub(super) struct Writing {
    /// The last change of a file that was not closed since.
    changed: Option<Instant>,
}

impl Writing {
    /// Takes a notice of this moment.
    pub(super) fn note(&mut self, notice: Notice, now: Instant) {
        self.changed = (notice == Notice::Changed).then_some(now);
    }

    /// Whether the file is being written at this moment.
    pub(super) fn goes_on(&self, now: Instant) -> bool {
        self.changed.is_some_and(|changed| now.saturating_duration_since(changed) < LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_being_written_from_its_change_until_it_is_closed() {
        let now = Instant::now();
        let mut writing = Writing::default();
        assert!(!writing.goes_on(now));
        writing.note(Notice::Changed, now);
        assert!(writing.goes_on(now));
        writing.note(Notice::Done, now);
        assert!(!writing.goes_on(now));
        writing.note(Notice::Changed, now);
        assert!(writing.goes_on(now));
    }

    #[test]
    fn a_file_that_is_never_closed_is_waited_for_after_each_change() {
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut writing = Writing::default();
        writing.note(Notice::Changed, start);
        assert!(writing.goes_on(after(59)));
        writing.note(Notice::Changed, after(59));
        assert!(writing.goes_on(after(118)));
        assert!(!writing.goes_on(after(119)));
        writing.note(Notice::Changed, after(200));
        assert!(writing.goes_on(after(201)));
    }
}
