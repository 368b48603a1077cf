//! From graphs to bytes: templates with parameters, and templates with a tenant's values filled in.

mod expand;
mod template;
mod yaml;

pub use expand::{Expander, escaped};
pub use template::{Template, template};
pub use yaml::yaml;

use std::io::{self, Write};

use serde::Serialize;

/// JSON as tenantry writes it: one space a level, one final newline.
#[must_use]
pub fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing JSON text keys into memory cannot fail.
    let _ = write_pretty(value, &mut bytes);
    bytes
}

/// Writes what [`pretty`] gives, without holding it in memory.
pub(crate) fn write_pretty(value: &impl Serialize, mut writer: impl Write) -> io::Result<()> {
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut writer, formatter))?;
    writer.write_all(b"\n")
}
