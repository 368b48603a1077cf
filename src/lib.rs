//! tenantry
pub mod cfn;
pub mod diagnostics;
pub mod facts;
pub mod model;
pub mod passes;
pub mod render;
