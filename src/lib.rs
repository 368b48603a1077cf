//! tenantry
pub mod assembly;
pub mod cfn;
pub mod diagnostics;
pub mod model;
pub mod source;
