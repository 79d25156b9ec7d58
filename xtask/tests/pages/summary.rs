//! `docs/SUMMARY.md`, from which mdBook makes a book: it lists every page of `docs/` once.

use super::links::targets;
use super::{Page, docs};
use std::collections::BTreeSet;

#[test]
fn every_page_is_in_the_summary_once() {
    let summary = Page::read("docs/SUMMARY.md");
    let listed: Vec<_> = targets(&summary.text).iter().map(|target| format!("docs/{target}")).collect();
    let unique: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), unique.len(), "docs/SUMMARY.md lists a page twice");
    let pages: BTreeSet<_> = docs().into_iter().filter(|page| *page != summary.path).collect();
    let (absent, unlisted): (Vec<_>, Vec<_>) =
        (unique.difference(&pages).collect(), pages.difference(&unique).collect());
    assert!(absent.is_empty(), "docs/SUMMARY.md lists {absent:?}, which do not exist");
    assert!(unlisted.is_empty(), "docs/SUMMARY.md does not list {unlisted:?}");
}
