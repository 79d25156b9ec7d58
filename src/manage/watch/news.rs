//! The events of a watch that are news: each is told once, until another one comes. Pure. Must not read or write files.

use super::{Accepted, Event};
use crate::diagnostic::Diagnostic;
use crate::load::{Format, load};
use crate::render;
use crate::warnings::warnings;
use certgate_core::domain::time::UnixSeconds;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

/// The last event that was told.
#[derive(Default)]
pub(super) struct News {
    last: Option<Told>,
}

#[derive(PartialEq, Eq)]
enum Told {
    /// The file has the registry of this content.
    Good(u128),
    Refused(Vec<Diagnostic>),
    Unwritable(Diagnostic),
}

impl News {
    pub(super) fn written(&mut self, accepted: Accepted, content: &[u8]) -> Option<Event> {
        self.last = Some(Told::Good(xxh3_128(content)));
        Some(Event::Written(accepted))
    }

    pub(super) fn current(&mut self, accepted: Accepted, content: &[u8]) -> Option<Event> {
        self.tell(Told::Good(xxh3_128(content)), Event::Current(accepted))
    }

    pub(super) fn refused(&mut self, errors: Vec<Diagnostic>) -> Option<Event> {
        self.tell(Told::Refused(errors.clone()), Event::Refused(errors))
    }

    pub(super) fn unwritable(&mut self, error: Diagnostic) -> Option<Event> {
        self.tell(Told::Unwritable(error.clone()), Event::Unwritable(error))
    }

    pub(super) fn restored(&mut self) -> Event {
        // The error that kept the file from being written is over.
        self.last.take_if(|told| matches!(told, Told::Unwritable(_)));
        Event::Restored
    }

    fn tell(&mut self, told: Told, event: Event) -> Option<Event> {
        let is_new = self.last.as_ref() != Some(&told);
        self.last = Some(told);
        is_new.then_some(event)
    }
}

/// The text of the file for this content of the registry, or everything that is wrong with the registry.
pub(super) fn rendered(
    registry: &Path,
    content: &[u8],
    module: &str,
    now: UnixSeconds,
) -> Result<(String, Accepted), Vec<Diagnostic>> {
    let loaded = load(content, Format::of(registry, content))?;
    let rendered = render::ecds(&loaded, module)?;
    let warnings = warnings(&loaded, now).into_iter().chain(rendered.warnings).collect();
    Ok((rendered.text, Accepted { policy: Box::new(loaded.policy), warnings }))
}
