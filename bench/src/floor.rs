//! From numbers of tenants to files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use serde_json::ser::PrettyFormatter;
use tenantry::cfn::policy::{Operator, Scp, Statement, place};

use crate::resources::{Names, Resources};

/// The tiers of the workload, and with them its guardrails.
pub const TIERS: [&str; 3] = ["bronze", "silver", "gold"];

const REGIONS: [&str; 2] = ["eu-central-1", "us-east-1"];

/// A tenant of the workload.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: String,
    /// Its tier.
    pub tier: &'static str,
    /// The cell it is in.
    pub cell: &'static str,
    /// The cost centre tag.
    pub cost_center: &'static str,
}

/// The tenant of a number.
#[must_use]
pub fn tenant(number: usize) -> Tenant {
    Tenant {
        id: format!("tenant-{number:06}"),
        tier: TIERS.get(number % TIERS.len()).copied().unwrap_or("bronze"),
        cell: if number.is_multiple_of(2) { "eu1" } else { "us1" },
        cost_center: "cc-100",
    }
}

/// What a run wrote.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

struct Template<'a> {
    tenant: &'a Tenant,
    names: &'a Names,
}

impl Serialize for Template<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut template = serializer.serialize_struct("Template", 3)?;
        template.serialize_field("AWSTemplateFormatVersion", "2010-09-09")?;
        template.serialize_field("Description", "What a tenant has to itself")?;
        template.serialize_field("Resources", &Resources { tenant: self.tenant, names: self.names })?;
        template.end()
    }
}

fn pretty(value: &impl Serialize, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.clear();
    let formatter = PrettyFormatter::with_indent(b" ");
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut *buffer, formatter))?;
    buffer.push(b'\n');
    Ok(())
}

/// Builds a tenant's resources and serializes its template into the buffer.
///
/// # Errors
/// Never for the resources of the workload.
pub fn render(tenant: &Tenant, names: &Names, buffer: &mut Vec<u8>) -> io::Result<()> {
    pretty(&Template { tenant, names }, buffer)
}

/// Serializes the policy of a tier's accounts into the buffer.
///
/// # Errors
/// Never for the policies of the workload.
pub fn guardrail(buffer: &mut Vec<u8>) -> io::Result<()> {
    let open = ["cloudfront:*", "iam:*", "kms:*", "organizations:*", "route53:*", "sts:*", "support:*"];
    let deny = Statement::<place::ServiceControl>::deny_all_but(open).sid("Regions").when(
        Operator::StringNotEquals,
        "aws:RequestedRegion",
        REGIONS,
    );
    pretty(&Scp::new(vec![deny]), buffer)
}

/// Writes the workload of a number of tenants into a folder, which is made.
///
/// # Errors
/// If a file cannot be written.
pub fn run(count: usize, folder: &Path) -> io::Result<Totals> {
    fs::create_dir_all(folder)?;
    let names = Names::new();
    let mut buffer = Vec::with_capacity(1 << 16);
    let mut totals = Totals::default();
    let mut put = |name: String, bytes: &[u8]| {
        totals.files += 1;
        totals.bytes += bytes.len() as u64;
        File::create_new(folder.join(name))?.write_all(bytes)
    };
    for tier in TIERS {
        guardrail(&mut buffer)?;
        put(format!("{tier}.scp.json"), &buffer)?;
    }
    for number in 0..count {
        let tenant = tenant(number);
        render(&tenant, &names, &mut buffer)?;
        put(format!("{}.json", tenant.id), &buffer)?;
    }
    Ok(totals)
}
