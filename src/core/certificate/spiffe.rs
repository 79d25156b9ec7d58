//! SPIFFE IDs of workloads (SPIFFE-ID standard, section 2).

/// The longest SPIFFE ID, in bytes.
const LONGEST: usize = 2048;

/// The longest trust domain name, in bytes.
const LONGEST_TRUST_DOMAIN: usize = 255;

/// Whether the text is the SPIFFE ID of a workload, which has a path (X.509-SVID, section 3.1).
pub(super) fn is_workload_id(uri: &str) -> bool {
    let Some((trust_domain, path)) = uri.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    uri.len() <= LONGEST
        && (1..=LONGEST_TRUST_DOMAIN).contains(&trust_domain.len())
        && trust_domain.bytes().all(|byte| is_plain(byte) && !byte.is_ascii_uppercase())
        && path.split('/').all(|segment| !matches!(segment, "" | "." | "..") && segment.bytes().all(is_plain))
}

/// Whether the byte is allowed in a path. A trust domain has no upper-case letters.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_have_these() {
        let longest = "spiffe://example.org/".to_owned() + &"a".repeat(2027);
        for id in [
            "spiffe://example.org/ns/shop/sa/cart",
            "spiffe://my_trust-domain.1/a",
            "spiffe://10.0.0.1/Upper/Case_-.9",
            "spiffe://example.org/...",
            &longest,
        ] {
            assert!(is_workload_id(id), "{id}");
        }
    }

    #[test]
    fn workloads_do_not_have_those() {
        let too_long = "spiffe://example.org/".to_owned() + &"a".repeat(2028);
        let too_long_domain = "spiffe://".to_owned() + &"a".repeat(256) + "/a";
        for id in [
            "",
            "spiffe://",
            "spiffe:///a",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org/a/",
            "spiffe://example.org//a",
            "spiffe://example.org/./a",
            "spiffe://example.org/a/..",
            "spiffe://example.org/%61",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a#b",
            "spiffe://example.org/a b",
            "spiffe://example.org/é",
            "spiffe://Example.org/a",
            "spiffe://user@example.org/a",
            "spiffe://example.org:80/a",
            "SPIFFE://example.org/a",
            "spiffe:/example.org/a",
            "https://example.org/a",
            " spiffe://example.org/a",
            &too_long,
            &too_long_domain,
        ] {
            assert!(!is_workload_id(id), "{id}");
        }
    }
}
