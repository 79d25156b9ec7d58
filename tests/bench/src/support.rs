//! What the tests stand on, as far as the benchmark does too: certificates, careful callers, Envoy's administration port.

pub(crate) use certgate_core::domain::headers as owned;
pub(crate) use certgate_test_rig::{admin, client, pki, request, wait};
