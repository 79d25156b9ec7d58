//! Certificates as text and as DER: read or refused, and what is read can be shown in a header.
#![no_main]

use certgate_core::certificate::contents::CertificateContents;
use certgate_core::certificate::names::{CertificateNames, MOST_COST, NameParts};
use certgate_core::certificate::{der_from_text, fingerprint_from_hex, validity};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let shapes: Vec<_> = ["spiffe://example.org/ns/*/sa/cart", "spiffe://example.org/ns/shop/sa/cart"]
        .into_iter()
        .filter_map(NameParts::uri_pattern)
        .chain(NameParts::dns_pattern("*.shop.example"))
        .map(|name| name.shape())
        .collect();
    let from_text = der_from_text(bytes).ok();
    for der in [Some(bytes), from_text.as_deref()].into_iter().flatten() {
        let Ok(attributes) = CertificateContents::parse(der) else { continue };
        assert_eq!(validity(der), Ok(attributes.validity));
        let _ = (attributes.subject.to_rfc4514(), attributes.issuer.to_rfc4514(), attributes.spiffe_id());
        if let Some(header) = attributes.subject.to_header() {
            assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
        let mut compared = 0;
        CertificateNames::of(&attributes).any(&shapes, &mut |_| {
            compared += 1;
            false
        });
        assert!(compared <= MOST_COST);
    }
    let _ = fingerprint_from_hex(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        for name in [NameParts::uri_pattern(text), NameParts::dns_pattern(text)].into_iter().flatten() {
            assert!(name.identifier().is_some());
        }
    }
});
