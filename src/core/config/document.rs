//! The top level of a configuration: its keys, and the module that reads each of them.

use super::capabilities::Capabilities;
use super::clients::{self, Clients};
use super::error::{Errors, Problem};
use super::fields::{Located, report_unknown};
use super::found::Found;
use super::inspect::{Inspection, inspect, inspect_key};
use super::node::{MAX_DEPTH, Node, Seed, Sink, TreeBuilder, next_key};
use super::path::Path;
use super::rules::{self, RawRules};
use super::{headers, identity, revocation, snapshot, tiers};
use crate::domain::client::{ClientIndex, Tier, TierIndex};
use crate::domain::expiry::Expiries;
use crate::domain::headers::IdentityHeaders;
use crate::domain::identity::Identity;
use crate::domain::mode::Mode;
use crate::domain::name::Name;
use crate::domain::policy::{Audit, DEFAULT_CLIENT_SERIES, FilterState, Policy, RateLimitHeaders};
use crate::domain::registry::Registry;
use crate::domain::removed::RemovedCredentials;
use crate::domain::revocation::RevocationList;
use crate::domain::rules::Rules;
use crate::domain::table::ClientTable;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess};
use std::collections::BTreeSet;
use std::mem::take;

const PARTS: &[&str] = &[
    "version",
    "mode",
    "identity",
    "tiers",
    "clients",
    "rules",
    "crls",
    "misdirected",
    "headers",
    "anonymous_tier",
    "rate_limit_headers",
    "filter_state",
    "audit",
    "metrics",
];

const DOCUMENT: &str = "a map with `version`, `tiers` and `clients`";
const VERSION: &str = "1";
const CLIENTS: &str = "a list of clients";

/// A configuration that is being read.
#[derive(Default)]
pub(super) struct Document {
    /// Whether the configuration was read to its end.
    complete: bool,
    keys: BTreeSet<Box<str>>,
    capabilities: Capabilities,
    mode: Mode,
    tiers: Vec<Tier>,
    /// Whether the value of `tiers` cannot have tiers, so that their names are unknown.
    tiers_unknown: bool,
    clients: Clients,
    identity: Identity,
    revocation_lists: Vec<RevocationList>,
    refuses_misdirected: bool,
    rules: RawRules,
    anonymous_tier: Option<Name>,
    headers: IdentityHeaders,
    rate_limit_headers: RateLimitHeaders,
    filter_state: FilterState,
    audit: Audit,
    client_series: Option<usize>,
    /// The top-level values except the clients, for a snapshot.
    parts: Vec<(Box<str>, Node)>,
    errors: Errors,
}

impl Document {
    /// An empty document for a filter with these capabilities.
    pub(super) fn new(capabilities: Capabilities) -> Self {
        Self { capabilities, ..Self::default() }
    }

    /// Reads the configuration from `data`.
    pub(super) fn read<'de, D: Deserializer<'de>>(&mut self, data: D) -> Result<(), D::Error> {
        Seed(self).deserialize(data)
    }

    /// Reports a problem of the whole configuration.
    pub(super) fn fail(&mut self, problem: Problem) {
        self.errors.push(&Path::Top, problem);
    }

    /// The policy, or all errors.
    pub(super) fn finish(mut self) -> Result<Policy, Errors> {
        let (clients, expiries, names) = self.check()?;
        Ok(self.policy(clients, expiries, names))
    }

    /// The policy as a snapshot, which comes after the `former` one; `None` if it has none.
    pub(super) fn compile(mut self, former: &dyn Fn() -> Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Errors> {
        let (clients, expiries, _) = self.check()?;
        Ok(snapshot::encode(&self.parts, &expiries, &clients, former()))
    }

    /// The policy with these clients, expiries and removed credentials; `None` if there are errors.
    pub(super) fn finish_with(
        mut self,
        clients: ClientTable,
        expiries: Expiries,
        removed: RemovedCredentials,
    ) -> Option<Policy> {
        let places = places(&self.rules.aliases(), clients.clients().map(|client| client.alias));
        let names = self.resolve(&places);
        self.errors.is_empty().then(|| Policy { removed, ..self.policy(clients, expiries, names) })
    }

    /// The clients, the expiries that metrics show, and the resolved names, or all errors.
    fn check(&mut self) -> Result<(ClientTable, Expiries, Resolved), Errors> {
        if self.complete && !self.keys.contains("version") {
            let problem = Problem::Value { expected: VERSION, found: Found::Nothing };
            self.errors.push(&Path::Key(&Path::Top, "version"), problem);
        }
        let clients = take(&mut self.clients);
        let places = places(&self.rules.aliases(), clients.aliases());
        let known_tiers = (self.complete && !self.tiers_unknown).then_some(self.tiers.as_slice());
        let profiles = clients.check(known_tiers, &mut self.errors);
        // Names of tiers and clients cannot be checked if the tiers are unknown or the end was not read.
        let names = if self.complete && !self.tiers_unknown { self.resolve(&places) } else { Resolved::default() };
        match self.errors.is_empty() {
            true => {
                let (clients, expiries) = clients.finish(&profiles, self.client_series());
                Ok((clients, expiries, names))
            }
            false => Err(take(&mut self.errors)),
        }
    }

    /// Resolves the names of tiers, and those of clients by their places.
    fn resolve(&mut self, clients: &[(Name, ClientIndex)]) -> Resolved {
        let anonymous_tier = self.anonymous_tier.take();
        let path = Path::Key(&Path::Top, "anonymous_tier");
        let anonymous_tier =
            anonymous_tier.and_then(|tier| rules::resolve_tier(&tier, &self.tiers, &path, &mut self.errors));
        let rules = take(&mut self.rules).resolve(&self.tiers, clients, &mut self.errors);
        Resolved { rules, anonymous_tier }
    }

    fn client_series(&self) -> usize {
        self.client_series.unwrap_or(DEFAULT_CLIENT_SERIES)
    }

    fn policy(self, clients: ClientTable, expiries: Expiries, names: Resolved) -> Policy {
        let client_series = self.client_series();
        Policy {
            mode: self.mode,
            identity: self.identity,
            revocation_lists: self.revocation_lists,
            refuses_misdirected: self.refuses_misdirected,
            rules: names.rules,
            anonymous_tier: names.anonymous_tier,
            registry: Registry::new(self.tiers, clients),
            headers: self.headers,
            rate_limit_headers: self.rate_limit_headers,
            filter_state: self.filter_state,
            audit: self.audit,
            client_series,
            expiries,
            removed: RemovedCredentials::default(),
        }
    }

    /// Reads a top-level value other than `clients`.
    fn part(&mut self, key: &str, value: Located<'_>) {
        const MODES: &[(&str, Mode)] = &[("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];
        const RATE_LIMIT_HEADERS: &[(&str, RateLimitHeaders)] =
            &[("ietf", RateLimitHeaders::Ietf), ("legacy", RateLimitHeaders::Legacy), ("off", RateLimitHeaders::Off)];
        const FILTER_STATE: &[(&str, FilterState)] =
            &[("refusals", FilterState::Refusals), ("always", FilterState::Always)];
        const AUDIT: &[(&str, Audit)] = &[("rejections", Audit::Rejections), ("all", Audit::All)];
        let errors = &mut self.errors;
        inspect(value, errors);
        match key {
            "version" => _ = value.integer(1..=1, VERSION, errors),
            "mode" => assign(&mut self.mode, value.choice(MODES, "`enforce` or `shadow`", errors)),
            "tiers" => {
                let tiers = tiers::read(value, self.capabilities, errors);
                self.tiers_unknown = tiers.is_none();
                assign(&mut self.tiers, tiers);
            }
            "identity" => assign(&mut self.identity, identity::read(value, errors)),
            "crls" => assign(&mut self.revocation_lists, revocation::read(value, errors)),
            "misdirected" => assign(&mut self.refuses_misdirected, refuses_misdirected(value, errors)),
            "rules" => assign(&mut self.rules, rules::read(value, self.capabilities, errors)),
            "anonymous_tier" => self.anonymous_tier = value.name(errors),
            "headers" => assign(&mut self.headers, headers::read(value, errors)),
            "rate_limit_headers" => {
                let choice = value.choice(RATE_LIMIT_HEADERS, "`ietf`, `legacy` or `off`", errors);
                assign(&mut self.rate_limit_headers, choice);
            }
            "filter_state" => {
                assign(&mut self.filter_state, value.choice(FILTER_STATE, "`refusals` or `always`", errors));
            }
            "audit" => assign(&mut self.audit, value.choice(AUDIT, "`rejections` or `all`", errors)),
            "metrics" => self.client_series = client_series(value, errors),
            _ => {}
        }
    }
}

/// The rules and the anonymous tier, with their names resolved.
#[derive(Default)]
struct Resolved {
    rules: Rules,
    anonymous_tier: Option<TierIndex>,
}

/// The indices of the clients with these aliases, in the order of the aliases, which is ascending.
fn places<'c>(wanted: &[Name], aliases: impl Iterator<Item = &'c str>) -> Vec<(Name, ClientIndex)> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found = vec![None; wanted.len()];
    for (place, alias) in aliases.enumerate() {
        let wanted = wanted.binary_search_by(|name| name.as_str().cmp(alias)).ok();
        if let Some(found) = wanted.and_then(|wanted| found.get_mut(wanted)) {
            // Of duplicate aliases, which are an error, the first counts.
            found.get_or_insert(ClientIndex(place));
        }
    }
    wanted.iter().zip(found).filter_map(|(name, found)| Some((name.clone(), found?))).collect()
}

/// Sets a value that has no error.
fn assign<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn refuses_misdirected(value: Located<'_>, errors: &mut Errors) -> Option<bool> {
    match value.node {
        Node::Integer(421) => Some(true),
        Node::Text(text) if **text == *"off" => Some(false),
        // YAML 1.1 reads a bare `off` as false.
        Node::Boolean(false) => Some(false),
        _ => value.wrong("`421` or `off`", errors),
    }
}

fn client_series(metrics: Located<'_>, errors: &mut Errors) -> Option<usize> {
    let fields = metrics.fields(&["clients"], "a map with `clients`", errors)?;
    let clients = fields.optional("clients")?.integer(0..=100_000, "a whole number from 0 to 100000", errors)?;
    usize::try_from(clients).ok()
}

impl<'de> Sink<'de> for &mut Document {
    type Value = ();

    fn scalar(self, node: Node) {
        inspect_and_refuse(&node, Path::Top, DOCUMENT, &mut self.errors);
    }

    fn list<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        Inspection { path: Path::Top, errors: &mut self.errors }.list(items)?;
        self.fail(Problem::Value { expected: DOCUMENT, found: Found::List });
        Ok(())
    }

    fn map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = next_key(&mut entries)? {
            let path = Path::Key(&Path::Top, &key);
            let first = self.keys.insert(key.clone());
            inspect_key(&path, &key, first, &mut self.errors);
            report_unknown(&key, PARTS, &path, &mut self.errors);
            match &*key {
                _ if !first => {
                    let errors = &mut self.errors;
                    entries.next_value_seed(Seed(Inspection { path, errors }))?;
                }
                "clients" => {
                    let (clients, errors) = (&mut self.clients, &mut self.errors);
                    entries.next_value_seed(Seed(ClientList { clients, errors }))?;
                }
                _ => {
                    let node = entries.next_value_seed(Seed(TreeBuilder { levels: MAX_DEPTH }))?;
                    self.part(&key, Located { node: &node, path });
                    self.parts.push((key, node));
                }
            }
        }
        self.complete = true;
        Ok(())
    }
}

/// Reads the list of clients item by item.
struct ClientList<'a> {
    clients: &'a mut Clients,
    errors: &'a mut Errors,
}

impl<'de> Sink<'de> for ClientList<'_> {
    type Value = ();

    fn scalar(self, node: Node) {
        inspect_and_refuse(&node, clients::PATH, CLIENTS, self.errors);
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index: usize = 0;
        while let Some(node) = items.next_element_seed(Seed(TreeBuilder { levels: MAX_DEPTH - 1 }))? {
            let item = Located { node: &node, path: Path::Item(&clients::PATH, index) };
            inspect(item, self.errors);
            self.clients.push(item, self.errors);
            index = index.saturating_add(1);
        }
        Ok(())
    }

    fn map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        Inspection { path: clients::PATH, errors: self.errors }.map(entries)?;
        self.errors.push(&clients::PATH, Problem::Value { expected: CLIENTS, found: Found::Map });
        Ok(())
    }
}

/// Reports a scalar where a list or a map must be.
fn inspect_and_refuse(node: &Node, path: Path<'_>, expected: &'static str, errors: &mut Errors) {
    let value = Located { node, path };
    inspect(value, errors);
    value.refuse(expected, errors);
}
