//! The exports that the finished module keeps.

/// The exports of the finished module: what the proxy-wasm ABI needs, and the callbacks that `src/wasm` implements.
pub const EXPORTS: [&str; 11] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_configure",
    "proxy_on_tick",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
];

/// The exports that the module with the feature `bandwidth` has beside them.
pub const BODIES: [&str; 2] = ["proxy_on_request_body", "proxy_on_response_body"];
