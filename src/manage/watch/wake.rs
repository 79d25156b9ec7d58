//! The reasons for which a watch looks at its file: a change in the folder (inotify), the time, or the end. File systems
//! that tell of no change, such as those of other machines, have the time alone. Must not know which file it is.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init, remove_watch};
use rustix::io::{Errno, read};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The pause between two looks at a file that is being saved.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// The longest time without a look.
const LONGEST: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// The bytes of notices that are read at once.
const NOTICES: usize = 4096;

/// The reason of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// The watch has to end.
    ToStop,
    /// Something has changed in the folder.
    ByFolder,
    /// Nothing was told for the longest time.
    ByTime,
}

/// A folder, and the notices of changes in it.
pub(super) struct Wake {
    folder: PathBuf,
    /// `None` where the system gives no more of them.
    notices: Option<OwnedFd>,
    /// The number of the watch over the folder; `None` while there is no folder.
    watch: Option<i32>,
}

impl Wake {
    /// The changes in the folder of this file.
    pub(super) fn on_folder_of(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let notices = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        let mut wake = Self { folder: folder.to_owned(), notices, watch: None };
        wake.follow();
        wake
    }

    /// Watches the folder that is at the path now.
    fn follow(&mut self) {
        let Some(notices) = &self.notices else { return };
        let changes = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        let watch = add_watch(notices, &self.folder, changes).ok();
        if let Some(before) = self.watch.filter(|_| self.watch != watch) {
            // It has ended by itself if its folder is gone, and not if the folder was renamed.
            let _ = remove_watch(notices, before);
        }
        self.watch = watch;
    }

    /// Waits for a reason to look.
    pub(super) fn wait(&mut self, stop: Option<BorrowedFd<'_>>) -> io::Result<Woken> {
        self.follow();
        let notices = self.notices.as_ref().map(AsFd::as_fd);
        match until_readable(stop, notices, &LONGEST)? {
            (true, _) => Ok(Woken::ToStop),
            (false, false) => Ok(Woken::ByTime),
            (false, true) => {
                self.drain();
                Ok(Woken::ByFolder)
            }
        }
    }

    /// Waits for a moment; whether the watch has to end.
    pub(super) fn pause(&self, stop: Option<BorrowedFd<'_>>) -> io::Result<bool> {
        until_readable(stop, None, &PAUSE).map(|(stop, _)| stop)
    }

    /// Reads the notices away. The watch looks at the file itself.
    fn drain(&self) {
        let Some(notices) = &self.notices else { return };
        let mut bytes = [0; NOTICES];
        while read(notices, &mut bytes).is_ok_and(|length| length > 0) {}
    }
}

/// Waits until one of these can be read, or for this time at most; which of them can be.
fn until_readable(
    first: Option<BorrowedFd<'_>>,
    second: Option<BorrowedFd<'_>>,
    most: &Timespec,
) -> io::Result<(bool, bool)> {
    let both: Vec<BorrowedFd<'_>> = first.into_iter().chain(second).collect();
    let mut polled: Vec<PollFd<'_>> = both.iter().map(|one| PollFd::from_borrowed_fd(*one, PollFlags::IN)).collect();
    match poll(&mut polled, Some(most)) {
        // A signal has ended the wait, which is as good as the time.
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut readable = polled.iter().map(|one| !one.revents().is_empty());
    let mut is = |asked: bool| asked && readable.next().unwrap_or_default();
    Ok((is(first.is_some()), is(second.is_some())))
}
