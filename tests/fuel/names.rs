//! What the names in a certificate cost, where there are as many as anybody can write, and as many patterns as registries
//! may have.

use crate::certificate::Certificate;
use crate::process::Process;
use crate::registry;
use crate::vm::Vm;
use serde_json::{Value, json};
use std::rc::Rc;

/// So many names with seven labels.
fn hosts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("a{number}.b.c.d.e.f.example")).collect()
}

/// A registry with a pattern of each of so many shapes that such names are compared in.
fn with_shapes(count: usize) -> Value {
    let pattern = |mask: usize| {
        let labels: String = (0..6).map(|bit| if mask >> bit & 1 == 1 { "*." } else { "x." }).collect();
        json!({"dns_san": format!("{labels}shape-{mask}")})
    };
    let mut registry = registry::of(&Certificate::of("client"));
    registry["clients"][0]["credentials"] = (0..count).map(pattern).collect();
    registry
}

/// The fuel of the first request with this certificate, and of the next one.
fn fuel(registry: &Value, certificate: &Certificate) -> [u64; 2] {
    let process = Rc::new(Process::new());
    let configuration = registry.to_string().into_bytes();
    Vm::start(&process).configure(&configuration);
    let mut worker = Vm::start(&process);
    worker.configure(&configuration);
    worker.tick();
    // Everything else is done by then.
    worker.request(&registry::plain(), Some(&Certificate::of("another")));
    let fuel = [(); 2].map(|()| worker.request(&registry::plain(), Some(certificate)).fuel());
    assert_eq!(worker.host().answer, Some(403));
    fuel
}

#[test]
fn names_that_nobody_vouches_for_cost_what_reading_them_costs() {
    let stranger = || Certificate::with_hosts("stranger", &hosts(999));
    let [few, many] = [1, 64].map(|shapes| fuel(&with_shapes(shapes), &stranger()));
    let [bounded, beyond] =
        [fuel(&with_shapes(4), &stranger().verified()), fuel(&with_shapes(64), &stranger().verified())];
    println!(
        "999 names, unverified: {few:?} with 1 shape, {many:?} with 64; verified: {bounded:?} with 4, {beyond:?} with 64"
    );
    assert!(many[0] * 100 <= few[0] * 101, "{many:?} with 64 shapes, {few:?} with one");
    // 3,996 digests.
    assert!(bounded[0] - few[0] < 4_096 * 16_000, "{bounded:?} with 4 shapes, {few:?} unverified");
    assert!(beyond[0] * 100 <= few[0] * 101, "more than are compared: {beyond:?}, and {few:?} unverified");
    for next in [few, many, bounded, beyond] {
        assert!(next[1] * 100 < next[0], "what is known is not found out again: {next:?}");
    }
}
