//! tenantry
pub mod cfn;
