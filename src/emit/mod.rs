//! From graphs to bytes: templates with parameters, and templates with a tenant's values filled in.

mod expand;
mod template;
mod yaml;

pub use expand::{Expander, escaped};
pub use template::{Template, template};
pub use yaml::yaml;

use serde::Serialize;

/// JSON as tenantry writes it: one space a level, one final newline.
#[must_use]
pub fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut bytes, serde_json::ser::PrettyFormatter::with_indent(b" "));
    // Writing JSON text keys into memory cannot fail.
    let _ = value.serialize(&mut serializer);
    bytes.push(b'\n');
    bytes
}
