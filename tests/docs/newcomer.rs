//! A newcomer with an Envoy of their own, who follows the documents: from a plain TLS listener to partners in, strangers
//! out, a limit, a metric, a rotation with overlap and a revocation. The commands are those of the pages, with the names of
//! the newcomer's files in place of those in the pages.

use crate::page::{Page, Placed, Step};
use crate::reader::Reader;

/// The most commands and edits that a newcomer needs.
const MOST: usize = 25;

/// What the newcomer has, and what partners do: no part of the count.
const BEFORE: &str = r#"
```sh
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 30 -keyout "$1.key" -out "$1.pem"
}
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" |
    openssl x509 -req -CA "$2.pem" -CAkey "$2.key" -days 30 -extfile <(echo "subjectAltName=DNS:localhost") -out "$1.pem"
}
authority public-root && issue site public-root
authority partners && issue acme partners && issue acme-2027 partners && issue stranger partners
```

<!-- keep running: the upstream -->
```sh
python3 upstream.py
```
"#;

/// The names in the pages, and the newcomer's.
const NAMES: [(&str, &str); 7] = [
    ("--cacert ca.pem", "--cacert public-root.pem"),
    (" ca.pem", " partners.pem"),
    ("--listener https", "--listener listener_0"),
    ("localhost:8443", "localhost:10000"),
    ("localhost:9901", "localhost:19000"),
    ("umbrella", "acme"),
    ("/orders", "/v1/orders"),
];

/// The sections that a newcomer follows.
const SECTIONS: [(&str, &[&str]); 2] = [
    ("docs/existing-envoy.md", &["Write a registry", "Patch", "Start", "Try it"]),
    (
        "docs/recipes/rotate-with-overlap.md",
        &["Register the new certificate", "Remove the old certificate", "When a key has been stolen"],
    ),
];

/// What happens on the way: partners in, strangers out, a limit, a metric, a new certificate, a revocation.
const EVENTS: [&str; 6] =
    ["text: \"200\"", "text: \"403\"", "...429", "grep ^certgate_requests_total", "ask acme-2027", "revoked: true"];

#[test]
fn the_documents_lead_from_a_plain_envoy_to_a_revocation() {
    let before = Page::parse("tests/docs/newcomer.rs", BEFORE);
    let mut reader = Reader::of(&before);
    reader.put("envoy.yaml", include_str!("newcomer/envoy.yaml"));
    reader.put("upstream.py", &upstream());
    reader.take(&before.path, &before.steps);

    let mut count = 0;
    let mut seen = String::new();
    for (path, headings) in SECTIONS {
        let page = Page::read(path);
        let sections: Vec<Placed> = headings.iter().flat_map(|heading| page.under(heading)).collect();
        let steps: Vec<Placed> =
            sections.into_iter().filter(|placed| !is_of_a_partner(&placed.step)).map(renamed).collect();
        for placed in &steps {
            assert_eq!(edited(&placed.step).unwrap_or("registry.yaml"), "registry.yaml", "{path}:{}", placed.line);
            count += commands(&placed.step);
            seen.push_str(&format!("{:?}\n", placed.step));
        }
        reader.take(path, &steps);
    }
    eprintln!("{count} commands and edits");
    assert!(count <= MOST, "a newcomer needs {count} commands and edits");
    for event in EVENTS {
        assert!(seen.contains(event), "nothing of `{event}` on the way:\n{seen}");
    }
    assert_eq!(seen.matches("commands: \"envoy -c").count(), 1, "Envoy is started once:\n{seen}");
}

/// The upstream of the recipes.
fn upstream() -> String {
    let steps = Page::read("docs/recipes/README.md").steps;
    let file = steps.into_iter().find_map(|placed| match placed.step {
        Step::Write { path, text } if path == "upstream.py" => Some(text),
        _ => None,
    });
    file.expect("an upstream")
}

/// Partners make their certificates themselves.
fn is_of_a_partner(step: &Step) -> bool {
    matches!(step, Step::Run { commands, .. } if commands.starts_with("issue "))
}

/// The file that the step changes.
fn edited(step: &Step) -> Option<&str> {
    match step {
        Step::Write { path, .. } | Step::Add { path, .. } | Step::Edit { path, .. } => Some(path),
        _ => None,
    }
}

/// How many commands a step is. An edit is one; a function and a command over several lines are one.
fn commands(step: &Step) -> usize {
    match step {
        Step::Run { commands, .. } | Step::KeepRunning { commands, .. } => {
            let begins = |line: &&str| !line.is_empty() && !line.starts_with([' ', '}', '#']);
            commands.lines().filter(begins).count()
        }
        step => usize::from(edited(step).is_some()),
    }
}

/// The step with the newcomer's names.
fn renamed(placed: Placed) -> Placed {
    let with = |text: &str| NAMES.iter().fold(text.to_owned(), |text, (name, own)| text.replace(name, own));
    let step = match placed.step {
        Step::Run { commands, exit, again } => Step::Run { commands: with(&commands), exit, again },
        Step::KeepRunning { terminal, commands } => Step::KeepRunning { terminal, commands: with(&commands) },
        Step::See { terminal, text } => Step::See { terminal, text: with(&text) },
        Step::Write { path, text } => Step::Write { path, text: with(&text) },
        Step::Add { path, key, text } => Step::Add { path, key, text: with(&text) },
        Step::Edit { path, diff } => Step::Edit { path, diff: with(&diff) },
        other => other,
    };
    Placed { step, ..placed }
}
