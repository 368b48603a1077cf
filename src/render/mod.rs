//! How parts of the model become CloudFormation resources and policy statements.

pub mod guardrails;
pub mod organization;
