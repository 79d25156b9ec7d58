//! The floor: makes the host calls that certgate makes for an allowed request with one limit and without response
//! headers, in the same order, and computes nothing in between. It has certgate's callbacks and no SDK, and memory that
//! costs nothing: one buffer, used anew with each request.
#![no_std]

use core::panic::PanicInfo;
use core::ptr;

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
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, version: u32)
    -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, by: i64) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
}

const OK: u32 = 0;
const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;
const REQUEST_HEADERS: u32 = 0;
const COUNTER: u32 = 0;
const MONOTONIC: u32 = 1;
/// No version is ever this one, and an absent key is inserted whatever the version.
const ABSENT: u32 = u32::MAX;

const DIGEST: &[u8] = b"connection\0sha256_peer_certificate_digest";
const BUCKETS: &[u8] = b"certgate:buckets:certgate/partner-a";
/// As many bytes as certgate stores for a client with one limit.
const STORED: [u8; 66] = [0; 66];
const ALIAS: &[u8] = b"partner-a";
const TIER: &[u8] = b"gold";
const METRICS: [&[u8]; 2] = [
    b"certgate_requests_total;.;decision=.=allowed;.;reason=.=none;.;tier=.=gold;.;",
    b"certgate_client_requests_total;.;alias=.=partner-a;.;decision=.=allowed;.;",
];

/// What the host hands back during a request.
static mut BUFFER: [u8; 65_536] = [0; 65_536];
/// How much of it is used.
static mut USED: usize = 0;
/// The ids of [`METRICS`].
static mut IDS: [u32; METRICS.len()] = [0; METRICS.len()];

/// Which ABI this is.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory for what a host call hands back; none if the buffer is full.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    // SAFETY: a VM has one thread, and the range is inside the buffer.
    unsafe {
        let start = USED;
        if size > 65_536 - start {
            return ptr::null_mut();
        }
        USED = start + size;
        (&raw mut BUFFER).cast::<u8>().add(start)
    }
}

/// A configuration, whatever it says, is accepted.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_configure(_: u32, _: usize) -> u32 {
    for (place, name) in METRICS.iter().enumerate() {
        // SAFETY: a VM has one thread, and the host writes the id before the call returns.
        unsafe { proxy_define_metric(COUNTER, name.as_ptr(), name.len(), (&raw mut IDS).cast::<u32>().add(place)) };
    }
    1
}

/// A request begins.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_context_create(_: u32, _: u32) {
    // SAFETY: a VM has one thread, and nothing is kept from one request to the next.
    unsafe { USED = 0 };
}

/// Its headers: all of the work.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_headers(_: u32, _: usize, _: u32) -> u32 {
    // SAFETY: the host reads and writes what it is given during the call only, and a VM has one thread.
    if unsafe { calls() }.is_some() { CONTINUE } else { PAUSE }
}

/// Its trailers, which no request of the benchmark has.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_trailers(_: u32, _: usize) -> u32 {
    CONTINUE
}

/// The response's headers, which stay as they are.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_response_headers(_: u32, _: usize, _: u32) -> u32 {
    CONTINUE
}

/// The end of a request.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_delete(_: u32) {}

/// What certgate calls, in its order; `None` if a call fails.
unsafe fn calls() -> Option<()> {
    let (mut data, mut size, mut time) = (ptr::null_mut(), 0, 0);
    unsafe {
        ok(proxy_get_header_map_pairs(REQUEST_HEADERS, &raw mut data, &raw mut size))?;
        let (mut digest, mut digest_size) = (ptr::null_mut(), 0);
        ok(proxy_get_property(DIGEST.as_ptr(), DIGEST.len(), &raw mut digest, &raw mut digest_size))?;
        ok(proxy_get_current_time_nanoseconds(&raw mut time))?;
        let mut version = 0;
        let found =
            proxy_get_shared_data(BUCKETS.as_ptr(), BUCKETS.len(), &raw mut data, &raw mut size, &raw mut version);
        if found != OK {
            (data, size, version) = (STORED.as_ptr().cast_mut(), STORED.len(), ABSENT);
        }
        ok(clock_time_get(MONOTONIC, 1, &raw mut time))?;
        ok(proxy_set_shared_data(BUCKETS.as_ptr(), BUCKETS.len(), data, size, version))?;
        set(b"x-client-alias", ALIAS.as_ptr(), ALIAS.len())?;
        set(b"x-client-tier", TIER.as_ptr(), TIER.len())?;
        set(b"x-client-fingerprint", digest, digest_size)?;
        for place in 0..METRICS.len() {
            ok(proxy_increment_metric((&raw const IDS).cast::<u32>().add(place).read(), 1))?;
        }
    }
    Some(())
}

unsafe fn set(name: &[u8], value: *const u8, size: usize) -> Option<()> {
    ok(unsafe { proxy_add_header_map_value(REQUEST_HEADERS, name.as_ptr(), name.len(), value, size) })
}

fn ok(status: u32) -> Option<()> {
    (status == OK).then_some(())
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
