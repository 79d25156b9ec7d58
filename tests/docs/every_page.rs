//! Every page with commands: it is run, and every block of commands that is not run says why.

use crate::page::{Page, Step};
use certgate_test_rig::envoys::repository;
use std::fs;
use std::path::Path;

/// The pages that are run.
const RUN: [&str; 0] = [];

/// The pages of `docs/` and the README, from the top of the repository.
fn every_page() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    pages_in(&repository().join("docs"), &mut pages);
    pages
}

fn pages_in(folder: &Path, pages: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages_in(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path.strip_prefix(repository()).unwrap().display().to_string());
        }
    }
}

#[test]
fn every_block_of_commands_is_run_or_says_why_not() {
    for path in every_page().into_iter().filter(|path| !RUN.contains(&path.as_str())) {
        for placed in Page::read(&path).steps {
            match placed.step {
                Step::NotRun { reason, .. } => assert!(reason.len() > 5, "{path}:{}: that is no reason", placed.line),
                Step::Read { .. } | Step::See { terminal: None, .. } => {}
                _ => panic!("{path}:{}: no test runs this; `<!-- not run: REASON -->` says why", placed.line),
            }
        }
    }
}
