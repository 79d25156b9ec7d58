//! The host calls of the proxy-wasm ABI 0.2.1 and of WASI that certgate makes: bytes in, bytes or a failure out. All unsafe
//! code of this crate is here.

#![allow(unsafe_code, reason = "a host call hands over addresses in the module's memory")]

use super::cas::{Expected, Swap, Version};
use certgate_core::engine::host::HostFailure;
use certgate_core::engine::reply::Reply;
use std::ptr;

/// A header map (`proxy_map_type_t`).
#[derive(Clone, Copy)]
pub(super) struct Map(u32);

impl Map {
    pub(super) const REQUEST_HEADERS: Self = Self(0);
    pub(super) const REQUEST_TRAILERS: Self = Self(1);
    pub(super) const RESPONSE_HEADERS: Self = Self(2);
}

/// The type of a metric (`proxy_metric_type_t`).
#[derive(Clone, Copy)]
pub(super) struct Metric(u32);

impl Metric {
    pub(super) const COUNTER: Self = Self(0);
    pub(super) const GAUGE: Self = Self(1);
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;
const CAS_MISMATCH: u32 = 8;
const INTERNAL_FAILURE: u32 = 10;
const UNIMPLEMENTED: u32 = 12;
/// Stands for the gRPC status of a reply that has none.
const NO_GRPC_STATUS: i32 = -1;
const PLUGIN_CONFIGURATION: u32 = 7;
/// The log level `error`.
const ERROR: u32 = 4;
/// WASI's monotonic clock: the same for all workers (measured on 1.36.4 to 1.40.0).
const MONOTONIC: u32 = 1;
/// The version that creates a key only if it is absent. Envoy inserts an absent key whatever version is expected, and a key
/// that another worker has created meanwhile never has this version.
const ABSENT: u32 = u32::MAX;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) -> u32;
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, length: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, by: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_log(level: u32, message: *const u8, message_size: usize) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
}

/// All pairs of `map`, in the serialisation of [`super::pairs`].
pub(super) fn pairs(map: Map) -> Result<Vec<u8>, HostFailure> {
    // SAFETY: both results are written before the call returns.
    let bytes = returned(|data, size| unsafe { proxy_get_header_map_pairs(map.0, data, size) })?;
    Ok(bytes.unwrap_or_default())
}

/// Adds a header called `name`.
pub(super) fn add(map: Map, name: &[u8], value: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: the host reads both slices during the call.
    ok(unsafe { proxy_add_header_map_value(map.0, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Replaces all headers called `name` by one.
pub(super) fn set(map: Map, name: &[u8], value: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: the host reads both slices during the call.
    ok(unsafe { proxy_replace_header_map_value(map.0, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Removes all headers called `name`.
pub(super) fn remove(map: Map, name: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: the host reads the slice during the call.
    ok(unsafe { proxy_remove_header_map_value(map.0, name.as_ptr(), name.len()) })
}

/// The property at `path`, whose segments are separated by NUL; `None` if there is none.
pub(super) fn property(path: &str) -> Result<Option<Vec<u8>>, HostFailure> {
    // SAFETY: the host reads the path during the call and writes both results before it returns.
    returned(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Writes a property of the stream: filter state `wasm.<path>`.
pub(super) fn set_property(path: &str, value: &[u8]) -> Result<(), HostFailure> {
    // SAFETY: the host reads both slices during the call.
    ok(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// The shared value under `key` and its version.
pub(super) fn shared(key: &str) -> Result<Option<(Vec<u8>, Version)>, HostFailure> {
    let mut version = 0;
    // SAFETY: the host reads the key during the call and writes the results before it returns.
    let bytes =
        returned(|data, size| unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut version) })?;
    Ok(bytes.map(|bytes| (bytes, Version(version))))
}

/// Stores a shared value if the stored one is `expected`.
pub(super) fn swap_shared(key: &str, value: &[u8], expected: Expected) -> Result<Swap, HostFailure> {
    let version = match expected {
        Expected::Absent => ABSENT,
        Expected::Version(Version(version)) => version,
    };
    // SAFETY: the host reads both slices during the call.
    match unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version) } {
        CAS_MISMATCH => Ok(Swap::Conflict),
        status => ok(status).map(|()| Swap::Done),
    }
}

/// Up to `length` bytes of the plugin configuration from `start` on. Only inside `on_configure`.
pub(super) fn configuration(start: usize, length: usize) -> Result<Vec<u8>, HostFailure> {
    // SAFETY: both results are written before the call returns.
    let bytes =
        returned(|data, size| unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, start, length, data, size) })?;
    Ok(bytes.unwrap_or_default())
}

/// Sends a local reply to the request.
pub(super) fn reply(reply: &Reply) -> Result<(), HostFailure> {
    let headers = super::pairs::serialise(reply.headers.iter().map(|(name, value)| (*name, value.as_ref())));
    let body = reply.body.as_bytes();
    // SAFETY: the host reads all slices during the call.
    ok(unsafe {
        proxy_send_local_response(
            reply.status,
            ptr::null(),
            0,
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            reply.grpc_status.unwrap_or(NO_GRPC_STATUS),
        )
    })
}

/// Defines a metric. Each call returns a new id.
pub(super) fn define(metric: Metric, name: &str) -> Result<u32, HostFailure> {
    let mut id = 0;
    // SAFETY: the host reads the name during the call and writes the id before it returns.
    ok(unsafe { proxy_define_metric(metric.0, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Adds one to a counter.
pub(super) fn increment(id: u32) -> Result<(), HostFailure> {
    // SAFETY: numbers only.
    ok(unsafe { proxy_increment_metric(id, 1) })
}

/// Sets a gauge.
pub(super) fn record(id: u32, value: u64) -> Result<(), HostFailure> {
    // SAFETY: numbers only.
    ok(unsafe { proxy_record_metric(id, value) })
}

/// Writes to Envoy's log without allocating.
pub(super) fn log_error(message: &str) -> Result<(), HostFailure> {
    // SAFETY: the host reads the slice during the call.
    ok(unsafe { proxy_log(ERROR, message.as_ptr(), message.len()) })
}

/// Sets the time between two calls of `on_tick`, in milliseconds; 0: none.
pub(super) fn tick_every(milliseconds: u32) -> Result<(), HostFailure> {
    // SAFETY: numbers only.
    ok(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// The monotonic clock, in nanoseconds.
pub(super) fn monotonic() -> Result<u64, HostFailure> {
    let mut time = 0;
    // SAFETY: the host writes the time before the call returns.
    ok(unsafe { clock_time_get(MONOTONIC, 1, &raw mut time) })?;
    Ok(time)
}

/// The wall clock, in nanoseconds since 1970-01-01T00:00:00Z.
pub(super) fn wall() -> Result<u64, HostFailure> {
    let mut time = 0;
    // SAFETY: the host writes the time before the call returns.
    ok(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) })?;
    Ok(time)
}

fn ok(status: u32) -> Result<(), HostFailure> {
    if status == OK { Ok(()) } else { Err(failure(status)) }
}

/// Not inlined: inlined, it costs each call that succeeds instructions.
#[cold]
#[inline(never)]
fn failure(status: u32) -> HostFailure {
    HostFailure::new(match status {
        NOT_FOUND => "not found",
        BAD_ARGUMENT => "bad argument",
        CAS_MISMATCH => "compare-and-swap mismatch",
        INTERNAL_FAILURE => "internal failure",
        UNIMPLEMENTED => "unimplemented",
        _ => "a status of another kind",
    })
}

/// The bytes that a call returns; `None` if it finds nothing.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Option<Vec<u8>>, HostFailure> {
    let (mut data, mut size) = (ptr::null_mut::<u8>(), 0);
    match call(&raw mut data, &raw mut size) {
        NOT_FOUND => Ok(None),
        status => ok(status).map(|()| {
            if data.is_null() || size == 0 {
                return Some(Vec::new());
            }
            // SAFETY: the host got these bytes from the SDK's allocation callback, which makes a boxed slice of exactly
            // this size, and keeps no address of them.
            Some(unsafe { Vec::from_raw_parts(data, size, size) })
        }),
    }
}
