//! The forms of texts in a configuration, each as regular expressions. The expressions have no look-around, so that
//! every validator can read them. Must not know the fields that take the texts.

mod credential;
mod names;
mod number;
mod path;
mod time;

use serde_json::{Value, json};

pub(super) use number::large_number;

/// A form of text.
pub struct Text {
    /// The name of the form in the schema.
    pub id: &'static str,
    /// The title.
    pub title: &'static str,
    /// The form in words, in whole sentences.
    pub meaning: &'static str,
    /// Examples.
    pub examples: &'static [&'static str],
    /// The form as alternatives.
    form: fn() -> Vec<Form>,
}

/// A set of texts.
#[derive(Default)]
struct Form {
    /// The texts match this pattern.
    pattern: String,
    /// The texts match none of these patterns.
    not: Vec<String>,
    /// The most characters, if the pattern does not limit them.
    longest: Option<usize>,
}

/// All forms.
pub static TEXTS: [&Text; 19] = [
    &NAME,
    &TIER_NAME,
    &ALIAS,
    &DURATION,
    &MOMENT,
    &SHARE,
    &FINGERPRINT,
    &CERTIFICATE,
    &CERTIFICATE_OR_CHAIN,
    &CRL_TEXT,
    &URI_PATTERN,
    &DNS_PATTERN,
    &ATTRIBUTE_VALUE,
    &HOST,
    &PATH,
    &METHOD,
    &COST_KEY,
    &HEADER,
    &ANY,
];

/// A name.
pub(super) static NAME: Text = Text {
    id: "name",
    title: "Name",
    meaning: "1 to 63 of the characters `a` to `z`, `0` to `9`, `.`, `_` and `-`. The first is a letter or a digit.",
    examples: &["partner-a"],
    form: names::name,
};

/// The name of a tier.
pub(super) static TIER_NAME: Text = Text {
    id: "tier_name",
    title: "Name of a tier",
    meaning: "A name other than `none`, which metrics use for callers without a tier.",
    examples: &["gold"],
    form: names::tier_name,
};

/// The name of a client.
pub(super) static ALIAS: Text = Text {
    id: "alias",
    title: "Alias",
    meaning: "A name other than `none` and `other`, which metrics use for callers without a client and for clients \
              without series of their own.",
    examples: &["partner-a"],
    form: names::alias,
};

/// A duration.
pub(super) static DURATION: Text = Text {
    id: "duration",
    title: "Duration",
    meaning: "A whole number and one of the units `ms`, `s`, `m`, `h` and `d`: from `100ms` to `366d`.",
    examples: &["500ms", "1s", "5m", "1h", "1d"],
    form: time::duration,
};

/// A moment.
pub(super) static MOMENT: Text = Text {
    id: "moment",
    title: "Moment",
    meaning: "A date and time in UTC and whole seconds (RFC 3339).",
    examples: &["2027-01-31T00:00:00Z"],
    form: time::moment,
};

/// A share.
pub(super) static SHARE: Text = Text {
    id: "share",
    title: "Share",
    meaning: "A whole number of per cent, from `1%` to `100%`.",
    examples: &["80%"],
    form: number::share,
};

/// A fingerprint.
pub(super) static FINGERPRINT: Text = Text {
    id: "fingerprint",
    title: "SHA-256",
    meaning: "A SHA-256: 64 hexadecimal digits, with colons between all bytes or without, or base64 of either \
              alphabet. `sha256:` or `SHA256 Fingerprint=` may stand before it.",
    examples: &["sha256:6ef8a2b1c0d9e8f70123456789abcdef00ff11ee22dd33cc44bb55aa66997788"],
    form: credential::fingerprint,
};

/// A certificate in PEM form.
pub(super) static CERTIFICATE: Text = Text {
    id: "certificate",
    title: "Certificate",
    meaning: "One certificate in PEM form, plain or URL-encoded.",
    examples: &[],
    form: credential::certificate,
};

/// A certificate in PEM form, which others may follow.
pub(super) static CERTIFICATE_OR_CHAIN: Text = Text {
    id: "certificate_or_chain",
    title: "Issuer's certificate",
    meaning: "A certificate in PEM form, plain or URL-encoded. Only the first certificate counts.",
    examples: &[],
    form: credential::certificate_or_chain,
};

/// A revocation list in PEM form.
pub(super) static CRL_TEXT: Text = Text {
    id: "crl_pem",
    title: "Revocation list",
    meaning: "One certificate revocation list in PEM form.",
    examples: &[],
    form: credential::crl,
};

/// A pattern of URIs.
pub(super) static URI_PATTERN: Text = Text {
    id: "uri_pattern",
    title: "URI pattern",
    meaning: "A URI with an authority. `*` stands for any one segment of the path. Beside a `*` there is no query, \
              fragment, empty segment or dot segment, and a `spiffe` URI is a SPIFFE ID.",
    examples: &["spiffe://example.org/ns/*/sa/cart"],
    form: names::uri_pattern,
};

/// A pattern of DNS names.
pub(super) static DNS_PATTERN: Text = Text {
    id: "dns_pattern",
    title: "DNS pattern",
    meaning: "A DNS name of at most 253 characters and 32 labels. `*` stands for any one label, but not for the last.",
    examples: &["cart.shop.example", "*.shop.example"],
    form: names::dns_pattern,
};

/// A value of an attribute.
pub(super) static ATTRIBUTE_VALUE: Text = Text {
    id: "attribute_value",
    title: "Value of an attribute",
    meaning: "Any text that is not empty and has no NUL.",
    examples: &["cart"],
    form: names::attribute_value,
};

/// A pattern of hosts.
pub(super) static HOST: Text = Text {
    id: "host",
    title: "Host pattern",
    meaning: "A host name, an IPv4 address or an IPv6 address in brackets, without a port or a dot at its end. \
              `*.example.org` stands for every host with one label or more before that suffix.",
    examples: &["api.example.com", "*.example.org", "[::1]"],
    form: names::host,
};

/// A pattern of paths.
pub(super) static PATH: Text = Text {
    id: "path",
    title: "Path pattern",
    meaning: "A path of at most 64 segments. `*` and `{id}` stand for any one segment. `/**` at the end stands for the \
              path before it and all paths below that. All other segments are texts that every server reads in the \
              same way: no dot or space at the end, no `;`, `\\`, `?` or `#`, also not percent-encoded.",
    examples: &["/payments/**", "/orders/{id}"],
    form: path::pattern,
};

/// A method.
pub(super) static METHOD: Text = Text {
    id: "method",
    title: "Method",
    meaning: "A method in capitals.",
    examples: &["GET", "POST"],
    form: names::method,
};

/// A key of a map of costs.
pub(super) static COST_KEY: Text = Text {
    id: "cost_key",
    title: "Key of a cost",
    meaning: "A method in capitals, or `default`.",
    examples: &["POST", "default"],
    form: names::cost_key,
};

/// The name of a header.
pub(super) static HEADER: Text = Text {
    id: "header",
    title: "Name of a header",
    meaning: "The name of a header in lower case, of at most 128 characters. It has no meaning for HTTP or Envoy, and \
              certgate uses it for nothing else.",
    examples: &["x-client-alias"],
    form: names::header,
};

/// Any text.
pub(super) static ANY: Text = Text { id: "text", title: "Text", meaning: "Any text.", examples: &[], form: names::any };

impl Form {
    fn of(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), ..Self::default() }
    }

    fn not(self, not: impl IntoIterator<Item = String>) -> Self {
        Self { not: not.into_iter().collect(), ..self }
    }

    fn at_most(self, characters: usize) -> Self {
        Self { longest: Some(characters), ..self }
    }

    fn keywords(self) -> Value {
        let mut keywords = json!({"pattern": self.pattern});
        if let Some(keywords) = keywords.as_object_mut() {
            if let Some(longest) = self.longest {
                keywords.insert("maxLength".to_owned(), longest.into());
            }
            if !self.not.is_empty() {
                let patterns: Value = self.not.into_iter().map(|pattern| json!({"pattern": pattern})).collect();
                keywords.insert("not".to_owned(), json!({"anyOf": patterns}));
            }
        }
        keywords
    }
}

impl Text {
    /// The schema of texts of this form.
    pub(super) fn schema(&self) -> Value {
        let mut alternatives: Vec<_> = (self.form)().into_iter().map(Form::keywords).collect();
        let mut schema = match alternatives.len() {
            0 => json!({}),
            1 => alternatives.pop().unwrap_or_default(),
            _ => json!({"anyOf": alternatives}),
        };
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("type".to_owned(), "string".into());
            schema.insert("title".to_owned(), self.title.into());
            schema.insert("description".to_owned(), self.meaning.into());
            if !self.examples.is_empty() {
                schema.insert("examples".to_owned(), self.examples.into());
            }
        }
        schema
    }
}
