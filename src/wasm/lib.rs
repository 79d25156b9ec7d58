//! Envoy as a host of the core: the only module that names proxy-wasm. It moves bytes between the two and decides
//! nothing about a request.
//!
//! Contexts come from the SDK. Host calls do not: those of the SDK panic if Envoy answers with an unexpected status, or if a
//! client has sent bytes that are not UTF-8, and each panic takes a worker's VM down. [`abi`] has the calls that certgate
//! makes, each with its failure as a value.

mod abi;
mod accepted_hashes;
mod cas;
mod clocks;
mod configuration;
mod configurations;
mod log_sink;
mod metrics;
mod pairs;
mod plugin_configuration;
mod root;
mod shared_data;
mod snapshots;
mod spare;
mod stream;
mod vm_state;
mod worker;

#[allow(unsafe_code, reason = "the macro exports a symbol, which edition 2024 calls unsafe")]
mod start {
    use super::root::Root;
    use proxy_wasm::types::LogLevel;

    proxy_wasm::main! {{
        // Envoy filters by its own level. Lines below `info` would be formatted in vain.
        proxy_wasm::set_log_level(LogLevel::Info);
        proxy_wasm::set_root_context(|_| Box::new(Root::new()));
    }}
}
