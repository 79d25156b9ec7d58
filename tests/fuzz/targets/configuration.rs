//! Configurations: any bytes are a policy or errors, and a worker loads the policy that the canary has compiled.
#![no_main]

use certgate_core::config::{self, Capabilities};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let read = config::read(bytes);
    match (config::compile(bytes, Capabilities::default()), read) {
        (Ok(Some(snapshot)), Ok(policy)) => {
            let loaded = config::load(snapshot).expect("a snapshot of a configuration without errors");
            assert_eq!(format!("{:?}", loaded.rules), format!("{:?}", policy.rules));
            assert_eq!(loaded.registry.clients().as_bytes(), policy.registry.clients().as_bytes());
            assert_eq!(loaded.headers, policy.headers);
        }
        (Ok(None), Ok(_)) | (Err(_), Err(_)) => {}
        _ => panic!("read and compiled differ"),
    }
    let _ = config::load(bytes.to_vec());
});
