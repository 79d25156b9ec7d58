//! The pages at the top of the repository: their links lead somewhere, and the files that they name exist.

use certgate_test_support::repository;
use std::fs;

const PAGES: [&str; 5] = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/design.md"];

/// The folders whose files pages name in backticks.
const FOLDERS: [&str; 4] = ["src/", "tests/", "envoy/", "xtask/"];

fn page(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The lines of a page that are no examples, which are indented.
fn prose(page: &str) -> String {
    page.lines().filter(|line| !line.starts_with("    ")).map(|line| format!("{line}\n")).collect()
}

/// The name that GitHub gives to a heading: lower case, spaces as hyphens, no punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn has_heading(page: &str, wanted: &str) -> bool {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#'));
    headings.map(anchor).any(|anchor| anchor == wanted)
}

/// What is between the two texts, each time.
fn between<'t>(text: &'t str, open: &str, close: char) -> Vec<&'t str> {
    text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(inside, _)| inside).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0_usize;
    for name in PAGES {
        let text = page(name);
        for link in between(&prose(&text), "](", ')') {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
            let linked = repository().join(folder).join(file);
            assert!(file.is_empty() || linked.exists(), "{name} links to {link}: there is no such file");
            if let Some(heading) = heading {
                let target = if file.is_empty() { text.clone() } else { fs::read_to_string(&linked).unwrap() };
                assert!(has_heading(&target, heading), "{name} links to {link}: there is no such heading");
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count} links were found");
}

#[test]
fn every_file_that_is_named_exists() {
    let mut count = 0_usize;
    for name in PAGES {
        let text = prose(&page(name));
        for line in text.lines() {
            for path in line.split('`').skip(1).step_by(2).filter(|code| is_path(code)) {
                let found = match path.split_once('*') {
                    Some((before, after)) => is_start_and_end(before, after),
                    None => repository().join(path).exists(),
                };
                assert!(found, "{name} names {path}, which does not exist");
                count += 1;
            }
        }
    }
    assert!(count > 50, "{count} files were found");
}

fn is_path(code: &str) -> bool {
    let has_folder = FOLDERS.iter().any(|folder| code.starts_with(folder));
    has_folder && code.chars().all(|c| c.is_ascii_alphanumeric() || "/._-*".contains(c))
}

/// Whether a file has a path that begins and ends like this.
fn is_start_and_end(before: &str, after: &str) -> bool {
    let (folder, start) = before.rsplit_once('/').unwrap_or(("", before));
    let names = fs::read_dir(repository().join(folder)).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.into_string().ok()).any(|name| name.starts_with(start) && name.ends_with(after))
}
