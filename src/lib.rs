//! tenantry
pub mod cfn;
pub mod diagnostics;
pub mod model;
