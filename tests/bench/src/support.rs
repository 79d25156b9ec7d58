//! What the tests stand on, as far as the benchmark does too: certificates, careful callers, Envoy's administration port.
#![allow(dead_code, reason = "shared with the tests, each of which uses a part")]
#![allow(unreachable_pub, reason = "the face of a module that several crates include")]

#[path = "../../support/admin.rs"]
pub mod admin;
#[path = "../../support/client.rs"]
pub mod client;
#[path = "../../support/echo.rs"]
pub mod echo;
#[path = "../../support/fields.rs"]
pub mod fields;
#[path = "../../support/http1.rs"]
pub mod http1;
#[path = "../../../src/domain/headers.rs"]
pub mod owned;
#[path = "../../support/pki.rs"]
pub mod pki;
#[path = "../../support/raw.rs"]
pub mod raw;
#[path = "../../support/request.rs"]
pub mod request;
#[path = "../../support/wait.rs"]
pub mod wait;
