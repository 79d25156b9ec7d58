//! Templates: text with comments in it, whose places are filled with values. A template and its values must fit: a place
//! without a value is an error, and so is a value without a place. Must not know what any of it means.

use crate::edit::{quoted, scalar};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use std::collections::BTreeMap;

/// The reason why a text cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum TemplateError {
    /// A value cannot be written as YAML.
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::ser::Error),
    /// A place of the template has no value, or the template is none.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// The template has no place for a value.
    #[error("the template has no place for `{0}`")]
    NoPlace(&'static str),
}

/// The template with these values.
pub(super) fn filled(template: &str, values: &[(&'static str, Value)]) -> Result<String, TemplateError> {
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?;
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(syntax);
    environment.add_filter("scalar", |text: &str| scalar(text));
    environment.add_filter("quoted", |text: &str| quoted(text));
    environment.add_filter("uppercase", |text: &str| text.to_ascii_uppercase());
    environment.add_filter("indented", |block: &str, depth: usize| indented(block, depth));
    let template = environment.template_from_str(template)?;
    let places = template.undeclared_variables(false);
    if let Some((name, _)) = values.iter().find(|(name, _)| !places.contains(*name)) {
        return Err(TemplateError::NoPlace(name));
    }
    if let Some(place) = places.iter().find(|place| !values.iter().any(|(name, _)| name == place)) {
        let problem = format!("the template's `{place}` has no value");
        return Err(minijinja::Error::new(ErrorKind::UndefinedError, problem).into());
    }
    Ok(template.render(Value::from(values.iter().cloned().collect::<BTreeMap<_, _>>()))?)
}

/// A value as a block of YAML, without an end of line at its end.
pub(super) fn yaml(value: &impl Serialize) -> Result<String, TemplateError> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: false,
        // Long text stays on its line.
        folded_wrap_chars: usize::MAX,
    };
    let text = serde_saphyr::to_string_with_options(value, options)?;
    // No more than one: an empty line before it may belong to a text.
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// A block of lines whose first begins at this depth: so do the others, but for empty ones.
fn indented(block: &str, depth: usize) -> String {
    let mut lines = block.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| match line {
        "" => text + "\n",
        line => format!("{text}\n{:depth$}{line}", ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_take_values_in_lines_and_blocks_for_lines() {
        let template =
            "a: {{ one }}\n\nb:\n  {{ block|indented(2) }}\n  {% if not_so %}\n  c\n  {% endif %}\nd: {{ one }}\n";
        let values = [("one", 1.into()), ("block", "- x\n\n- y".into()), ("not_so", false.into())];
        assert_eq!(filled(template, &values).unwrap(), "a: 1\n\nb:\n  - x\n\n  - y\nd: 1\n");
    }

    #[test]
    fn a_value_without_a_place_and_a_place_without_a_value_are_errors() {
        let values = [("a", Value::from("1")), ("b", Value::from("2"))];
        assert_eq!(filled("{{ a }} {% if b %}{% endif %}", &values).unwrap(), "1 ");
        assert!(matches!(filled("{{ a }}", &values), Err(TemplateError::NoPlace("b"))));
        assert!(matches!(filled("{{ a }} {{ b }} {{ c }}", &values), Err(TemplateError::Template(_))));
        assert!(matches!(filled("{{ a }} {% if b %}", &values), Err(TemplateError::Template(_))));
        assert!(matches!(filled("{{ a|unknown }} {{ b }}", &values), Err(TemplateError::Template(_))));
    }

    #[test]
    fn what_was_put_in_is_no_template() {
        assert_eq!(filled("{{ a }}", &[("a", "{{ a }} {% if %}".into())]).unwrap(), "{{ a }} {% if %}");
    }

    #[test]
    fn texts_keep_their_spaces_and_ends_of_lines() {
        let value = serde_json::json!({"a": "x \n \n\ty\n\n"});
        let text = filled("k:\n  {{ value|indented(2) }}\n", &[("value", yaml(&value).unwrap().into())]).unwrap();
        assert_eq!(serde_saphyr::from_str::<serde_json::Value>(&text).unwrap()["k"], value);
    }
}
