//! Every page with commands: it is run, and every block of commands that is not run says why.

use crate::page::{Page, Step};
use crate::reader::Reader;
use certgate_test_rig::envoys::repository;
use std::fs;
use std::path::Path;

/// One test for each page.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        /// The pages that are run.
        const RUN: &[&str] = &[$($path),*];

        $(
            #[test]
            fn $name() {
                follow($path);
            }
        )*
    };
}

pages! {
    schema: "docs/configuration/schema.md",
    tutorial: "docs/tutorial.md",
    existing_envoy: "docs/existing-envoy.md",
    recipes: "docs/recipes/README.md",
    add_a_partner: "docs/recipes/add-a-partner.md",
    read_only_partner: "docs/recipes/read-only-partner.md",
    partner_authority: "docs/recipes/partner-authority.md",
    partner_quota: "docs/recipes/partner-quota.md",
    rotate_with_overlap: "docs/recipes/rotate-with-overlap.md",
    offboard: "docs/recipes/offboard.md",
    nightly_crl: "docs/recipes/nightly-crl.md",
    shadow_first: "docs/recipes/shadow-first.md",
}

fn follow(path: &str) {
    let page = Page::read(path);
    Reader::of(&page).follow(&page);
}

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
                Step::NotRun { reason } => assert!(reason.len() > 5, "{path}:{}: that is no reason", placed.line),
                Step::Read | Step::See { terminal: None, .. } => {}
                _ => panic!("{path}:{}: no test runs this; `<!-- not run: REASON -->` says why", placed.line),
            }
        }
    }
}

#[test]
fn every_recipe_is_run() {
    for path in every_page().into_iter().filter(|path| path.starts_with("docs/recipes/")) {
        assert!(RUN.contains(&path.as_str()), "no test runs {path}");
        let steps = Page::read(&path).steps;
        let not_run = steps.iter().find(|placed| matches!(placed.step, Step::NotRun { .. }));
        assert!(not_run.is_none(), "{path} has commands that are not run");
        assert!(steps.iter().any(|placed| matches!(placed.step, Step::Run { .. })), "{path} has no commands");
    }
}
