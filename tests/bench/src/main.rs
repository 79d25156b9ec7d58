//! What certgate costs, beside what else could do its job, measured in one run on one machine. `make bench` runs it.
//!
//! Every subject is an Envoy with one worker that answers requests over mutual TLS itself; tests/bench/peers has their
//! configurations, and target/bench those that are made from the shipped one. They share one core, and who calls them has
//! another. They are started many times: where a process happens to lie in memory, and so how well the core's caches hold
//! it, makes it quicker or slower by more than most of the differences that are looked for, as long as it runs.

mod bootstrap;
mod check;
mod child;
mod contention;
mod cpu;
mod latency;
mod load;
mod modules;
mod people;
mod places;
mod progress;
mod report;
mod results;
mod rounds;
mod stage;
mod statistics;
mod subjects;
mod support;
mod trace;

use anyhow::Result;
use clap::Parser;
use cpu::Cores;
use load::Protocol;
use people::People;
use places::made;
use progress::{Progress, begin};
use results::Measured;
use stage::Running;
use std::fs;

/// Measures what certgate costs, beside what else could do its job.
#[derive(Parser)]
struct Arguments {
    /// Fewer rounds: under three minutes, and less exact.
    #[arg(long)]
    quick: bool,
    /// Put the results into tests/bench/results too, where docs/performance.md has them from.
    #[arg(long, conflicts_with = "quick")]
    save: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let starts = if arguments.quick { 3 } else { 20 };
    let cores = Cores::choose()?;
    fs::create_dir_all(made(""))?;
    begin("modules");
    modules::build()?;
    let people = People::make()?;
    let subjects = subjects::all();
    stage::configure(&subjects, &people)?;
    begin("that each subject does its job");
    check::all(&subjects, &people).await?;
    begin("that the floor makes certgate's calls");
    trace::compare(&subjects, &people).await?;
    let mut measured = Protocol::ALL.map(|protocol| Measured::none(protocol, subjects.len()));
    let progress = Progress::new("what they cost, started anew each time", starts);
    for start in 0..starts {
        progress.step(start);
        cores.serve()?;
        let stage = subjects.iter().map(Running::start).collect::<Result<Vec<_>>>()?;
        cores.call()?;
        for Measured { protocol, costs, at_rate } in &mut measured {
            rounds::measure(&stage, &people, *protocol, costs).await?;
            latency::measure(&stage, &people, *protocol, at_rate).await?;
        }
    }
    progress.end();
    cores.release()?;
    let rows: Vec<_> = measured.iter().flat_map(|measured| results::rows(&subjects, measured)).collect();
    let contention = contention::measure(&people).await?;
    report::publish(&rows, &contention, arguments.save)
}
