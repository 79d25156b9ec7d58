//! Linting: the values of an Envoy configuration that are dangerous with certgate in it, and the values that it lacks.
//! The registry tells which of them matter. Must not read files, and must not know command lines.

mod files;
mod filter;
mod finding;
mod guard;
mod logs;
mod manager;
mod order;
mod permission;
mod plugin;
mod registry;
mod routes;
mod subject;
mod tls;
mod value;
mod vm;

pub use files::named_files;
pub use finding::Finding;

use super::envoy_file::{EnvoyFile, HttpFilter, Place};
use super::load::Loaded;
use super::load::document::Document;
use crate::diagnostic::code::Code;
use certgate_core::domain::policy::Policy;
use files::Files;
use finding::{Report, Source, sorted};
use std::collections::BTreeMap;
use std::sync::Arc;
use subject::{Around, Certgate, managers};

/// The findings about an Envoy configuration. `files` has those of its [`named_files`] that can be read. `registry` is
/// the registry that certgate has in it; without one, the configuration's own is read, inline or in a watched file.
pub fn lint(
    envoy: &EnvoyFile<'_>,
    files: &BTreeMap<String, Document<'_>>,
    registry: Option<&Loaded<'_>>,
) -> Vec<Finding> {
    let here = Source { name: None, document: &envoy.document };
    let context = Context { files: Files { here, named: files }, given: registry.map(registry::given) };
    let mut findings = Vec::new();
    let report = &mut Report::new(here, &mut findings);
    let root = envoy.root();
    value::report_duplicate_keys(root.node, report);
    let managers = managers(envoy.listeners());
    let certgates: Vec<_> = managers.iter().map(|around| context.certgate(&around.manager.http_filters())).collect();
    match managers.first() {
        None => no_manager(&root, report),
        Some(first) if certgates.iter().all(Option::is_none) => no_certgate(first, report),
        Some(_) => {
            for (around, certgate) in managers.iter().zip(&certgates) {
                match certgate {
                    Some(certgate) => context.check(around, certgate, report),
                    None => without_certgate(around, &managers, &certgates, report),
                }
            }
            vm::check(context.files, report);
            logs::check_stats_tags(&root, report);
        }
    }
    sorted(findings)
}

/// The files and the registry that a configuration is linted with.
struct Context<'f> {
    files: Files<'f>,
    given: Option<Arc<Policy>>,
}

impl<'f> Context<'f> {
    fn certgate(&self, filters: &[HttpFilter<'f>]) -> Option<Certgate<'f>> {
        Certgate::among(filters, self.files)
    }

    /// All checks of one certgate.
    fn check(&self, around: &Around<'f>, certgate: &Certgate<'f>, report: &mut Report<'_, 'f>) {
        let Self { files, given } = self;
        let policy = registry::policy(certgate, *files, given.as_ref(), report);
        let policy = policy.as_deref();
        filter::check(certgate, *files, report);
        plugin::check(certgate, policy, report);
        tls::check(around, policy, *files, report);
        manager::check(around, policy, report);
        guard::check_headers(around, policy, report);
        let filters = around.manager.http_filters();
        order::check(&filters, certgate, policy, report);
        let guards = guard::check_filters(&filters, certgate, policy, report);
        routes::check(around, certgate, &guards, policy, report);
        self.check_upgrades(around, report);
        logs::check(around, report);
    }

    /// Upgrades that have filters of their own.
    fn check_upgrades(&self, around: &Around<'f>, report: &mut Report<'_, 'f>) {
        for upgrade in around.manager.place.list("upgrade_configs") {
            let filters: Vec<_> = upgrade.list("filters").into_iter().map(|place| HttpFilter { place }).collect();
            match self.certgate(&filters) {
                _ if filters.is_empty() => {}
                Some(certgate) => {
                    let policy = registry::policy(&certgate, self.files, self.given.as_ref(), report);
                    let policy = policy.as_deref();
                    filter::check(&certgate, self.files, report);
                    plugin::check(&certgate, policy, report);
                    order::check(&filters, &certgate, policy, report);
                    guard::check_filters(&filters, &certgate, policy, report);
                }
                None => report.error(
                    Code::UpgradeSkipsCertgate,
                    &upgrade,
                    format!(
                        "upgrades to {} have filters of their own without certgate, so anybody can make them",
                        upgrade.text("upgrade_type").unwrap_or("a protocol")
                    ),
                    "remove `filters` from the upgrade, or put certgate and its guard into them",
                ),
            }
        }
    }
}

fn no_manager<'f>(root: &Place<'f>, report: &mut Report<'_, 'f>) {
    let message =
        "no filter chain of a listener in this file has an HTTP connection manager, and certgate is an HTTP filter";
    report.error(Code::NoConnectionManager, root, message, "lint the file that has the listeners");
}

fn no_certgate<'f>(first: &Around<'f>, report: &mut Report<'_, 'f>) {
    let message = "no HTTP connection manager in this file has certgate among its HTTP filters";
    let help = "`certgate patch` puts certgate into this file";
    report.error(Code::NoCertgate, &first.manager.place, message, help);
}

/// A warning about a filter chain without certgate, if another chain of its listener has certgate.
fn without_certgate<'f>(
    around: &Around<'f>,
    managers: &[Around<'f>],
    certgates: &[Option<Certgate<'f>>],
    report: &mut Report<'_, 'f>,
) {
    let listener = &around.listener.place.path;
    let mut others = managers.iter().zip(certgates).filter(|(other, _)| other.listener.place.path == *listener);
    if others.any(|(_, certgate)| certgate.is_some()) {
        let message =
            "requests of this filter chain do not pass certgate, and those of another chain of the listener do";
        let help = "put certgate into this chain too, unless it is meant for everybody";
        report.warning(Code::ChainWithoutCertgate, &around.manager.place, message, help);
    }
}
