//! What the log says of a request that did not pass: one JSON object on one line, bounded, ASCII only, whatever is in
//! the certificate.

use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::name::Name;
use std::fmt::{self, Write};

/// Characters of untrusted text that a line holds at most.
const LONGEST_TEXT: usize = 256;

/// A request that did not pass, or in shadow mode would not have.
#[derive(Clone, Copy, Debug)]
pub struct Event<'e> {
    /// Why.
    pub reason: Reason,
    /// Whether it passed all the same.
    pub shadow: bool,
    /// Whose credential it was and in which tier it counts, where that is known.
    pub client: Option<(&'e str, &'e Name)>,
    /// The rule that decided, if it has a name.
    pub rule: Option<&'e Name>,
    /// The certificate's fingerprint, where that is known.
    pub fingerprint: Option<Fingerprint>,
    /// The tier that lets the least through, for the suggestion of an entry.
    pub strictest_tier: Option<&'e Name>,
}

impl Event<'_> {
    /// The log line. `subject` is the certificate's, as the host writes it; `suppressed` lines were not written before
    /// this one.
    pub fn line(&self, subject: Option<&[u8]>, suppressed: u64) -> String {
        let mut line = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut line, subject, suppressed);
        line
    }

    fn write(&self, line: &mut String, subject: Option<&[u8]>, suppressed: u64) -> fmt::Result {
        let decision = self.reason.decision().as_str(self.shadow);
        write!(line, r#"{{"event":"certgate_{decision}","reason":"{}""#, self.reason.as_str())?;
        if let Some((alias, tier)) = &self.client {
            write!(line, r#","alias":"{alias}","tier":"{tier}""#)?;
        }
        if let Some(rule) = &self.rule {
            write!(line, r#","rule":"{rule}""#)?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(line, r#","fingerprint":"{fingerprint}""#)?;
        }
        if let Some(subject) = subject {
            write!(line, r#","subject":{}"#, Quoted(subject))?;
        }
        if let (Reason::UnknownCertificate, Some(fingerprint)) = (self.reason, &self.fingerprint) {
            self.suggest(line, fingerprint, subject)?;
        }
        if suppressed > 0 {
            write!(line, r#","suppressed":{suppressed}"#)?;
        }
        line.push('}');
        Ok(())
    }

    /// An entry for the registry's `clients`, ready to paste into JSON or YAML.
    fn suggest(&self, line: &mut String, fingerprint: &Fingerprint, subject: Option<&[u8]>) -> fmt::Result {
        let [a, b, c, d, ..] = fingerprint.as_bytes();
        let tier = self.strictest_tier.map_or("name-of-a-tier", Name::as_str);
        write!(line, r#","client_entry":{{"alias":"client-{a:02x}{b:02x}{c:02x}{d:02x}","tier":"{tier}""#)?;
        if let Some(subject) = subject {
            write!(line, r#","description":{}"#, Quoted(subject))?;
        }
        write!(line, r#","credentials":[{{"sha256":"{fingerprint}"}}]}}"#)
    }
}

/// Untrusted bytes as a JSON string of printable ASCII.
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(self.0.get(..self.0.len().min(4 * LONGEST_TEXT)).unwrap_or_default());
        f.write_char('"')?;
        for character in text.chars().take(LONGEST_TEXT) {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                ' '..='~' => f.write_char(character)?,
                other => other.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(strictest_tier: Option<&Name>) -> Event<'_> {
        let fingerprint = Some(Fingerprint::new([0xab; 32]));
        Event {
            reason: Reason::UnknownCertificate,
            shadow: false,
            client: None,
            rule: None,
            fingerprint,
            strictest_tier,
        }
    }

    #[test]
    fn an_unknown_certificate_comes_with_an_entry_to_paste() {
        let tier = Name::new("bronze").unwrap();
        let line = event(Some(&tier)).line(Some(b"CN=cart,O=Shop"), 3);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["event"], "certgate_refused");
        assert_eq!(value["client_entry"]["alias"], "client-abababab");
        assert_eq!(value["client_entry"]["tier"], "bronze");
        assert_eq!(value["client_entry"]["description"], "CN=cart,O=Shop");
        assert_eq!(value["client_entry"]["credentials"][0]["sha256"], "ab".repeat(32));
        assert_eq!(value["suppressed"], 3);
    }

    #[test]
    fn hostile_subjects_stay_inside_one_bounded_ascii_line() {
        let long = "x".repeat(65_536);
        for subject in
            ["a\r\nb", "\"}{\"", "\\", "\u{1b}[31m", "\u{2028}\u{2029}", "\u{0}\u{7f}\u{9f}", "\u{1f600}", &long]
        {
            let line = event(None).line(Some(subject.as_bytes()), 0);
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
            assert!(line.len() < 8192, "{}", line.len());
            let value: serde_json::Value = serde_json::from_str(&line).unwrap();
            let bounded: String = subject.chars().take(LONGEST_TEXT).collect();
            assert_eq!(value["subject"], bounded);
        }
        let line = event(None).line(Some(b"\xff\xfe\x80"), 0);
        assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
    }
}
