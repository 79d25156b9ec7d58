//! `make demo` and `make run`: the decisions of certgate, shown on a real Envoy with real certificates and the shipped
//! configuration. With `--stay`, everything is left running for requests of the reader's own.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person at a terminal")]

mod certificates;
mod envoy;
mod http;
mod places;
mod registry;
mod scenes;
mod show;
mod stage;
mod tutorial;

use scenes::{SCENES, Scene};
use stage::Stage;
use std::env;
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    let stay = env::args().any(|argument| argument == "--stay");
    match run(stay) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("A scene has another outcome than expected. Envoy's log is {}/envoy.log.", places::FOLDER);
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every scene had the expected outcome.
fn run(stay: bool) -> Result<bool, Box<dyn Error>> {
    let mut stage = Stage::set()?;
    println!("The commands below are typed in {}.\n", places::FOLDER);
    let mut scenes = Vec::new();
    for (number, play) in SCENES.iter().enumerate() {
        let scene = play(&mut stage)?;
        println!("{}", show::scene(number, &scene));
        scenes.push(scene);
    }
    println!("{}", show::table(&scenes));
    let as_expected = scenes.iter().all(Scene::is_as_expected);
    match (as_expected, stay) {
        (true, true) => tutorial::stay(&mut stage)?,
        (true, false) => println!("{}", tutorial::AFTERWARDS),
        (false, _) => {}
    }
    Ok(as_expected)
}
