//! What certgate costs, beside what else could do its job, measured in one run on one machine. `make bench` runs it.
//!
//! Every subject is an Envoy with one worker that answers requests over mutual TLS itself; tests/bench/peers has their
//! configurations, and target/bench those that are made from the shipped one. They share one core, and who calls them has
//! another.

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
use progress::begin;
use stage::Running;
use std::fs;

/// Measures what certgate costs, beside what else could do its job.
#[derive(Parser)]
struct Arguments {
    /// Fewer rounds: under three minutes, and less exact.
    #[arg(long)]
    quick: bool,
    /// Put the results into tests/bench/results too, where the README has them from.
    #[arg(long, conflicts_with = "quick")]
    save: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let (rounds, turns) = if arguments.quick { (16, 4) } else { (100, 20) };
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
    begin("all subjects");
    cores.serve()?;
    let stage = subjects.into_iter().map(Running::start).collect::<Result<Vec<_>>>()?;
    cores.call()?;
    let mut rows = Vec::new();
    for protocol in Protocol::ALL {
        let costs = rounds::measure(&stage, &people, protocol, rounds).await?;
        let at_rate = latency::measure(&stage, &people, protocol, turns).await?;
        let subjects = stage.iter().map(|running| &running.subject);
        rows.extend(results::rows(subjects, protocol, &costs, &at_rate));
    }
    drop(stage);
    cores.release()?;
    let contention = contention::measure(&people).await?;
    report::publish(&rows, &contention, arguments.save)
}
