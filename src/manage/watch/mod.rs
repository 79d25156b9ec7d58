//! The watch over a registry: whenever the registry is saved, it is checked, rendered, and put in the place of the file that
//! Envoy watches. Must not print, and must not know signals.

mod files;
mod news;
mod settle;
mod wake;
mod writing;

use super::diagnostic::Diagnostic;
use super::replace::replace;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::UnixSeconds;
use files::{has, read, stamp};
use news::News;
use settle::{Next, Settling, Stamp};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use wake::{Wake, Woken};

pub use files::{module_in, refuse_other};

/// A registry, and the file that Envoy watches, which follows it.
pub struct Watch {
    registry: PathBuf,
    file: PathBuf,
    module: String,
    now: fn() -> UnixSeconds,
    settling: Settling,
    news: News,
    wake: Wake,
    /// Whether the file has to be written and could not be.
    owes: bool,
    /// The file as it was when it last had the registry: its state and its text.
    left: Option<(Stamp, String)>,
}

/// An event of a watch.
pub enum Event {
    /// The file has the registry now.
    Written(Accepted),
    /// The file had the registry already, byte for byte.
    Current(Accepted),
    /// Another program had changed or removed the file. It has its last text again.
    Restored,
    /// The registry has errors, or cannot be read. The file stays as it is.
    Refused(Vec<Diagnostic>),
    /// The file has to be written, and cannot be. The watch tries again.
    Unwritable(Diagnostic),
}

/// A registry without errors.
pub struct Accepted {
    /// The compiled policy.
    pub policy: Box<Policy>,
    /// The warnings of the registry and of the file.
    pub warnings: Vec<Diagnostic>,
}

impl Watch {
    /// A watch over this registry, for the file at this path and the module at this one, as Envoy finds it.
    pub fn new(registry: PathBuf, file: PathBuf, module: String, now: fn() -> UnixSeconds) -> Self {
        let wake = Wake::on_folder_of(&registry);
        let (settling, news) = (Settling::default(), News::default());
        Self { registry, file, module, now, settling, news, wake, owes: false, left: None }
    }

    /// Waits for the next event. `None` once `stop` can be read.
    ///
    /// # Errors
    ///
    /// The operating system does not let it wait.
    pub fn next(&mut self, stop: Option<BorrowedFd<'_>>) -> io::Result<Option<Event>> {
        // Whether something in the folder has woken the watch, and not yet turned out to be the registry.
        let mut is_woken = false;
        loop {
            match self.settling.look(stamp(&self.registry), self.wake.is_being_written()) {
                Next::Take => match self.take() {
                    Some(event) => return Ok(Some(event)),
                    None => is_woken = false,
                },
                Next::Idle if !is_woken => {
                    let woken = self.wake.wait(stop)?;
                    match woken {
                        Woken::ToStop => return Ok(None),
                        Woken::ByFolder => {}
                        Woken::ByTime if self.owes => self.settling.forget(),
                        Woken::ByTime => {
                            if let Some(event) = self.restore() {
                                return Ok(Some(event));
                            }
                        }
                    }
                    is_woken = woken == Woken::ByFolder;
                }
                // Files that come and go beside the registry must not keep the watch busy.
                Next::Idle | Next::Again => {
                    if self.wake.pause(stop)? {
                        return Ok(None);
                    }
                    is_woken = false;
                }
            }
        }
    }

    /// Reads the registry and writes the file, if there is something to write.
    fn take(&mut self) -> Option<Event> {
        self.owes = false;
        let bytes = match read(&self.registry) {
            Ok(bytes) => bytes,
            Err(error) => return self.news.refused(vec![error]),
        };
        let rendered = news::rendered(&self.registry, &bytes, &self.module, (self.now)());
        let (text, accepted) = match rendered {
            Ok(rendered) => rendered,
            Err(errors) => return self.news.refused(errors),
        };
        let found = stamp(&self.file);
        if has(&self.file, &text) {
            self.left = Some((found, text));
            return self.news.current(accepted, &bytes);
        }
        match replace(&self.file, &text) {
            Ok(()) => {
                self.left = Some((stamp(&self.file), text));
                self.news.written(accepted, &bytes)
            }
            Err(error) => {
                self.owes = true;
                self.news.unwritable(error)
            }
        }
    }

    /// Writes the file again, if another program has changed or removed it.
    fn restore(&mut self) -> Option<Event> {
        let (left, text) = self.left.as_mut()?;
        let found = stamp(&self.file);
        if found == *left {
            return None;
        }
        if has(&self.file, text) {
            *left = found;
            return None;
        }
        match replace(&self.file, text) {
            Ok(()) => {
                *left = stamp(&self.file);
                Some(self.news.restored())
            }
            Err(error) => self.news.unwritable(error),
        }
    }
}
