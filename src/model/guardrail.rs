//! placeholder until the branch lands
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guardrail { DenyRoot }
#[derive(Debug, Clone, Default)]
pub struct Exemptions;
