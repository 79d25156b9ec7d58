//! Comma-separated values, of which none needs quoting.

use crate::contention::Contention;
use crate::latency::{PARTS, RATE};
use crate::results::Row;
use crate::subjects::GOALS;

/// A line for each subject and protocol.
pub(crate) fn results(rows: &[Row]) -> String {
    let mut head: Vec<String> =
        ["protocol", "subject", "us_best_decile", "us_median", "added_us_best_decile", "added_us_median"]
            .map(str::to_owned)
            .to_vec();
    head.extend(GOALS.iter().flat_map(|(name, _)| ["best_decile", "median"].map(|of| format!("times_{name}_{of}"))));
    head.extend(["us", "added_us"].map(|what| format!("{what}_median_at_{RATE}_per_second")));
    head.extend(PARTS.map(|part| format!("latency_us_p{}", part * 100.0)));
    let line = |row: &Row| {
        let mut cells = vec![row.protocol.to_string(), row.name.to_owned()];
        let costs = [row.cost, row.added].into_iter().chain(row.ratios);
        cells.extend(costs.flat_map(|cost| [cost.best, cost.median]).map(|number| format!("{number:.3}")));
        cells.extend([row.at_rate.median, row.added_at_rate.median].map(|us| format!("{us:.3}")));
        cells.extend(row.latency.map(|us| format!("{us:.1}")));
        cells
    };
    text(head, rows.iter().map(line))
}

/// A line for each number of workers and clients.
pub(crate) fn contention(contention: &[Contention]) -> String {
    let head = ["workers", "clients", "requests_per_second", "conflicts_per_request", "store_unavailable"];
    let line = |seen: &Contention| {
        vec![
            seen.workers.to_string(),
            seen.clients.to_string(),
            format!("{:.0}", seen.per_second),
            format!("{:.5}", seen.conflicts),
            seen.unavailable.to_string(),
        ]
    };
    text(head.map(str::to_owned).to_vec(), contention.iter().map(line))
}

fn text(head: Vec<String>, lines: impl Iterator<Item = Vec<String>>) -> String {
    [head].into_iter().chain(lines).map(|cells| cells.join(",") + "\n").collect()
}
