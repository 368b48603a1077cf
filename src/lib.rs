//! tenantry
pub mod cfn;
pub mod cli;
pub mod diagnostics;
pub mod model;
