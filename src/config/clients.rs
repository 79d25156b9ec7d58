//! The part `clients`: to clients and their credentials, one item at a time. Names are resolved when all is read.

use super::credentials;
use super::error::{Errors, Problem};
use super::fields::{Located, Names};
use super::node::Node;
use super::path::Path;
use crate::domain::client::{Client, ClientIndex, CredentialIndex, Tier, TierIndex};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::{NONE, Name, OTHER};
use crate::domain::table::ClientTable;
use crate::domain::table_builder::Builder;
use std::collections::BTreeMap;
use std::sync::Arc;

const CREDENTIALS: &str = "a list of one credential or more";

/// Where the list stands.
pub(super) const PATH: Path<'static> = Path::Key(&Path::Top, "clients");

/// What was read of the list so far. A client's tier is a number of [`Clients::tiers`] until all is read.
#[derive(Default)]
pub(super) struct Clients {
    /// A client for each item, right or wrong, so that an item's index tells its path; what is wrong has no alias.
    builder: Builder,
    /// Where in its client's list each of the credentials stands.
    positions: Vec<u32>,
    /// The tiers that items name, numbered as they came.
    tiers: BTreeMap<Name, usize>,
}

/// The number of a tier that is wrong.
const NO_TIER: TierIndex = TierIndex(1 << 30);

impl Clients {
    /// Takes the next item in.
    pub(super) fn push(&mut self, item: Located<'_>, errors: &mut Errors) {
        let (alias, tier, enabled) = self.client(item, errors).unwrap_or((None, None, false));
        let alias = alias.as_ref().map_or("", Name::as_str);
        self.builder.push_client(&Client { alias, tier: tier.unwrap_or(NO_TIER), enabled });
    }

    fn client(&mut self, item: Located<'_>, errors: &mut Errors) -> Option<(Option<Name>, Option<TierIndex>, bool)> {
        const KNOWN: &[&str] = &["alias", "tier", "enabled", "description", "credentials"];
        let fields = item.fields(KNOWN, "a map with `alias`, `tier` and `credentials`", errors)?;
        let alias = fields.required("alias", "the client's alias", errors);
        let alias = alias.and_then(|alias| alias.free_name(&[NONE, OTHER], errors));
        let tier = fields.required("tier", "the name of the client's tier", errors).and_then(|tier| tier.name(errors));
        let enabled = fields.optional("enabled").map_or(Some(true), |enabled| enabled.boolean(errors));
        if let Some(description) = fields.optional("description") {
            description.text("text", errors);
        }
        if let Some(credentials) = fields.required("credentials", CREDENTIALS, errors) {
            self.credentials(credentials, errors);
        }
        Some((alias, tier.map(|tier| self.number(tier)), enabled.unwrap_or_default()))
    }

    fn credentials(&mut self, list: Located<'_>, errors: &mut Errors) {
        if !matches!(list.node, Node::List(items) if !items.is_empty()) {
            return list.refuse(CREDENTIALS, errors);
        }
        let client = ClientIndex(self.builder.client_count());
        let mut names = Names::of(list.path);
        for (position, item) in list.items().enumerate() {
            if let Some((credential, validity)) = credentials::read(item, client, position, &mut names, errors) {
                self.builder.push_credential(&credential, validity);
                self.positions.push(u32::try_from(position).unwrap_or(u32::MAX));
            }
        }
    }

    fn number(&mut self, tier: Name) -> TierIndex {
        let next = self.tiers.len();
        TierIndex(*self.tiers.entry(tier).or_insert(next))
    }

    /// The clients and credentials; `None` if there is an error. `tiers` are `None` where it is not known which there are,
    /// so that nothing can be said about the names of tiers.
    pub(super) fn finish(mut self, tiers: Option<&[Tier]>, errors: &mut Errors) -> Option<ClientTable> {
        self.report_taken_aliases(errors);
        self.report_taken_certificates(errors);
        let tiers = tiers?;
        let known: Arc<[Name]> = tiers.iter().map(|tier| tier.name.clone()).collect();
        let resolved = resolve(self.tiers, tiers);
        let all = self.builder.resolve_tiers(|client, tier| match resolved.get(tier.0)?.as_ref()? {
            Ok(tier) => Some(*tier),
            Err(tier) => {
                let unknown = Problem::NoSuchTier { tier: tier.clone(), known: Arc::clone(&known) };
                errors.push(&Path::Key(&Path::Item(&PATH, client.0), "tier"), unknown);
                None
            }
        });
        (all && errors.is_empty()).then(|| self.builder.finish())
    }

    fn report_taken_aliases(&self, errors: &mut Errors) {
        for (client, first) in self.builder.taken_aliases() {
            let first = Path::Item(&PATH, first.0).to_string();
            errors.push(&Path::Key(&Path::Item(&PATH, client.0), "alias"), Problem::Taken { what: "an alias", first });
        }
    }

    fn report_taken_certificates(&self, errors: &mut Errors) {
        for (credential, first) in self.builder.taken_certificates() {
            let (Some(credential), Some(first)) = (self.credential(credential), self.credential(first)) else {
                continue;
            };
            let problem = Problem::CertificateTaken {
                fingerprint: credential.0,
                first: with_path(first.1, first.2, |path| path.to_string()),
                client: self.builder.alias(first.1).and_then(Name::new),
            };
            with_path(credential.1, credential.2, |path| errors.push(path, problem));
        }
    }

    /// A credential's fingerprint, whose it is, and where it stands in that client's list.
    fn credential(&self, index: CredentialIndex) -> Option<(Fingerprint, ClientIndex, usize)> {
        let (fingerprint, client) = self.builder.credential(index)?;
        Some((fingerprint, client, usize::try_from(*self.positions.get(index.0)?).ok()?))
    }
}

/// Calls `then` with the path of a credential.
fn with_path<T>(client: ClientIndex, position: usize, then: impl FnOnce(&Path<'_>) -> T) -> T {
    then(&Path::Item(&Path::Key(&Path::Item(&PATH, client.0), "credentials"), position))
}

/// The tier, or the name that is none's, for each number that [`Clients::number`] gave.
fn resolve(numbered: BTreeMap<Name, usize>, tiers: &[Tier]) -> Vec<Option<Result<TierIndex, Name>>> {
    let mut resolved: Vec<_> = numbered.iter().map(|_| None).collect();
    for (name, number) in numbered {
        if let Some(place) = resolved.get_mut(number) {
            *place = Some(match tiers.binary_search_by(|tier| tier.name.cmp(&name)) {
                Ok(index) => Ok(TierIndex(index)),
                Err(_) => Err(name),
            });
        }
    }
    resolved
}
