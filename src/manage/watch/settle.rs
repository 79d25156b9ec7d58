//! The moment at which a file that is being saved is whole. Pure: the file's state is handed in, and whether a program
//! is writing it. Must not read files, and must not wait.

/// The looks at the same state that a file needs to be taken.
const LOOKS: u32 = 2;

/// The looks that an absent or empty file needs: an editor may remove or empty a file before it writes it.
const LOOKS_AT_NOTHING: u32 = 11;

/// The state of a file, which changes whenever the file is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// There is no such file.
    Absent,
    /// The file, with symbolic links followed.
    Present {
        /// The device and the inode.
        identity: (u64, u64),
        size: u64,
        /// The time of the last change of the content, in seconds and nanoseconds.
        modified: (i64, i64),
        /// The time of the last change of the inode, which no program can set.
        changed: (i64, i64),
    },
}

impl Stamp {
    fn has_content(self) -> bool {
        matches!(self, Self::Present { size: 1.., .. })
    }
}

/// The next step of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait for a change.
    Idle,
    /// Look again after a pause.
    Again,
    /// Take the file: it is whole.
    Take,
}

/// The states of a file that a watch has seen.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// The state that was taken last.
    taken: Option<Stamp>,
    /// The state at the last look, and the looks at it so far.
    seen: Option<(Stamp, u32)>,
}

impl Settling {
    /// The next step after a look at this state of a file, which a program may be writing.
    pub(super) fn look(&mut self, stamp: Stamp, is_being_written: bool) -> Next {
        if self.taken == Some(stamp) {
            self.seen = None;
            return Next::Idle;
        }
        let looks = match self.seen {
            Some((seen, looks)) if seen == stamp => looks.saturating_add(1),
            _ => 1,
        };
        if is_being_written || looks < if stamp.has_content() { LOOKS } else { LOOKS_AT_NOTHING } {
            self.seen = Some((stamp, looks));
            return Next::Again;
        }
        (self.taken, self.seen) = (Some(stamp), None);
        Next::Take
    }

    /// Has the file taken again, though it may not change.
    pub(super) fn forget(&mut self) {
        self.taken = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(size: u64, changed: i64) -> Stamp {
        Stamp::Present { identity: (1, 1), size, modified: (0, 0), changed: (changed, 0) }
    }

    /// The steps after looks at these states.
    fn steps(settling: &mut Settling, stamps: &[Stamp]) -> Vec<Next> {
        stamps.iter().map(|stamp| settling.look(*stamp, false)).collect()
    }

    #[test]
    fn a_file_is_taken_once_it_stays_as_it_is() {
        let mut settling = Settling::default();
        let (half, whole) = (file(10, 1), file(20, 2));
        let looks = [half, whole, whole, whole, whole];
        assert_eq!(steps(&mut settling, &looks), [Next::Again, Next::Again, Next::Take, Next::Idle, Next::Idle]);
        // Of the same size, and back in time.
        assert_eq!(steps(&mut settling, &[file(20, 1); 3]), [Next::Again, Next::Take, Next::Idle]);
    }

    #[test]
    fn a_file_that_is_being_written_is_not_taken() {
        for state in [Stamp::Absent, file(0, 1), file(10, 1)] {
            let mut settling = Settling::default();
            for _ in 0..100 {
                assert_eq!(settling.look(state, true), Next::Again);
            }
            // The looks before it was closed count.
            assert_eq!(settling.look(state, false), Next::Take);
            assert_eq!(settling.look(state, true), Next::Idle);
        }
    }

    #[test]
    fn a_file_that_is_gone_or_empty_for_a_moment_is_not_taken() {
        for nothing in [Stamp::Absent, file(0, 3)] {
            let mut settling = Settling::default();
            steps(&mut settling, &[file(20, 2); 2]);
            assert_eq!(steps(&mut settling, &[nothing; 10]), [Next::Again; 10]);
            assert_eq!(steps(&mut settling, &[file(20, 4); 3]), [Next::Again, Next::Take, Next::Idle]);
        }
    }

    #[test]
    fn a_file_that_stays_gone_or_empty_is_taken_once() {
        for nothing in [Stamp::Absent, file(0, 3)] {
            let mut settling = Settling::default();
            assert_eq!(steps(&mut settling, &[nothing; 10]), [Next::Again; 10]);
            assert_eq!(steps(&mut settling, &[nothing; 3]), [Next::Take, Next::Idle, Next::Idle]);
        }
    }

    #[test]
    fn a_file_that_is_forgotten_is_taken_again() {
        let mut settling = Settling::default();
        steps(&mut settling, &[file(20, 2); 2]);
        settling.forget();
        assert_eq!(steps(&mut settling, &[file(20, 2); 3]), [Next::Again, Next::Take, Next::Idle]);
    }
}
