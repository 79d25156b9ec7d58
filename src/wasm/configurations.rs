//! All configurations of a VM. Envoy keeps an old one, with its root context, as long as a stream that began under it is
//! open on this worker. Its policy is not kept so long.
//!
//! A root context goes from a VM once Envoy has no use for its configuration and no stream is left there. The main
//! thread's VM has no streams, so the first VM in which one goes tells all others, through shared data; and each of them
//! lets go of such policies when the next configuration comes. So there are two at most: the one in force and the one
//! before.

use super::configuration::Configuration;
use super::images::Images;
use super::shared_data::SharedData;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

#[derive(Default)]
pub(super) struct Configurations(RefCell<Vec<Weak<Configuration>>>);

impl Configurations {
    /// One more.
    pub(super) fn add(&self, configuration: &Rc<Configuration>) {
        if let Ok(mut all) = self.0.try_borrow_mut() {
            all.retain(|other| other.strong_count() > 0);
            all.push(Rc::downgrade(configuration));
        }
    }

    /// Lets go of the policies of this `root_id` that Envoy has no use for.
    pub(super) fn release_former(&self, root_id: &str) {
        if !self.all().any(|configuration| configuration.policy().is_some()) {
            return;
        }
        let former = Images { store: &SharedData, root_id }.former();
        self.all().for_each(|configuration| configuration.release(root_id, &former));
    }

    /// Tells all VMs that Envoy has no use for this configuration any more. One that was never taken up was the canary's,
    /// and another context may have the same.
    pub(super) fn retire(&self, gone: &Rc<Configuration>) {
        let Some(policy) = gone.policy() else { return };
        let same = |other: &Rc<Configuration>| !Rc::ptr_eq(other, gone) && other.hash() == Some(policy.hash);
        if !self.all().any(|other| same(&other)) {
            Images { store: &SharedData, root_id: &policy.plugin.root_id }.retire(&policy.hash);
        }
    }

    fn all(&self) -> impl Iterator<Item = Rc<Configuration>> {
        let all = self.0.try_borrow().map(|all| all.clone()).unwrap_or_default();
        all.into_iter().filter_map(|configuration| configuration.upgrade())
    }
}
