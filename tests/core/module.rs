//! The finished module, as `make wasm` leaves it: what it offers its host, what it asks of it, and how large it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use walrus::Module;

/// With more than this, somebody should look at what came in.
const LARGEST: u64 = 563 * 1024;

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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn path() -> PathBuf {
    let path = match std::env::var_os("CERTGATE_WASM") {
        Some(path) if !path.is_empty() => path.into(),
        _ => root().join("target/certgate.wasm"),
    };
    assert!(path.is_file(), "there is no module at {}: run `make wasm`", path.display());
    path
}

fn module() -> Module {
    Module::from_file(path()).unwrap()
}

fn exports(module: &Module) -> BTreeSet<String> {
    module.exports.iter().map(|export| export.name.clone()).collect()
}

/// A list in `src/bin/finish.rs`.
fn list_in_finisher(name: &str) -> BTreeSet<String> {
    let source = fs::read_to_string(root().join("src/bin/finish.rs")).unwrap();
    let (_, list) = source.split_once(&format!("const {name}:")).expect("a list of exports");
    let (list, _) = list.split_once("];").expect("the end of a list");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn it_exports_what_the_finisher_keeps_and_nothing_else() {
    let kept = list_in_finisher("EXPORTS");
    assert_eq!(exports(&module()), kept);
    let bandwidth = Module::from_file(root().join("target/certgate-bandwidth.wasm")).unwrap();
    let difference: BTreeSet<_> = exports(&bandwidth).difference(&kept).cloned().collect();
    assert_eq!(difference, list_in_finisher("BODIES"));
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
    let size = fs::metadata(path()).unwrap().len();
    assert!(size <= LARGEST, "{size} bytes, {LARGEST} at most");
    let sections: Vec<_> = module().customs.iter().map(|(_, section)| section.name().to_owned()).collect();
    assert_eq!(sections, [""; 0], "names, producers and the like");
}
