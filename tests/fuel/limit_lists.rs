//! The memory of limits grows with the tiers and with the rules of a registry, not with their product.

use crate::budget::{self, Figure};
use crate::certificate::Certificate;
use crate::process::Process;
use crate::registry;
use crate::vm::Vm;
use serde_json::json;
use std::collections::BTreeMap;
use std::rc::Rc;

const NUMBER: usize = 300;

/// Bytes of linear memory that a worker's VM takes for a registry with so many tiers and so many rules, each with a limit
/// of its own.
fn memory_of(tiers: usize, rules: usize) -> u64 {
    let client = Certificate::of("client");
    let mut registry = registry::of(&client);
    for number in 0..tiers {
        registry["tiers"][format!("tier-{number}")] =
            json!({"limits": [{"name": "burst", "requests": 100, "per": "1s"}]});
    }
    let rule = |number| {
        json!({
            "name": format!("rule-{number}"),
            "match": {"path": format!("/{number}/**")},
            "limits": [{"name": format!("limit-{number}"), "requests": 5, "per": "1s"}],
        })
    };
    registry["rules"] = (0..rules).map(rule).collect();
    let mut worker = Vm::start(&Rc::new(Process::new()));
    let before = worker.memory();
    worker.configure(registry.to_string().as_bytes());
    worker.tick();
    worker.request(&registry::plain(), Some(&client));
    assert_eq!(worker.host().answer, None);
    worker.memory() - before
}

#[test]
fn limits_of_tiers_and_rules_take_what_both_lists_need() {
    let [tiers, rules, both] =
        [(NUMBER, 0), (0, NUMBER), (NUMBER, NUMBER)].map(|(tiers, rules)| memory_of(tiers, rules));
    println!("{NUMBER} tiers {tiers} bytes, {NUMBER} rules {rules} bytes, both {both} bytes");
    // Memory comes in pages of 64 KiB, and a VM has some of its own in each sum.
    assert!(both <= tiers + rules, "{both} bytes for both");
    let name = format!("worker, {NUMBER} tiers and {NUMBER} rules: peak bytes");
    budget::check(|line| line.contains(" tiers and "), &BTreeMap::from([(name, Figure { amount: both, calls: None })]));
}
