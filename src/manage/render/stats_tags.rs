//! The `stats_tags` of Envoy's statistics. A Wasm filter's metrics have no labels of their own: certgate writes them into the
//! names, and Envoy takes them out again. Must not know the rest of a bootstrap.

/// The labels of certgate's metrics.
const LABELS: [&str; 6] = ["decision", "reason", "tier", "alias", "limit", "credential"];

/// The list, as a block of YAML.
pub(super) fn stats_tags() -> String {
    let tag = |label| format!(r"- {{tag_name: {label}, regex: '(;\.;{label}=\.=(.*?);\.;)'}}");
    LABELS.map(tag).join("\n")
}
