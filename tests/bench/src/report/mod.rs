//! The results, for people and for programs.

mod csv;
mod plot;
mod table;

use crate::contention::Contention;
use crate::places::{at, made, write};
use crate::results::Row;
use anyhow::Result;
use std::fs;

/// Where saved results go.
const SAVED: &str = "tests/bench/results";

/// Prints the tables and writes the files; with `save` also where docs/performance.md finds them.
pub(crate) fn publish(rows: &[Row], contention: &[Contention], save: bool) -> Result<()> {
    println!("{}", table::all(rows, contention));
    let files = [
        ("results.csv", csv::results(rows)),
        ("contention.csv", csv::contention(contention)),
        ("results.svg", plot::added(rows)),
    ];
    for (name, text) in files {
        write(&made(name), &text)?;
        println!("target/bench/{name}");
        if save {
            fs::create_dir_all(at(SAVED))?;
            write(&at(SAVED).join(name), &text)?;
            println!("{SAVED}/{name}");
        }
    }
    Ok(())
}
