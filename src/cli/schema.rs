//! `tenantry schema`: the JSON Schemas, for editors and for readers of assemblies.

use super::Ending;
use super::args::{self, SchemaOf};
use super::terminal::Terminal;
use crate::assembly::{ASSEMBLY_SCHEMA, TENANCY_SCHEMA, TENANT_SCHEMA};
use crate::blueprint::json_schema;
use crate::diff::report::DIFF_SCHEMA;
use crate::emit::pretty;
use crate::plan::PLAN_SCHEMA;
use crate::preview::PREVIEW_SCHEMA;
use crate::prove::evidence::EVIDENCE_SCHEMA;
use crate::rollout::{ROLLOUT_SCHEMA, settings_schema};

pub(super) fn run(args: &args::Schema, terminal: &Terminal) -> anyhow::Result<Ending> {
    match args.of {
        SchemaOf::Blueprint => terminal.print(&String::from_utf8_lossy(&pretty(&json_schema())))?,
        SchemaOf::Assembly => terminal.print(ASSEMBLY_SCHEMA)?,
        SchemaOf::Tenancy => terminal.print(TENANCY_SCHEMA)?,
        SchemaOf::Tenant => terminal.print(TENANT_SCHEMA)?,
        SchemaOf::Evidence => terminal.print(EVIDENCE_SCHEMA)?,
        SchemaOf::Preview => terminal.print(PREVIEW_SCHEMA)?,
        SchemaOf::Diff => terminal.print(DIFF_SCHEMA)?,
        SchemaOf::Rollout => terminal.print(ROLLOUT_SCHEMA)?,
        SchemaOf::RolloutSettings => terminal.print(&String::from_utf8_lossy(&pretty(&settings_schema())))?,
        SchemaOf::Plan => terminal.print(PLAN_SCHEMA)?,
    }
    Ok(Ending::Fine)
}
