//! An application that calls all the time.

use super::workload::{OUTBOUND, SERVICE, Workload};
use crate::support::client::Caller;
use crate::support::echo::Echo;
use crate::support::request::{Request, Response};
use crate::support::wait::PATIENCE;
use std::mem::take;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a caller rests after each answer.
const REST: Duration = Duration::from_millis(10);

/// Callers, each with one connection to their sidecar. They stop when this is dropped.
pub(super) struct Traffic {
    calls: Arc<Mutex<Vec<Call>>>,
    callers: usize,
    going: Arc<()>,
    thread: Option<JoinHandle<()>>,
}

/// One call and its answer. Its path is its own.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) caller: usize,
    pub(super) path: String,
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) response: Response,
}

impl Call {
    /// What the other application received, if it did.
    pub(super) fn echo(&self) -> Option<Echo> {
        (self.response.status == 200).then(|| self.response.echo())
    }
}

impl Traffic {
    /// So many callers in the application of this workload.
    pub(super) fn start(workload: &Workload, callers: usize) -> Self {
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let going = Arc::new(());
        let (told, asked) = (Arc::clone(&calls), Arc::downgrade(&going));
        let thread = workload.host.spawn(async move || {
            let mut tasks = JoinSet::new();
            for caller in 0..callers {
                let (told, asked) = (Arc::clone(&told), asked.clone());
                tasks.spawn(async move {
                    let mut connection = Caller::plain().connect(OUTBOUND).await;
                    for number in 0.. {
                        if asked.strong_count() == 0 {
                            return;
                        }
                        let path = format!("/{caller}/{number}");
                        let began = Instant::now();
                        let response = connection.send(&Request::get(&path).authority(SERVICE)).await;
                        let call = Call { caller, path, began, ended: Instant::now(), response };
                        told.lock().unwrap().push(call);
                        tokio::time::sleep(REST).await;
                    }
                });
            }
            tasks.join_all().await;
        });
        Self { calls, callers, going, thread: Some(thread) }
    }

    /// Waits until every caller has made so many calls of this kind.
    pub(super) fn wait(&self, what: &str, count: usize, is: impl Fn(&Call) -> bool) {
        let started = Instant::now();
        let enough = || {
            let calls = self.calls.lock().unwrap();
            (0..self.callers)
                .all(|caller| calls.iter().filter(|call| call.caller == caller && is(call)).count() >= count)
        };
        while !enough() {
            assert!(started.elapsed() < PATIENCE, "still waiting after {PATIENCE:?}: {what}");
            assert!(self.thread.as_ref().is_some_and(|thread| !thread.is_finished()), "a caller has given up: {what}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it, and says what there was, in the order of the answers.
    pub(super) fn stop(mut self) -> Vec<Call> {
        self.going = Arc::default();
        if let Err(panic) = self.thread.take().expect("callers").join() {
            resume_unwind(panic);
        }
        take(&mut self.calls.lock().unwrap())
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.going = Arc::default();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
