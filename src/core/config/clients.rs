//! The clients of a configuration, read item by item: aliases, profiles and credentials. Names of tiers are resolved
//! after the last item.

use super::credentials::{self, Item, Siblings};
use super::error::{Errors, Problem};
use super::fields::{Located, Names};
use super::node::Node;
use super::path::Path;
use super::tiers;
use crate::certificate::names::NameParts;
use crate::domain::client::{Client, ClientIndex, Profile, ProfileIndex, Tier, TierIndex};
use crate::domain::credential::{CredentialIndex, Kind, Shape};
use crate::domain::expiry::Expiries;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::{NONE, Name, OTHER};
use crate::domain::sorted;
use crate::domain::table::ClientTable;
use crate::domain::table_builder::Builder;
use std::collections::BTreeMap;
use std::sync::Arc;

const CREDENTIALS: &str = "a list of one credential or more";

/// The path of the list.
pub(super) const PATH: Path<'static> = Path::Key(&Path::Top, "clients");

/// The clients that were read so far.
#[derive(Default)]
pub(super) struct Clients {
    /// A client for each item, also for one with errors, which has no alias: the index of an item is its client's
    /// index.
    builder: Builder,
    /// The index of each credential in its client's list.
    positions: Vec<u32>,
    /// The names of credentials, where they have one.
    labels: Vec<(CredentialIndex, Name)>,
    /// The different profiles (tier, groups and scopes), each with its number in order of appearance.
    profiles: BTreeMap<Unresolved, usize>,
    /// The shapes in which names are compared.
    shapes: Vec<Shape>,
    /// The patterns, to find two that match the same name.
    patterns: Vec<(CredentialIndex, NameParts)>,
}

/// A profile with the name of its tier.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Unresolved {
    tier: Name,
    groups: Vec<Name>,
    scopes: Vec<Name>,
}

/// The number of a profile with errors.
const NO_PROFILE: ProfileIndex = ProfileIndex(1 << 30);

/// The values of one item.
#[derive(Default)]
struct Read {
    alias: Option<Name>,
    profile: Option<ProfileIndex>,
    enabled: bool,
}

impl Clients {
    /// Reads the next item.
    pub(super) fn push(&mut self, item: Located<'_>, errors: &mut Errors) {
        let Read { alias, profile, enabled } = self.client(item, errors).unwrap_or_default();
        let alias = alias.as_ref().map_or("", Name::as_str);
        self.builder.push_client(&Client { alias, profile: profile.unwrap_or(NO_PROFILE), enabled });
    }

    fn client(&mut self, item: Located<'_>, errors: &mut Errors) -> Option<Read> {
        const KNOWN: &[&str] = &["alias", "tier", "groups", "scopes", "enabled", "description", "credentials"];
        let fields = item.fields(KNOWN, "a map with `alias`, `tier` and `credentials`", errors)?;
        let alias = fields.required("alias", "the client's alias", errors);
        let alias = alias.and_then(|alias| alias.free_name(&[NONE, OTHER], errors));
        let tier = fields.required("tier", "the name of the client's tier", errors).and_then(|tier| tier.name(errors));
        let groups = fields.optional("groups").map_or(Some(Vec::new()), |groups| names(groups, errors));
        let scopes = fields.optional("scopes").map_or(Some(Vec::new()), |scopes| names(scopes, errors));
        let enabled = fields.optional("enabled").map_or(Some(true), |enabled| enabled.boolean(errors));
        if let Some(description) = fields.optional("description") {
            description.text("text", errors);
        }
        if let Some(credentials) = fields.required("credentials", CREDENTIALS, errors) {
            self.credentials(credentials, errors);
        }
        let profile = match (tier, groups, scopes) {
            (Some(tier), Some(groups), Some(scopes)) => Some(self.number(Unresolved { tier, groups, scopes })),
            _ => None,
        };
        Some(Read { alias, profile, enabled: enabled.unwrap_or_default() })
    }

    fn credentials(&mut self, list: Located<'_>, errors: &mut Errors) {
        if !matches!(list.node, Node::List(items) if !items.is_empty()) {
            return list.refuse(CREDENTIALS, errors);
        }
        let client = ClientIndex(self.builder.client_count());
        let mut siblings = Siblings::of(list.path);
        for (position, item) in list.items().enumerate() {
            if let Some(item) = credentials::read(item, client, position, &mut siblings, errors) {
                self.credential(item, position);
            }
        }
    }

    fn credential(&mut self, item: Item, position: usize) {
        let Item { credential, digest, dates, window, name, label } = item;
        let index = CredentialIndex(self.positions.len());
        if let Some(name) = name {
            let shape = name.shape();
            sorted::insert(&mut self.shapes, shape);
            if shape.mask != 0 {
                self.patterns.push((index, name));
            }
        } else if credential.kind == Kind::SpkiSha256 {
            sorted::insert(&mut self.shapes, Shape { kind: Kind::SpkiSha256, parts: 0, mask: 0 });
        }
        if let Some(label) = label {
            self.labels.push((index, label));
        }
        self.builder.push_credential(&credential, &digest, dates, window);
        self.positions.push(u32::try_from(position).unwrap_or(u32::MAX));
    }

    fn number(&mut self, profile: Unresolved) -> ProfileIndex {
        let next = self.profiles.len();
        ProfileIndex(*self.profiles.entry(profile).or_insert(next))
    }

    /// The aliases, in the order of the items.
    pub(super) fn aliases(&self) -> impl Iterator<Item = &str> {
        (0..self.builder.client_count()).map(|place| self.builder.alias(ClientIndex(place)).unwrap_or_default())
    }

    /// Reports errors between items; returns the profiles. `tiers` is `None` if they are unknown; then the names of
    /// tiers are not checked.
    pub(super) fn check(&self, tiers: Option<&[Tier]>, errors: &mut Errors) -> Vec<Profile> {
        self.report_duplicate_aliases(errors);
        self.report_duplicate_credentials(errors);
        self.report_rivals(errors);
        tiers.map(|tiers| self.resolve(tiers, errors)).unwrap_or_default()
    }

    /// The clients and credentials of a list without errors, with these profiles, and the expiries of the credentials
    /// that expire first, at most `expiries` of them.
    pub(super) fn finish(mut self, profiles: &[Profile], expiries: usize) -> (ClientTable, Expiries) {
        profiles.iter().for_each(|profile| self.builder.push_profile(profile));
        self.shapes.into_iter().for_each(|shape| self.builder.push_shape(shape));
        let table = self.builder.finish();
        let expiries = Expiries::soonest(&table, &self.labels, expiries);
        (table, expiries)
    }

    /// The profiles by number. Reports an unknown tier for each client that has it.
    fn resolve(&self, tiers: &[Tier], errors: &mut Errors) -> Vec<Profile> {
        let mut profiles = vec![None; self.profiles.len()];
        for (profile, number) in &self.profiles {
            if let Some(place) = profiles.get_mut(*number) {
                *place = Some(profile);
            }
        }
        let profiles: Vec<_> = profiles.into_iter().flatten().collect();
        if profiles.iter().any(|profile| tiers::find(tiers, &profile.tier).is_none()) {
            let known: Arc<[Name]> = tiers.iter().map(|tier| tier.name.clone()).collect();
            for (client, profile) in self.builder.client_profiles() {
                let Some(Unresolved { tier, .. }) = profiles.get(profile.0) else { continue };
                if tiers::find(tiers, tier).is_none() {
                    let unknown = Problem::NoSuchTier { tier: tier.clone(), known: Arc::clone(&known) };
                    errors.push(&Path::Key(&Path::Item(&PATH, client.0), "tier"), unknown);
                }
            }
        }
        let profiles = profiles.into_iter().map(|Unresolved { tier, groups, scopes }| Profile {
            tier: tiers::find(tiers, tier).unwrap_or(TierIndex(usize::MAX)),
            groups: groups.clone(),
            scopes: scopes.clone(),
        });
        profiles.collect()
    }

    fn report_duplicate_aliases(&self, errors: &mut Errors) {
        for (client, first) in self.builder.duplicate_aliases() {
            let first = Path::Item(&PATH, first.0).to_string();
            errors.push(
                &Path::Key(&Path::Item(&PATH, client.0), "alias"),
                Problem::Duplicate { what: "an alias", first },
            );
        }
    }

    fn report_duplicate_credentials(&self, errors: &mut Errors) {
        for (credential, first) in self.builder.duplicate_identifiers() {
            let Some(identifier) = self.builder.identifier_at(credential) else { continue };
            let digest = identifier.kind.proves_itself().then(|| Fingerprint::new(identifier.digest));
            let problem = |first, client| Problem::DuplicateCredential { kind: identifier.kind, digest, first, client };
            self.report_about(credential, first, problem, errors);
        }
    }

    /// Reports patterns of different clients that match the same name equally well.
    fn report_rivals(&self, errors: &mut Errors) {
        let of = |shape: Shape| self.patterns.iter().filter(move |(_, name)| name.shape() == shape);
        for (place, shape) in self.shapes.iter().enumerate() {
            for rival in self.shapes.iter().take(place).filter(|rival| rival.rivals(shape)) {
                let mut seen = BTreeMap::new();
                for (index, name) in of(*rival) {
                    seen.entry(name.shared_with(shape)).or_insert(*index);
                }
                for (index, name) in of(*shape) {
                    let Some(other) = seen.get(&name.shared_with(rival)) else { continue };
                    if self.builder.holder(*index) != self.builder.holder(*other) {
                        let problem = |first, client| Problem::Rival { first, client };
                        self.report_about(*index.max(other), *index.min(other), problem, errors);
                    }
                }
            }
        }
    }

    /// Reports a problem between a credential and an earlier one.
    fn report_about(
        &self,
        credential: CredentialIndex,
        first: CredentialIndex,
        problem: impl FnOnce(String, Option<Name>) -> Problem,
        errors: &mut Errors,
    ) {
        let (Some(credential), Some(first)) = (self.place(credential), self.place(first)) else { return };
        let alias = self.builder.alias(first.0).and_then(Name::new);
        let problem = problem(with_path(first.0, first.1, |path| path.to_string()), alias);
        with_path(credential.0, credential.1, |path| errors.push(path, problem));
    }

    /// The client of the credential, and the credential's index in the client's list.
    fn place(&self, index: CredentialIndex) -> Option<(ClientIndex, usize)> {
        Some((self.builder.holder(index)?, usize::try_from(*self.positions.get(index.0)?).ok()?))
    }
}

/// Names in ascending order, without duplicates.
pub(super) fn names(list: Located<'_>, errors: &mut Errors) -> Option<Vec<Name>> {
    if !list.is_list("a list of names", errors) {
        return None;
    }
    let mut unique = Names::of(list.path);
    let read: Vec<_> =
        list.items().enumerate().map(|(place, name)| name.unique_name(&mut unique, place, errors)).collect();
    read.iter().all(Option::is_some).then(|| unique.into_sorted())
}

/// Calls `then` with the path of a credential.
fn with_path<T>(client: ClientIndex, position: usize, then: impl FnOnce(&Path<'_>) -> T) -> T {
    then(&Path::Item(&Path::Key(&Path::Item(&PATH, client.0), "credentials"), position))
}
