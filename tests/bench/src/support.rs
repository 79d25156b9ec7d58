//! Parts of the test rig that the benchmark uses: certificates, registries, careful callers, Envoy's administration port.

pub(crate) use certgate_core::domain::headers as owned;
pub(crate) use certgate_test_rig::{admin, client, pki, registry, request};
