//! The bootstrap that `render` makes of the registry, from which every change is taken.

use super::TrustedCa;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::edit::Fragment;
use crate::envoy_file::{self, HttpFilter, Place};
use crate::load::document::Document;
use crate::load::tree::{Entry, Node};
use crate::load::{self, Format, Loaded};
use crate::render::{self, envoy::EnvoyOptions, envoy::Filter};
use certgate_core::domain::identity::{Chain, Source};
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::UnixSeconds;

/// A rendered bootstrap, and the policy that it was rendered from.
pub(super) struct Model<'s> {
    pub(super) document: Document<'s>,
    pub(super) policy: &'s Policy,
    /// Whether names in certificates count only where Envoy has verified the chain on this connection.
    pub(super) needs_verified: bool,
}

/// The text of the bootstrap.
pub(super) fn rendered(
    registry: &Loaded<'_>,
    watch: &str,
    trusted_ca: TrustedCa<'_>,
) -> Result<String, Vec<Diagnostic>> {
    let filter = Filter::Watched { file: watch };
    let options = EnvoyOptions { filter, certificate: "certificate", key: "key", trusted_ca };
    // No revocation lists are rendered, so the time does not count.
    render::envoy(registry, &options, UnixSeconds(0)).map(|rendered| rendered.text)
}

impl<'s> Model<'s> {
    pub(super) fn of(text: &'s str, registry: &'s Loaded<'_>) -> Result<Self, Vec<Diagnostic>> {
        let document = load::read(text.as_bytes(), Format::Yaml)?;
        let chain = registry.document.root().get("identity").and_then(|identity| identity.get("chain"));
        let policy = &registry.policy;
        let needs_verified =
            chain.is_some() && policy.identity.chain == Chain::Verified && !policy.registry.shapes().is_empty();
        let model = Self { document, policy, needs_verified };
        match model.has_all_parts() {
            true => Ok(model),
            false => Err(vec![Diagnostic::error(Code::PatchBug, "the rendered bootstrap lacks a part")]),
        }
    }

    fn has_all_parts(&self) -> bool {
        self.tls().is_some() && self.manager().is_some() && self.certgate().is_some()
    }

    pub(super) fn root(&self) -> Place<'_> {
        Place::root(self.document.root())
    }

    pub(super) fn listener(&self) -> Option<Place<'_>> {
        envoy_file::listeners(&self.root()).into_iter().next().map(|listener| listener.place)
    }

    fn chain(&self) -> Option<envoy_file::FilterChain<'_>> {
        envoy_file::listeners(&self.root()).first()?.filter_chains().into_iter().next()
    }

    pub(super) fn tls(&self) -> Option<Place<'_>> {
        self.chain()?.tls()
    }

    pub(super) fn manager(&self) -> Option<Place<'_>> {
        Some(self.chain()?.managers().into_iter().next()?.place)
    }

    fn http_filter(&self, is_it: impl Fn(&HttpFilter<'_>) -> bool) -> Option<Place<'_>> {
        let manager = self.chain()?.managers().into_iter().next()?;
        manager.http_filters().into_iter().find(|filter| is_it(filter)).map(|filter| filter.place)
    }

    pub(super) fn certgate(&self) -> Option<Place<'_>> {
        self.http_filter(|filter| filter.is_certgate())
    }

    pub(super) fn guard(&self) -> Option<Place<'_>> {
        self.http_filter(|filter| filter.is_guard())
    }

    /// Whether relays tell whose requests they forward.
    pub(super) fn trusts_relays(&self) -> bool {
        matches!(self.policy.identity.source, Source::Xfcc(_))
    }

    /// Whether a rule asks for a token that is bound to the certificate.
    pub(super) fn asks_for_tokens(&self) -> bool {
        self.policy.rules.rules().iter().any(|rule| rule.bound_token)
    }

    /// The value of an entry, with the comment above its key.
    pub(super) fn of_entry(&self, entry: &Entry) -> Fragment<'s> {
        Fragment::from(self.document.text(), &entry.node, entry.key_range.start)
    }

    /// An item of a list, with the comment above it.
    pub(super) fn of_item(&self, item: &Node) -> Fragment<'s> {
        Fragment::from(self.document.text(), item, item.range.start)
    }
}
