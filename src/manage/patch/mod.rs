//! The changes to an Envoy configuration that exists after which certgate protects one of its listeners. They are taken
//! from the bootstrap that `render` makes of the same registry. Must not know how a text is edited.

mod access_log;
mod bootstrap;
mod filters;
mod manager;
mod model;
mod plan;
mod tls;

use super::diagnostic::Diagnostic;
use super::diagnostic::code::Code;
use super::edit::{Edit, Obstacle};
use super::envoy_file::{self, Listener, Place};
use super::load::document::Document;
use super::load::tree::{Entry, Form, Node, Value};
use super::load::{self, Format, Loaded};
use crate::path::{Path, Step};
use model::Model;
use plan::{Plan, Spot};
use std::collections::BTreeSet;
use std::ops::Range;

/// The values that an Envoy configuration gets and neither it nor the registry has.
pub struct PatchOptions<'a> {
    /// The name of the listener.
    pub listener: &'a str,
    /// The path of the file with the registry that Envoy watches (ECDS). Without one, that of a certgate which is there
    /// already, or else the one of `default_watch`.
    pub watch: Option<&'a str>,
    /// The path that is assumed where none is known.
    pub default_watch: &'a str,
    /// The authorities that sign clients' certificates, for filter chains that name none.
    pub trusted_ca: TrustedCa<'a>,
}

pub use super::render::envoy::TrustedCa;

/// A changed configuration.
pub struct Patched {
    /// The text.
    pub text: String,
    /// Notes about changes and about what is left to do.
    pub notes: Vec<Diagnostic>,
    /// The path of the watched file, if certgate has been added somewhere.
    pub watch: Option<String>,
    /// Whether a filter chain now takes its authorities from [`PatchOptions::trusted_ca`].
    pub uses_trusted_ca: bool,
}

/// The configuration that protects the listener.
///
/// # Errors
///
/// The configuration cannot be read, or the listener cannot be protected by changes that are safe.
pub fn patch(
    envoy: &[u8],
    format: Format,
    registry: &Loaded<'_>,
    options: &PatchOptions<'_>,
) -> Result<Patched, Vec<Diagnostic>> {
    let document = load::read(envoy, format)?;
    let unclear = unclear(&document, &Place::root(document.root()));
    if !unclear.is_empty() {
        return Err(unclear);
    }
    let listener = listener(&document, options.listener)?;
    let known = options.watch.map(str::to_owned).or_else(|| filters::watched(&listener));
    let watch = known.unwrap_or_else(|| options.default_watch.to_owned());
    let rendered = model::rendered(registry, &watch, options.trusted_ca)?;
    let model = Model::of(&rendered, registry)?;
    let mut plan = Plan::new(&document, &model);
    bootstrap::node(&mut plan);
    bootstrap::stats_tags(&mut plan);
    bootstrap::left_to_do(&mut plan);
    access_log::of_listener(&mut plan, &listener.place.path);
    tls::inspector(&mut plan, &listener.place.path);
    let mut has_manager = false;
    for chain in listener.filter_chains() {
        if chain.managers().is_empty() {
            let message = "this filter chain has no HTTP connection manager, so certgate does not see its connections";
            plan.note(Code::Kept, &Spot::of(&chain.place), message);
            continue;
        }
        has_manager = true;
        tls::chain(&mut plan, &chain, options);
        for found in chain.managers() {
            manager::protect(&mut plan, &found.place.path, options);
        }
    }
    if !has_manager {
        let message =
            "this listener has no HTTP connection manager: certgate is an HTTP filter, and sees no other traffic";
        plan.error(Code::NoHttp, &Spot::of(&listener.place), message, "name a listener whose filter chains speak HTTP");
    }
    let Plan { tree, edits, mut notes, mut errors, adds_certgate, uses_trusted_ca, .. } = plan;
    for diagnostics in [&mut notes, &mut errors] {
        diagnostics.sort_by_key(|diagnostic| diagnostic.span.as_ref().map(|span| span.bytes.start));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let text = written(&document, format, &edits, &tree)?;
    Ok(Patched { text, notes, watch: adds_certgate.then_some(watch), uses_trusted_ca })
}

fn listener<'d>(document: &'d Document<'_>, name: &str) -> Result<Listener<'d>, Vec<Diagnostic>> {
    let listeners = envoy_file::listeners(&Place::root(document.root()));
    if let Some(listener) = listeners.iter().find(|listener| listener.name() == Some(name)) {
        return Ok(listener.clone());
    }
    let names: Vec<String> = listeners.iter().filter_map(|listener| Some(format!("`{}`", listener.name()?))).collect();
    let there = match names.is_empty() {
        true => "no listener with a name".to_owned(),
        false => names.join(", "),
    };
    let error = Diagnostic::error(Code::NoSuchListener, format!("expected a listener `{name}`, found {there}"));
    // Without a name, Envoy gives a listener a UUID.
    let unnamed = listeners.iter().find(|listener| listener.name().is_none());
    let line = unnamed.map(|listener| document.span(listener.place.node).start.line);
    Err(vec![match line {
        Some(line) => error.mended_by(format!("give the listener at line {line} a `name`")),
        None => error,
    }])
}

/// Errors about keys that readers of YAML take differently.
fn unclear(document: &Document<'_>, place: &Place<'_>) -> Vec<Diagnostic> {
    // The values behind an alias are looked at where they are written.
    if matches!(place.node.form, Form::Alias(_)) {
        return Vec::new();
    }
    let mut errors = Vec::new();
    let mut keys = BTreeSet::new();
    for Entry { key, key_range, .. } in place.node.entries() {
        let (message, mend) = match key.as_str() {
            key if !keys.insert(key) => {
                ("this map has the key twice, and which of the two counts is not certain", "remove one of them")
            }
            "<<" => ("Envoy reads no merge keys (`<<`)", "write the entries out"),
            _ => continue,
        };
        let error = Diagnostic::error(Code::NotEdited, message).mended_by(mend);
        errors.push(error.at(place.path.key(key).to_string(), Some(document.span_of(key_range))));
    }
    let inner = place.items().chain(place.entries().map(|(_, place)| place));
    errors.extend(inner.flat_map(|place| unclear(document, &place)));
    errors
}

/// The text with these edits, which has the values of `expected`.
fn written(
    document: &Document<'_>,
    format: Format,
    edits: &[Edit<'_>],
    expected: &Node,
) -> Result<String, Vec<Diagnostic>> {
    let mut text = document.text().to_owned();
    let mut has_aliases = false;
    for edit in edits {
        let current = load::read(text.as_bytes(), format)?;
        has_aliases = has_aliases || aliases(current.root());
        if has_aliases && edit.is_in(current.root()) {
            continue;
        }
        let next = edit
            .write(&current, format == Format::Json)
            .map_err(|obstacle| vec![not_edited(document, edit, &obstacle)])?;
        text = next;
    }
    let found = load::read(text.as_bytes(), format).map_err(|errors| {
        let first = errors.first().map(|error| error.message.clone()).unwrap_or_default();
        vec![Diagnostic::error(Code::PatchBug, format!("the changed text cannot be read: {first}"))]
    })?;
    match difference(expected, found.root(), &Path::default()) {
        None => Ok(text),
        Some(path) if has_aliases => {
            let message = "the value here would change too, because an anchor and its aliases share it";
            let error =
                Diagnostic::error(Code::SharedValue, message).mended_by("write the value out in place of the alias");
            Err(vec![error.at(path.to_string(), Some(document.span_of(&shared(document.root(), &path))))])
        }
        Some(path) => {
            let message = "the changed text does not have the intended value here, so nothing is changed";
            let span = document.span_at(&path.to_string());
            Err(vec![Diagnostic::error(Code::PatchBug, message).at(path.to_string(), Some(span))])
        }
    }
}

fn aliases(node: &Node) -> bool {
    matches!(node.form, Form::Alias(_))
        || node.items().iter().chain(node.entries().iter().map(|entry| &entry.node)).any(aliases)
}

/// The text of the first alias on a path, or of the last value.
fn shared(root: &Node, path: &Path) -> Range<usize> {
    let mut node = root;
    for step in &path.0 {
        let inner = match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.items().get(*index),
        };
        match inner.filter(|_| !matches!(node.form, Form::Alias(_))) {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node.range.clone()
}

fn not_edited(document: &Document<'_>, edit: &Edit<'_>, obstacle: &Obstacle) -> Diagnostic {
    let path = edit.path().to_string();
    let span = Some(document.span_at(&path));
    match obstacle {
        Obstacle::Form(form) => {
            Diagnostic::error(Code::NotEdited, format!("expected a value that can be edited, found {form}"))
                .mended_by("write it in another way")
        }
        Obstacle::NoSuchPlace => Diagnostic::error(Code::PatchBug, "the place of a change is not found"),
    }
    .at(path, span)
}

/// The path of the first value that is not the same.
fn difference(expected: &Node, found: &Node, path: &Path) -> Option<Path> {
    if expected.is_same(found) {
        return None;
    }
    let inner = match (&expected.value, &found.value) {
        (Value::Map(entries), Value::Map(_)) => entries.iter().find_map(|entry| {
            let path = path.key(&entry.key);
            match found.get(&entry.key) {
                Some(node) => difference(&entry.node, node, &path),
                None => Some(path),
            }
        }),
        (Value::List(one), Value::List(other)) => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(index, (one, other))| difference(one, other, &path.index(index))),
        _ => None,
    };
    Some(inner.unwrap_or_else(|| path.clone()))
}
