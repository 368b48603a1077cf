//! Only a check makes `Checked`, the key to synthesis.
use tenantry::check::Checked;

fn main() {
    let _ = Checked {};
}
