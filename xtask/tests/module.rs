//! The finished module, as `make wasm` leaves it: what it offers its host, what it asks of it, and how large it is.

use certgate_test_support::module;
use std::collections::BTreeSet;
use std::fs;

use certgate_finish::{BODIES, EXPORTS};
use walrus::Module;

/// With more than this, somebody should look at what came in.
const LARGEST: u64 = 593_000;

/// What is imported of the proxy-wasm ABI: certgate's own calls, and those that the SDK's contexts may make.
const ABI: [&str; 34] = [
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_resolve_shared_queue",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// What is imported of WASI, of which Envoy has a part only.
const WASI: [&str; 6] = ["clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

fn module() -> Module {
    Module::from_file(module::path()).unwrap()
}

fn exports(module: &Module) -> BTreeSet<String> {
    module.exports.iter().map(|export| export.name.clone()).collect()
}

fn names(exports: &[&str]) -> BTreeSet<String> {
    exports.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn it_exports_what_the_finisher_keeps_and_nothing_else() {
    let kept = names(&EXPORTS);
    assert_eq!(exports(&module()), kept);
    let bandwidth = Module::from_file(module::bandwidth()).unwrap();
    let difference: BTreeSet<_> = exports(&bandwidth).difference(&kept).cloned().collect();
    assert_eq!(difference, names(&BODIES));
}

#[test]
fn it_imports_nothing_that_envoy_may_not_have() {
    let module = module();
    let imports: BTreeSet<_> = module.imports.iter().map(|import| (&*import.module, &*import.name)).collect();
    let known = ABI.map(|name| ("env", name)).into_iter().chain(WASI.map(|name| ("wasi_snapshot_preview1", name)));
    assert_eq!(imports, known.collect());
}

#[test]
fn it_is_small_and_has_nothing_in_it_that_does_not_run() {
    let size = fs::metadata(module::path()).unwrap().len();
    assert!(size <= LARGEST, "{size} bytes, {LARGEST} at most");
    let sections: Vec<_> = module().customs.iter().map(|(_, section)| section.name().to_owned()).collect();
    assert_eq!(sections, [""; 0], "names, producers and the like");
}
