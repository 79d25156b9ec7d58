//! `make demo` and `make run`: what certgate does, shown on a real Envoy with real certificates and the shipped
//! configuration. With `--stay`, everything is left running for requests of the reader's own.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person at a terminal")]
#![allow(clippy::panic, reason = "a broken stage should stop the play, with words")]

mod scenes;
mod stage;
mod tutorial;

use certgate_test_rig as support;

use comfy_table::{ContentArrangement, Table, presets};
use scenes::Scene;
use stage::Stage;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| eprintln!("{}", panic.payload_as_str().unwrap_or("The demo has failed."))));
    let stay = std::env::args().any(|argument| argument == "--stay");
    match run(stay).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("Not everything was as expected; Envoy's log is in {}.", stage::ENVOY_LOG);
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything was as expected; if it could not even begin, why.
async fn run(stay: bool) -> Result<bool, String> {
    let mut stage = Stage::set().await?;
    println!("Calling it ...\n");
    let scenes = scenes::play(&mut stage).await;
    println!("{}", table(&scenes));
    let as_expected = scenes.iter().all(Scene::is_as_expected);
    if stay && as_expected {
        tutorial::stay(&mut stage).await;
    }
    Ok(as_expected)
}

fn table(scenes: &[Scene]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["what", "expected", "got", "ok"]);
    for scene in scenes {
        let ok = if scene.is_as_expected() { "yes" } else { "NO" };
        table.add_row([scene.what, &scene.expected, &scene.got, ok]);
    }
    table
}
