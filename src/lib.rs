//! tenantry
pub mod assembly;
pub mod blueprint;
pub mod cfn;
pub mod check;
pub mod cli;
pub mod diagnostics;
pub mod dsl;
pub mod emit;
pub mod facts;
pub mod ir;
pub mod model;
pub mod passes;
pub mod placement;
pub mod prelude;
pub mod render;
pub mod source;
pub mod synth;
