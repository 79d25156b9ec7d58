//! Links of the pages: each leads to a file, and to a heading if it names one.

use super::markdown::{Kind, blocks};
use super::pages;
use certgate_test_support::repository;
use std::fs;
use std::path::Path;

#[test]
fn every_link_leads_somewhere() {
    let mut complaints = Vec::new();
    let mut count = 0_usize;
    for page in pages() {
        for block in page.blocks() {
            for link in block.texts().iter().flat_map(|text| targets(text)) {
                if link.starts_with("https://") {
                    continue;
                }
                count += 1;
                if let Err(problem) = follow(&page.path, page.folder(), &link) {
                    complaints.push(format!("{}:{}: {link}: {problem}", page.path, block.line));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(count > 300, "{count} links were found");
}

/// Whether there are the file and the heading that a link of this page names.
fn follow(page: &str, folder: &str, link: &str) -> Result<(), String> {
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let linked = match file {
        "" => repository().join(page),
        file => repository().join(folder).join(file),
    };
    let linked = linked.canonicalize().map_err(|_| "there is no such file".to_owned())?;
    if !linked.starts_with(repository().canonicalize().map_err(|error| error.to_string())?) {
        return Err("the file is outside of the repository".to_owned());
    }
    match heading {
        Some(heading) if !has_heading(&linked, heading) => Err("there is no such heading".to_owned()),
        _ => Ok(()),
    }
}

fn has_heading(file: &Path, wanted: &str) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    blocks(&text).iter().any(|block| matches!(&block.kind, Kind::Heading(heading) if anchor(heading) == wanted))
}

/// The name that GitHub and mdBook give to a heading: lower case, spaces as hyphens, no punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// The targets of the links in a text, code spans aside.
pub(super) fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("](") {
        let (target, after) = after.split_once(')').unwrap_or((after, ""));
        targets.push(target.to_owned());
        rest = after;
    }
    targets
}

#[test]
fn anchors_are_those_of_github() {
    assert_eq!(anchor("An ECDS file that is absent, empty or broken"), "an-ecds-file-that-is-absent-empty-or-broken");
    assert_eq!(anchor("`failure_policy`"), "failure_policy");
}
