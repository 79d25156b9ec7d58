//! All configurations of a VM. Envoy keeps an old configuration, with its root context, as long as a stream that began
//! under it is open on this worker. The policy of an old configuration is released earlier.
//!
//! Envoy deletes a root context from a VM once it no longer uses the configuration and no stream is left there. The main
//! thread's VM has no streams, so the first VM that deletes a root context tells all others, through shared data. Each of
//! them releases such policies when the next configuration comes. A VM therefore has two policies at most: the active one
//! and the one before.

use super::configuration::Configuration;
use super::shared_data::SharedData;
use super::snapshots::Snapshots;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

#[derive(Default)]
pub(super) struct Configurations(RefCell<Vec<Weak<Configuration>>>);

impl Configurations {
    /// Adds a configuration.
    pub(super) fn add(&self, configuration: &Rc<Configuration>) {
        if let Ok(mut all) = self.0.try_borrow_mut() {
            all.retain(|other| other.strong_count() > 0);
            all.push(Rc::downgrade(configuration));
        }
    }

    /// Releases the policies of this `root_id` that Envoy no longer uses.
    pub(super) fn release_former(&self, root_id: &str) {
        if !self.all().any(|configuration| configuration.loaded().is_some()) {
            return;
        }
        let former = Snapshots { store: &SharedData, root_id }.former();
        self.all().for_each(|configuration| configuration.release(root_id, &former));
    }

    /// Tells all VMs that Envoy no longer uses this configuration. Does nothing for one that was never activated, which is
    /// the canary's, or that another root context of this VM has too.
    pub(super) fn retire(&self, gone: &Rc<Configuration>) {
        let Some(active) = gone.loaded() else { return };
        let same = |other: &Rc<Configuration>| !Rc::ptr_eq(other, gone) && other.hash() == Some(active.hash);
        if !self.all().any(|other| same(&other)) {
            Snapshots { store: &SharedData, root_id: &active.plugin.root_id }.retire(&active.hash);
        }
    }

    fn all(&self) -> impl Iterator<Item = Rc<Configuration>> {
        let all = self.0.try_borrow().map(|all| all.clone()).unwrap_or_default();
        all.into_iter().filter_map(|configuration| configuration.upgrade())
    }
}
