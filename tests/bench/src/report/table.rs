//! Tables on a terminal.

use crate::contention::Contention;
use crate::latency::{PARTS, RATE};
use crate::load::Protocol;
use crate::results::Row;
use crate::subjects::{CERTGATE, GOALS};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

/// All of them.
pub(crate) fn all(rows: &[Row], contention: &[Contention]) -> String {
    let of = |protocol| rows.iter().filter(move |row| row.protocol == protocol);
    let mut text = String::new();
    for protocol in Protocol::ALL {
        text += &format!(
            "\n{protocol}: time on a core for a request, in us (best decile and median of all rounds), what of it is\n\
             added to Envoy alone, that as a multiple of what others add (best decile); and at {RATE}/s what is added\n\
             (median) and us to an answer\n"
        );
        text += &format!("{}\n", costs(of(protocol)));
    }
    text += "\nWhat certgate adds, as a multiple of what others add\n";
    text += &format!("{}\n", goals(rows));
    text += "\ncertgate's workers on one client's bucket and on many\n";
    text + &format!("{}\n", contended(contention))
}

fn costs<'r>(rows: impl Iterator<Item = &'r Row>) -> Table {
    let mut head: Vec<String> = ["", "best", "median", "+best", "+median"].map(str::to_owned).to_vec();
    head.extend(GOALS.map(|(name, _)| format!("x {name}")));
    head.push(format!("+ at {RATE}/s"));
    head.extend(PARTS.map(|part| format!("p{}", part * 100.0)));
    let row = |row: &Row| {
        let mut cells = vec![row.title.to_owned()];
        cells.extend([row.cost.best, row.cost.median, row.added.best, row.added.median].map(|us| format!("{us:.1}")));
        cells.extend(row.ratios.map(|ratio| format!("{:.2}", ratio.best)));
        cells.push(format!("{:.1}", row.added_at_rate.median));
        cells.extend(row.latency.map(|us| format!("{us:.0}")));
        cells
    };
    table(head, rows.map(row))
}

fn goals(rows: &[Row]) -> Table {
    let head = ["", "at most", "best decile", "median"].map(str::to_owned).to_vec();
    let lines = rows.iter().filter(|row| row.name == CERTGATE).flat_map(|row| {
        let line = |((name, most), ratio): (&(&str, f64), &crate::results::Cost)| {
            let judged = |value: f64| format!("{value:.2}{}", if value <= *most { "" } else { " (missed)" });
            vec![format!("{name}, {}", row.protocol), format!("{most}"), judged(ratio.best), judged(ratio.median)]
        };
        GOALS.iter().zip(&row.ratios).map(line).collect::<Vec<_>>()
    });
    table(head, lines)
}

fn contended(contention: &[Contention]) -> Table {
    let head = ["workers", "clients", "requests/s", "swaps/request", "conflicts/request", "store_unavailable"];
    let line = |seen: &Contention| {
        vec![
            seen.workers.to_string(),
            seen.clients.to_string(),
            format!("{:.0}", seen.per_second),
            format!("{:.4}", 1.0 + seen.conflicts),
            format!("{:.4}", seen.conflicts),
            seen.unavailable.to_string(),
        ]
    };
    table(head.map(str::to_owned).to_vec(), contention.iter().map(line))
}

/// Numbers to the right.
fn table(head: Vec<String>, lines: impl Iterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(head);
    table.add_rows(lines);
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}
