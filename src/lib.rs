//! tenantry
pub mod cfn;
pub mod diagnostics;
pub mod model;
pub mod source;
pub mod blueprint;
