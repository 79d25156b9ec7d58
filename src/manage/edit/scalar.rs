//! Text as a scalar of YAML or JSON.

/// Text as a value anywhere in YAML, in quotes where it needs some.
pub(crate) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-'));
    let means_something = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if plain && !means_something.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    if text.contains(['\\', '"']) && !text.contains(|character: char| character.is_control() || !character.is_ascii()) {
        return quoted(text);
    }
    double_quoted(text)
}

/// Text in double quotes, as JSON and YAML read it.
pub(super) fn double_quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Text of one line in single quotes, in which YAML has no escapes but one.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_text_to_every_reader() {
        for text in ["target/certgate.wasm", "a-b"] {
            assert_eq!(scalar(text), text);
        }
        for text in ["on", "12", "a: b", "a, b", "", "{x}", "a#b", "-a"] {
            assert_eq!(scalar(text), format!("{text:?}"));
        }
        assert_eq!(scalar(r#"(;\.;x="a")"#), r#"'(;\.;x="a")'"#);
        assert_eq!(quoted(r"it's \d"), r"'it''s \d'");
    }
}
