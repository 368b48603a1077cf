//! tenantry
pub mod cfn;
pub mod cli;
pub mod diagnostics;
pub mod model;
pub mod source;
pub mod blueprint;
