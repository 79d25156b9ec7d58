//! The watch over a registry: whenever the registry is saved, it is checked, rendered, and put in the place of the file that
//! Envoy watches. Must not print, and must not know signals.

mod files;
mod news;
mod settle;
mod wake;

use super::diagnostic::Diagnostic;
use super::replace::replace;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::UnixSeconds;
use files::{read, stamp};
use news::News;
use settle::{Next, Settling};
use std::fs;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use wake::{Wake, Woken};

pub use files::module_in;

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
}

/// An event of a watch.
pub enum Event {
    /// The file has the registry now.
    Written(Accepted),
    /// The file had the registry already, byte for byte.
    Current(Accepted),
    /// The registry has errors, or cannot be read. The file stays as it is.
    Refused(Vec<Diagnostic>),
    /// The registry is good, and the file cannot be written. The watch tries again.
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
        Self { registry, file, module, now, settling, news, wake, owes: false }
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
            match self.settling.look(stamp(&self.registry)) {
                Next::Take => match self.take() {
                    Some(event) => return Ok(Some(event)),
                    None => is_woken = false,
                },
                Next::Again => {
                    if self.wake.pause(stop)? {
                        return Ok(None);
                    }
                }
                Next::Idle => {
                    // Files that come and go beside the registry must not keep the watch busy.
                    if is_woken && self.wake.pause(stop)? {
                        return Ok(None);
                    }
                    let woken = self.wake.wait(stop)?;
                    match woken {
                        Woken::ToStop => return Ok(None),
                        Woken::ByFolder => {}
                        Woken::ByTime if self.owes => self.settling.forget(),
                        Woken::ByTime => {}
                    }
                    is_woken = woken == Woken::ByFolder;
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
        if fs::read(&self.file).is_ok_and(|present| present == text.as_bytes()) {
            return self.news.current(accepted, &bytes);
        }
        match replace(&self.file, &text) {
            Ok(()) => self.news.written(accepted, &bytes),
            Err(error) => {
                self.owes = true;
                self.news.unwritable(error)
            }
        }
    }
}
