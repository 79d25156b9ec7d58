//! Names, patterns of names, methods and headers.

use super::Form;
use certgate_core::config::{IDENTITY_HEADERS, RESERVED_HEADER_PREFIXES, RESERVED_HEADERS};
use certgate_core::domain::headers::ALWAYS_OWNED;
use certgate_core::domain::name::{NONE, OTHER};

const NAME: &str = "^[a-z0-9][a-z0-9._-]{0,62}$";
const METHOD: &str = "[A-Z0-9-]+";

/// The characters of a label of a host name, as a pattern.
const LABEL: &str = "[A-Za-z0-9_-]";

/// Names.
pub(super) fn name() -> Vec<Form> {
    vec![Form::of(NAME)]
}

fn name_other_than(reserved: &[&str]) -> Vec<Form> {
    vec![Form::of(NAME).not([format!("^({})$", reserved.join("|"))])]
}

/// Names of tiers.
pub(super) fn tier_name() -> Vec<Form> {
    name_other_than(&[NONE])
}

/// Names of clients.
pub(super) fn alias() -> Vec<Form> {
    name_other_than(&[NONE, OTHER])
}

/// Methods.
pub(super) fn method() -> Vec<Form> {
    vec![Form::of(format!("^{METHOD}$"))]
}

/// Methods and `default`.
pub(super) fn cost_key() -> Vec<Form> {
    vec![Form::of(format!("^(default|{METHOD})$"))]
}

/// Texts that are not empty and have no NUL.
pub(super) fn attribute_value() -> Vec<Form> {
    vec![Form::of(r"^[^\x00]+$")]
}

/// All texts.
pub(super) fn any() -> Vec<Form> {
    Vec::new()
}

/// Patterns of URIs.
pub(super) fn uri_pattern() -> Vec<Form> {
    const SCHEME: &str = "[a-z][a-z0-9+.-]*";
    /// Octets of a segment other than dots, and dots; each plain or percent-encoded.
    const NO_DOT: &str = "([A-Za-z0-9_~!$&'()+,;=:@-]|%(2[0-9A-DFa-df]|[013-9A-Fa-f][0-9A-Fa-f]))";
    const DOT: &str = r"(\.|%2[Ee])";
    let any_text = format!(r"^{SCHEME}://[!-)+-.0-~]+(/[!-)+-.0-~]*){{0,29}}$");
    let segment = format!(r"(\*|{DOT}*{NO_DOT}({DOT}|{NO_DOT})*|{DOT}{{3,}})");
    let with_wildcards = format!(r#"^{SCHEME}://[!"$-)+-.0->@-~]+(/{segment}){{1,29}}$"#);
    let spiffe_segment = r"(\*|\.*[A-Za-z0-9_-][A-Za-z0-9._-]*|\.{3,})";
    let spiffe = format!("^spiffe://[a-z0-9._-]{{1,255}}(/{spiffe_segment}){{1,29}}$");
    vec![Form::of(any_text), Form::of(with_wildcards).not(["^spiffe:".to_owned()]), Form::of(spiffe).at_most(2048)]
}

/// Patterns of DNS names.
pub(super) fn dns_pattern() -> Vec<Form> {
    vec![Form::of(format!(r"^((\*|{LABEL}{{1,63}})\.){{0,31}}{LABEL}{{1,63}}$")).at_most(253)]
}

/// Patterns of hosts.
pub(super) fn host() -> Vec<Form> {
    let name = format!(r"{LABEL}+(\.{LABEL}+)*");
    vec![
        Form::of(format!("^{name}$")).at_most(253),
        Form::of(format!(r"^\*\.{name}$")).at_most(255),
        Form::of(format!(r"^\[{}\]$", ipv6())),
    ]
}

/// A pattern of IPv6 addresses (RFC 3986 section 3.2.2).
fn ipv6() -> String {
    const GROUP: &str = "[0-9A-Fa-f]{1,4}";
    const OCTET: &str = "([0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])";
    let groups = format!("({GROUP}:)");
    let last = format!(r"({GROUP}:{GROUP}|({OCTET}\.){{3}}{OCTET})");
    // Up to so many groups before `::`.
    let before = |most: usize| match most.checked_sub(1) {
        None => String::new(),
        Some(others) => format!("({groups}{{0,{others}}}{GROUP})?"),
    };
    let with_last = (0..=5).map(|most: usize| {
        let after = 5_usize.saturating_sub(most);
        format!("{}::{groups}{{{after}}}{last}", before(most))
    });
    let whole = format!("{groups}{{6}}{last}");
    let ends = [format!("{}::{GROUP}", before(6)), format!("{}::", before(7))];
    let alternatives: Vec<_> = std::iter::once(whole).chain(with_last).chain(ends).collect();
    format!("({})", alternatives.join("|"))
}

/// Names of headers.
pub(super) fn header() -> Vec<Form> {
    // A character that is no letter and no digit counts as `-`.
    let folded = |name: &str| name.replace('-', "[^a-z0-9]");
    let of_its_own = ALWAYS_OWNED.into_iter().filter(|name| !IDENTITY_HEADERS.contains(name));
    let reserved: Vec<_> = RESERVED_HEADERS.into_iter().chain(of_its_own).map(folded).collect();
    let prefixes = RESERVED_HEADER_PREFIXES.map(folded);
    vec![
        Form::of("^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$")
            .not([format!("^({})$", reserved.join("|")), format!("^({})", prefixes.join("|"))]),
    ]
}
