//! Revocation lists: read or refused; and signatures are checked or not, but never trusted to be there.
#![no_main]

use certgate_core::certificate::crl;
use certgate_manage::crl_signature;
use libfuzzer_sys::fuzz_target;

const ISSUER: &str = include_str!("../../fixtures/crl/ca.pem");

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(list) = crl::parse(text) {
        let _ = [&b""[..], b"\0", b"\x05", bytes].map(|serial| list.contains(serial));
    }
    let _ = crl_signature::verify(text, ISSUER);
});
