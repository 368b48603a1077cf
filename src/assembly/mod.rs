//! Assemblies: the folder that everything ends up in. This is the only reader and the only writer of it.
//!
//! `docs/assembly.md` describes the files. Nothing here knows what a template means: content comes in as bytes.

mod cdk;
mod digest;
mod error;
mod git_sync;
mod lock;
mod manifest;
mod read;
#[cfg(test)]
mod sample;
mod swap;
mod verify;
mod write;

pub use cdk::{CdkArtifact, CdkStack, CdkWriter, MAX_DEPENDENCIES, MAX_DEPTH, read_artifacts};
pub use digest::Digest;
pub use error::{AssemblyError, AssemblyErrorKind};
pub use git_sync::{GIT_SYNC, deployment_file, deployment_path};
pub use manifest::{
    Boundary, CellRecord, Evidence, Fact, FileRecord, Format, Isolation, LedgerEntry, Manifest, Placement, Scope,
    StackRecord, State, TemplateRecord, TenancyRecord, TenantRecord, TenantsRecord, TierPolicies, TierRecord, Verdict,
};
pub use read::{Assembly, Ledger, TenantLines, Tenants};
pub use verify::verify;
pub use write::{Change, Draft, FileWriter, Mode, Outcome};

/// The manifest's name. It is written last, and what makes a folder an assembly.
pub const MANIFEST: &str = "tenantry.json";
/// The name of the file with one line per tenant.
pub const TENANTS: &str = "tenants.jsonl";
/// The name of the declaration of who owns what.
pub const TENANCY: &str = "tenancy.json";
/// The name of the CDK cloud assembly's manifest.
pub const CDK_MANIFEST: &str = "manifest.json";
/// The JSON Schema of [`MANIFEST`].
pub const ASSEMBLY_SCHEMA: &str = include_str!("../../schemas/assembly.schema.json");
/// The JSON Schema of [`TENANCY`].
pub const TENANCY_SCHEMA: &str = include_str!("../../schemas/tenancy.schema.json");
/// The JSON Schema of a line of [`TENANTS`].
pub const TENANT_SCHEMA: &str = include_str!("../../schemas/tenant.schema.json");
