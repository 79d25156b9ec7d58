//! `docs/configuration/reference.md`, made of the tables.

use super::beyond::BEYOND;
use certgate_manage::schema::{Field, Kind, PARTS, Part, Presence, Relation, TEXTS, Text};
use certgate_test_support::{renew, repository};

const INTRODUCTION: &str = "\
# Configuration reference

A configuration is a map. Its fields are below, a table for each part. A field that no table lists is an error.

`certgate check FILE` checks a configuration with the code that the filter reads it with. `certgate schema` prints the
same tables as a JSON Schema for editors: [Editors and the schema](schema.md).

[The configuration](README.md) says where the file is kept and how Envoy loads it. The column *default* says what an
absent field means.
";

const TEXT_FORMS: &str = "\
## Forms of text

YAML reads some texts as other types: `123` is a number, and `on`, `off`, `yes` and `no` are booleans. Quote these
texts.
";

const BEYOND_THE_TABLES: &str = "\
## Conditions between fields

`certgate check` and the filter check these conditions as well. A JSON Schema cannot express them.
";

/// The pages that explain a part.
const PAGES: [(&str, &str, &str); 9] = [
    ("tier", "limits.md", "Limits"),
    ("credential", "credentials.md", "Credentials"),
    ("attributes", "credentials.md", "Credentials"),
    ("rule", "rules.md", "Rules"),
    ("match", "rules.md", "Rules"),
    ("identity", "credentials.md", "Credentials"),
    ("relay", "relays.md", "Behind another proxy"),
    ("crl", "revocation-lists.md", "Revocation lists"),
    ("headers", "../reference/request-headers.md", "What upstreams get"),
];

/// The name that GitHub gives to a heading.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

/// A title inside a sentence: abbreviations keep their capitals.
fn inside(title: &str) -> String {
    match title.chars().nth(1) {
        Some(second) if second.is_lowercase() => title.to_lowercase(),
        _ => title.to_owned(),
    }
}

fn link(part: &Part) -> String {
    format!("[{}](#{})", inside(part.title), anchor(part.title))
}

/// The form in parentheses, with a link to it. Texts without a form of their own have none.
fn form(text: &Text) -> String {
    match has_form(text) {
        true => format!(" ([{}](#forms-of-text))", inside(text.title)),
        false => String::new(),
    }
}

fn has_form(text: &Text) -> bool {
    !matches!(text.id, "text" | "attribute_value")
}

/// The type of a field, in words.
fn kind(kind: &Kind) -> String {
    let any_of = |kinds: Vec<String>| match kinds.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    };
    match kind {
        Kind::Part(part) => format!("map ({})", link(part)),
        Kind::Variants(variants) => {
            let parts = std::iter::once(variants.first).chain(variants.others.iter().map(|(_, part)| *part));
            any_of(parts.map(link).collect())
        }
        Kind::List { of, least, .. } => {
            let not_empty = if *least > 0 { ", not empty" } else { "" };
            match of {
                Kind::Text(text) => format!("list of texts{not_empty}{}", form(text)),
                Kind::Part(part) => format!("list of {}{not_empty}", link(part)),
                other => format!("list of {}{not_empty}", self::kind(other)),
            }
        }
        Kind::Map { keys, values: Kind::Part(part) } => format!("map from texts{} to {}", form(keys), link(part)),
        Kind::Map { keys, values } => format!("map from texts{} to {}", form(keys), self::kind(values)),
        Kind::Costs => "map from methods, and `default`, to whole numbers".to_owned(),
        Kind::Text(text) => format!("text{}", form(text)),
        Kind::Choice(values) => any_of(values.iter().map(|value| format!("`{value}`")).collect()),
        Kind::Boolean => "`true` or `false`".to_owned(),
        Kind::Integer(least, most) => format!("whole number from {least} to {}", number(*most)),
        Kind::Either(kinds) => any_of(kinds.iter().map(self::kind).collect()),
        Kind::Only(value) => code(value),
    }
}

fn number(number: u64) -> String {
    if number == 1 << 53 { "2^53".to_owned() } else { number.to_string() }
}

/// JSON as a page writes it: text without quotes.
fn code(json: &str) -> String {
    format!("`{}`", json.trim_matches('"'))
}

fn default(field: &Field) -> String {
    match field.presence {
        Presence::Required => "required".to_owned(),
        Presence::Default(default) => code(default),
        Presence::Absent(words) => words.to_owned(),
    }
}

fn list(fields: &[&str]) -> String {
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
}

/// A condition between fields, in a sentence.
fn relation(relation: &Relation) -> String {
    match relation {
        Relation::ExactlyOne(fields) => format!("Exactly one of these fields is present: {}.", list(fields)),
        Relation::NotEmpty => "One field or more is present.".to_owned(),
        Relation::Needs([field], other) => format!("`{field}` needs `{other}` beside it."),
        Relation::Needs(fields, other) => format!("Each of these fields needs `{other}` beside it: {}.", list(fields)),
        Relation::Only { fields, when, values } => {
            let values = values.iter().map(|value| format!("`{when}: {value}`")).collect::<Vec<_>>().join(" or ");
            format!("Only with {values}: {}.", list(fields))
        }
        Relation::RequiredIf { field, when, value } => format!("`{when}: {value}` needs `{field}` beside it."),
    }
}

/// The text of a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The section of a part.
fn section(part: &Part) -> String {
    let mut text = format!("\n## {}\n\n{}\n", part.title, wrapped(&format!("Place: {}. {}", part.place, part.meaning)));
    for (_, page, title) in PAGES.iter().filter(|(id, ..)| *id == part.id) {
        text.push_str(&format!("\nExplained in [{title}]({page}).\n"));
    }
    text.push_str("\n| field | type | meaning | default |\n|---|---|---|---|\n");
    for field in part.fields {
        let [kind, meaning, default] =
            [kind(&field.kind), field.meaning.to_owned(), default(field)].map(|text| cell(&text));
        text.push_str(&format!("| `{}` | {kind} | {meaning} | {default} |\n", field.name));
    }
    if !part.relations.is_empty() {
        text.push('\n');
        part.relations.iter().for_each(|relation| text.push_str(&item(&self::relation(relation))));
    }
    text
}

fn item(sentence: &str) -> String {
    format!("- {}\n", wrapped(sentence).replace('\n', "\n  "))
}

/// The text in lines of at most 118 characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().unwrap();
        if line.chars().count() + word.chars().count() >= 118 {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    PARTS.iter().for_each(|part| page.push_str(&section(part)));
    page.push_str(&format!("\n{TEXT_FORMS}\n| form | meaning | examples |\n|---|---|---|\n"));
    for Text { title, meaning, examples, .. } in TEXTS.into_iter().filter(|text| has_form(text)) {
        page.push_str(&format!("| {} | {} | {} |\n", inside(title), cell(meaning), list(examples)));
    }
    page.push_str(&format!("\n{BEYOND_THE_TABLES}\n"));
    BEYOND.iter().for_each(|beyond| page.push_str(&item(beyond.condition)));
    page
}

#[test]
fn the_page_is_made_of_the_tables() {
    let path = repository().join("docs/configuration/reference.md");
    renew::compare(&path, &page(), "make renew GOLDEN=schema");
}
