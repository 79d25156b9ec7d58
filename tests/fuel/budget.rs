//! The budget: what everything measured here may cost, in a file beside this one, so that each change of it is seen in
//! review.

use crate::renew;
use crate::vm::Usage;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const HOW: &str = "make renew GOLDEN=fuel";
/// The percentage of its budget that nothing may go above.
const MOST: u64 = 102;
/// The percentage of its budget below which the budget is no longer one.
const LEAST: u64 = 90;

/// One test writes at a time.
static FILE: Mutex<()> = Mutex::new(());

/// A line of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// Fuel; of memory, bytes.
    pub(crate) amount: u64,
    /// The number of host calls, where there are any to count.
    pub(crate) calls: Option<usize>,
}

impl Figure {
    /// What was used.
    pub(crate) fn of(usage: &Usage) -> Self {
        Self { amount: usage.fuel(), calls: Some(usage.calls()) }
    }
}

/// Compares the figures with those lines of the budget that are the caller's by their names. Panics with all that are over
/// their budgets, far under them, or stand in one place only.
pub(crate) fn check(is_ours: impl Fn(&str) -> bool, figures: &BTreeMap<String, Figure>) {
    let _one = FILE.lock();
    for name in figures.keys() {
        assert!(is_ours(name), "{name:?} belongs to another test");
    }
    let mut budget = read();
    if renew::asked() {
        budget.retain(|name, _| !is_ours(name));
        budget.extend(figures.clone());
        fs::write(path(), text(&budget)).expect("a file that can be written");
        return;
    }
    budget.retain(|name, _| is_ours(name));
    let mut problems: Vec<_> =
        figures.iter().filter_map(|(name, found)| problem(name, budget.get(name), *found)).collect();
    let gone = budget.keys().filter(|name| !figures.contains_key(*name));
    problems.extend(gone.map(|name| format!("{name}: is in the budget, and nothing measures it")));
    assert!(problems.is_empty(), "\n{}\nTo renew the budget: {HOW}\n", problems.join("\n"));
}

fn problem(name: &str, budget: Option<&Figure>, found: Figure) -> Option<String> {
    let Some(budget) = budget else { return Some(format!("{name}: has no budget; measured {found:?}")) };
    let (amount, limit) = (found.amount, budget.amount);
    if amount * 100 > limit * MOST {
        let over = amount * 100 / limit - 100;
        return Some(format!("{name}: {amount}, which is {over} % above its budget of {limit}"));
    }
    if amount * 100 < limit * LEAST {
        return Some(format!("{name}: {amount}, so far below its budget of {limit} that the budget should be renewed"));
    }
    let calls = |figure: Figure| shown(figure.calls);
    (found.calls != budget.calls).then(|| format!("{name}: {} host calls, not {}", calls(found), calls(*budget)))
}

fn read() -> BTreeMap<String, Figure> {
    let text = fs::read_to_string(path()).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(line).collect()
}

fn line(line: &str) -> (String, Figure) {
    let [name, amount, calls] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line:?}") };
    let calls = (calls != "-").then(|| calls.parse().expect(line));
    (name.to_owned(), Figure { amount: amount.parse().expect(line), calls })
}

fn text(budget: &BTreeMap<String, Figure>) -> String {
    let mut text = format!(
        "# What the finished module costs: fuel (or bytes), and all host calls, clocks and counters too; see budget.rs. To renew: {HOW}\n"
    );
    for (name, figure) in budget {
        let _ = writeln!(text, "{name}\t{}\t{}", figure.amount, shown(figure.calls));
    }
    text
}

fn shown(calls: Option<usize>) -> String {
    calls.map_or_else(|| "-".to_owned(), |calls| calls.to_string())
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("budget.txt")
}
