//! Envoy as the engine's host: the only room that names proxy-wasm. It moves bytes between the two and decides
//! nothing about a request itself.
//!
//! Contexts come from the SDK. Host calls do not: the SDK's panic where Envoy answers with a status they do not expect
//! or a client sent bytes that are not UTF-8, and each panic takes a worker's VM down. [`abi`] has the calls that
//! certgate makes, each with its failure as a value.

mod abi;
mod accepted;
mod cas;
mod configuration;
mod configurations;
mod images;
mod log_sink;
mod metrics;
mod pairs;
mod root;
mod shared_data;
mod spare;
mod stream;
mod worker;

#[allow(unsafe_code, reason = "the macro exports a symbol, which edition 2024 calls unsafe")]
mod start {
    use super::root::Root;
    use proxy_wasm::types::LogLevel;

    proxy_wasm::main! {{
        // Envoy filters by its own level; everything below `info` would be built for nothing.
        proxy_wasm::set_log_level(LogLevel::Info);
        proxy_wasm::set_root_context(|_| Box::new(Root::new()));
    }}
}
