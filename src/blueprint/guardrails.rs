//! The YAML surface of guardrails.
use crate::source::shape::Variant;
pub(super) static GUARDRAILS: &[Variant] = &[];
