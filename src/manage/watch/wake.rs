//! The reasons for which a watch looks at its file: a change in the folder (inotify), the time, or the end. And the
//! notices of a program that writes the file. File systems that tell of no change, such as those of other machines, have
//! the time alone. Must not read the file.

use super::writing::{Notice, Writing};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, Event, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The pause between two looks at a file that is being saved.
const PAUSE: Duration = Duration::from_millis(200);

/// The longest time without a look.
const LONGEST: Duration = Duration::from_secs(2);

/// The bytes of notices that are read at once.
const NOTICES: usize = 4096;

/// The reason of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// The watch has to end.
    ToStop,
    /// Something has changed in the folder.
    ByFolder,
    /// The longest time has passed since the last time.
    ByTime,
}

/// A folder, and the notices of changes in it.
pub(super) struct Wake {
    folder: PathBuf,
    /// The name of the file in the folder.
    name: OsString,
    /// `None` where the system gives no more of them.
    notices: Option<OwnedFd>,
    /// The number of the watch over the folder; `None` while there is no folder.
    watch: Option<i32>,
    writing: Writing,
    /// The last time that has woken the watch.
    timed: Instant,
}

impl Wake {
    /// The changes in the folder of this file.
    pub(super) fn on_folder_of(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let notices = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        let name = file.file_name().unwrap_or_default().to_owned();
        let (folder, writing, timed) = (folder.to_owned(), Writing::default(), Instant::now());
        let mut wake = Self { folder, name, notices, watch: None, writing, timed };
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
            | WatchFlags::MOVE_SELF
            // A program may still write a file that has another one in its place.
            | WatchFlags::EXCL_UNLINK;
        let watch = add_watch(notices, &self.folder, changes).ok();
        if let Some(before) = self.watch.filter(|_| self.watch != watch) {
            // It has ended by itself if its folder is gone, and not if the folder was renamed.
            let _ = remove_watch(notices, before);
            self.writing.note(Notice::Done, Instant::now());
        }
        self.watch = watch;
    }

    /// Waits for a reason to look.
    pub(super) fn wait(&mut self, stop: Option<BorrowedFd<'_>>) -> io::Result<Woken> {
        self.follow();
        let notices = self.notices.as_ref().map(AsFd::as_fd);
        let left = LONGEST.saturating_sub(self.timed.elapsed());
        let (is_stopped, is_told) = until_readable(stop, notices, left)?;
        self.drain();
        if is_stopped {
            Ok(Woken::ToStop)
        } else if self.timed.elapsed() >= LONGEST || !is_told {
            self.timed = Instant::now();
            Ok(Woken::ByTime)
        } else {
            Ok(Woken::ByFolder)
        }
    }

    /// Waits for a moment; whether the watch has to end.
    pub(super) fn pause(&mut self, stop: Option<BorrowedFd<'_>>) -> io::Result<bool> {
        let (is_stopped, _) = until_readable(stop, None, PAUSE)?;
        self.drain();
        Ok(is_stopped)
    }

    /// Whether a program is writing the file, as far as notices tell.
    pub(super) fn is_being_written(&self) -> bool {
        self.writing.goes_on(Instant::now())
    }

    /// Reads the notices. They tell whether a program is writing the file; the watch looks at the file itself.
    fn drain(&mut self) {
        let Some(notices) = &self.notices else { return };
        let mut bytes = [MaybeUninit::uninit(); NOTICES];
        let mut reader = Reader::new(notices, &mut bytes);
        while let Ok(event) = reader.next() {
            if let Some(notice) = notice(&event, self.watch, &self.name) {
                self.writing.note(notice, Instant::now());
            }
        }
    }
}

/// The notice about the file of this name, in the folder of this watch.
fn notice(event: &Event<'_>, watch: Option<i32>, name: &OsStr) -> Option<Notice> {
    let kind = event.events();
    if kind.contains(ReadFlags::QUEUE_OVERFLOW) {
        return Some(Notice::Done);
    }
    let is_about_file = match event.file_name() {
        Some(told) => told.to_bytes() == name.as_bytes(),
        // About the folder itself.
        None => true,
    };
    if Some(event.wd()) != watch || !is_about_file {
        return None;
    }
    let is_done = kind.intersects(
        ReadFlags::CLOSE_WRITE
            | ReadFlags::CREATE
            | ReadFlags::DELETE
            | ReadFlags::MOVED_FROM
            | ReadFlags::MOVED_TO
            | ReadFlags::DELETE_SELF
            | ReadFlags::MOVE_SELF
            | ReadFlags::UNMOUNT,
    );
    match (kind.contains(ReadFlags::MODIFY), is_done) {
        (true, _) => Some(Notice::Changed),
        (false, true) => Some(Notice::Done),
        (false, false) => None,
    }
}

/// Waits until one of these can be read, or for this time at most; which of them can be.
fn until_readable(
    first: Option<BorrowedFd<'_>>,
    second: Option<BorrowedFd<'_>>,
    most: Duration,
) -> io::Result<(bool, bool)> {
    let both: Vec<BorrowedFd<'_>> = first.into_iter().chain(second).collect();
    let mut polled: Vec<PollFd<'_>> = both.iter().map(|one| PollFd::from_borrowed_fd(*one, PollFlags::IN)).collect();
    let most = Timespec::try_from(most).map_err(io::Error::other)?;
    match poll(&mut polled, Some(&most)) {
        // A signal has ended the wait, which is as good as the time.
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut readable = polled.iter().map(|one| !one.revents().is_empty());
    let mut is = |asked: bool| asked && readable.next().unwrap_or_default();
    Ok((is(first.is_some()), is(second.is_some())))
}
