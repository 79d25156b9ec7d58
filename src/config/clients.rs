//! The part `clients`: to clients and their credentials, one item at a time. Names are resolved when all is read.

use super::credentials;
use super::error::{Errors, Problem};
use super::fields::{Located, Names};
use super::node::Node;
use super::path::Path;
use crate::domain::client::{Client, ClientIndex, Credential, Tier, TierIndex};
use crate::domain::name::{NONE, Name, OTHER};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

const CREDENTIALS: &str = "a list of one credential or more";

/// Where the list stands.
pub(super) const PATH: Path<'static> = Path::Key(&Path::Top, "clients");

/// What was read of the list so far.
#[derive(Default)]
pub(super) struct Clients {
    /// One for each item, right or wrong, so that an item's index tells its path.
    drafts: Vec<Draft>,
    credentials: Vec<Credential>,
    /// Where in its client's list each of the credentials stands.
    positions: Vec<usize>,
    /// The tiers that items name, numbered as they came.
    tiers: BTreeMap<Name, usize>,
}

/// A client whose tier is not known yet.
#[derive(Default)]
struct Draft {
    alias: Option<Name>,
    tier: Option<usize>,
    enabled: bool,
}

impl Clients {
    /// Takes the next item in.
    pub(super) fn push(&mut self, item: Located<'_>, errors: &mut Errors) {
        let draft = self.draft(item, errors);
        self.drafts.push(draft.unwrap_or_default());
    }

    fn draft(&mut self, item: Located<'_>, errors: &mut Errors) -> Option<Draft> {
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
        Some(Draft { alias, tier: tier.map(|tier| self.number(tier)), enabled: enabled.unwrap_or_default() })
    }

    fn credentials(&mut self, list: Located<'_>, errors: &mut Errors) {
        if !matches!(list.node, Node::List(items) if !items.is_empty()) {
            return list.refuse(CREDENTIALS, errors);
        }
        let client = ClientIndex(self.drafts.len());
        let mut names = Names::of(list.path);
        for (position, item) in list.items().enumerate() {
            if let Some(credential) = credentials::read(item, client, position, &mut names, errors) {
                self.credentials.push(credential);
                self.positions.push(position);
            }
        }
    }

    fn number(&mut self, tier: Name) -> usize {
        let next = self.tiers.len();
        *self.tiers.entry(tier).or_insert(next)
    }

    /// The clients and credentials; where there is an error, perhaps fewer of them. `tiers` are `None` where it is not
    /// known which there are, so that nothing can be said about the names of tiers.
    pub(super) fn finish(self, tiers: Option<&[Tier]>, errors: &mut Errors) -> (Vec<Client>, Vec<Credential>) {
        self.report_taken_aliases(errors);
        self.report_taken_certificates(errors);
        let Some(tiers) = tiers else { return Default::default() };
        let known: Arc<[Name]> = tiers.iter().map(|tier| tier.name.clone()).collect();
        let resolved = resolve(self.tiers, tiers);
        let clients = (0..).zip(self.drafts).filter_map(|(index, draft)| {
            let tier = resolved.get(draft.tier?)?.as_ref()?.as_ref();
            let unknown = |tier: &Name| Problem::NoSuchTier { tier: tier.clone(), known: Arc::clone(&known) };
            let tier = tier.map_err(|tier| errors.push(&Path::Key(&Path::Item(&PATH, index), "tier"), unknown(tier)));
            Some(Client { alias: draft.alias?, tier: *tier.ok()?, enabled: draft.enabled })
        });
        (clients.collect(), self.credentials)
    }

    fn report_taken_aliases(&self, errors: &mut Errors) {
        let aliases = self.drafts.iter().enumerate().filter_map(|(index, draft)| Some((draft.alias.as_ref()?, index)));
        for (index, first) in taken(aliases) {
            let first = Path::Item(&PATH, first).to_string();
            errors.push(&Path::Key(&Path::Item(&PATH, index), "alias"), Problem::Taken { what: "an alias", first });
        }
    }

    fn report_taken_certificates(&self, errors: &mut Errors) {
        let fingerprints = (0..).zip(&self.credentials).map(|(index, credential)| (&credential.fingerprint, index));
        for (index, first) in taken(fingerprints) {
            let Some((credential, position)) = self.credential(index) else {
                continue;
            };
            let Some((first, first_position)) = self.credential(first) else {
                continue;
            };
            let client = self.drafts.get(first.client.0).and_then(|draft| draft.alias.clone());
            let problem = Problem::CertificateTaken {
                fingerprint: credential.fingerprint,
                first: with_path(first.client, first_position, |path| path.to_string()),
                client,
            };
            with_path(credential.client, position, |path| errors.push(path, problem));
        }
    }

    fn credential(&self, index: usize) -> Option<(&Credential, usize)> {
        self.credentials.get(index).zip(self.positions.get(index).copied())
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

/// Which of the keys stand not for the first time: the index of each, and that of the first.
fn taken<'k, K: Eq + Hash + 'k>(keys: impl Iterator<Item = (&'k K, usize)>) -> Vec<(usize, usize)> {
    let mut firsts = HashMap::new();
    keys.filter_map(|(key, index)| match firsts.entry(key) {
        Entry::Occupied(first) => Some((index, *first.get())),
        Entry::Vacant(place) => {
            place.insert(index);
            None
        }
    })
    .collect()
}
