//! A small assembly for tests.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use super::*;

/// What goes into an assembly: so many tenants of one tier, each with a stack of its own and one that is shared.
pub(super) struct Sample {
    pub(super) tenants: usize,
    pub(super) template: &'static [u8],
    pub(super) extra: Vec<(String, Vec<u8>)>,
}

pub(super) fn sample(tenants: usize) -> Sample {
    Sample { tenants, template: b"{\"Resources\":{}}\n", extra: Vec::new() }
}

const SILO: &str = "templates/enterprise.template.json";
const CELL: &str = "templates/enterprise-cell.template.json";
const ID_PATTERN: &str = "^[a-z0-9][a-z0-9-]{1,30}$";

pub(super) fn stack(
    name: String,
    template: &'static str,
    sha256: Digest,
    tenant: Option<&str>,
) -> StackRecord<'static> {
    let depends_on = if tenant.is_some() { vec!["orders-cell-eu-1".into()] } else { Vec::new() };
    let parameters = tenant.map(|tenant| ("TenantId".into(), tenant.to_owned().into()));
    StackRecord {
        name: name.into(),
        template: template.into(),
        sha256,
        account: tenant.is_none().then(|| "123456789012".into()),
        region: "eu-west-1".into(),
        parameters: parameters.into_iter().collect(),
        tags: BTreeMap::from([("product".into(), "orders".into())]),
        depends_on,
    }
}

pub(super) fn tenant(id: &str, sha256: Digest) -> TenantRecord<'static> {
    TenantRecord {
        tenant: id.to_owned().into(),
        name: Some("Acme & Söhne \"GmbH\"".into()),
        tier: "enterprise".into(),
        isolation: Isolation::Silo,
        state: State::Active,
        cell: "eu-1".into(),
        account: None,
        region: "eu-west-1".into(),
        placement: Placement { strategy: "region".into(), reason: "the only cell in \"eu-west-1\"".into() },
        label: id.to_owned().into(),
        digest: "0a1b2c3d".into(),
        stacks: vec![stack(format!("orders-{id}"), SILO, sha256, Some(id))],
        shared_stacks: vec!["orders-cell-eu-1".into()],
        tags: BTreeMap::from([("tenant".into(), Cow::Owned(id.to_owned()))]),
        residency: Vec::new(),
        entitlements: BTreeMap::new(),
        legal_hold: false,
    }
}

pub(super) fn id(number: usize) -> String {
    format!("t-{number:06}")
}

impl Sample {
    /// Puts everything into a draft and returns the manifest for it.
    pub(super) fn fill(&self, draft: &Draft) -> Result<Manifest, AssemblyError> {
        let silo = draft.put(SILO, self.template)?;
        let cell = draft.put(CELL, b"{\"Resources\":{\"Cell\":{}}}\n")?;
        let declaration = serde_json::json!({
            "tenancy": 1,
            "ids": {"pattern": ID_PATTERN},
            "templates": [{"template": SILO, "scope": "tenant"}, {"template": CELL, "scope": "shared"}],
        });
        let tenancy = draft.put(TENANCY, format!("{declaration}\n").as_bytes())?;
        for (path, bytes) in &self.extra {
            draft.put(path, bytes)?;
        }
        let shared = stack("orders-cell-eu-1".to_owned(), CELL, cell, None);
        let stream = |path| draft.stream(path).map_err(std::io::Error::from);
        let streams = || -> std::io::Result<Digest> {
            let mut tenants = stream(TENANTS)?;
            let mut cdk = CdkWriter::new(stream(CDK_MANIFEST)?)?;
            cdk.stack(&CdkStack {
                record: &shared,
                display_name: None,
                termination_protection: true,
                dependencies: &[],
            })?;
            for number in 0..self.tenants {
                let record = tenant(&id(number), silo);
                record.write_line(&mut tenants)?;
                for stack in &record.stacks {
                    let display = format!("tenants/{}", record.tenant);
                    cdk.stack(&CdkStack {
                        record: stack,
                        display_name: Some(&display),
                        termination_protection: false,
                        dependencies: &["orders-cell-eu-1"],
                    })?;
                }
            }
            let mut out = cdk.finish()?;
            out.flush()?;
            out.finish()?;
            Ok(tenants.finish()?)
        };
        let sha256 = streams().map_err(AssemblyError::io("write", TENANTS))?;
        let template = |path: &str, sha256, scope, parameters: &[&str]| TemplateRecord {
            path: path.to_owned(),
            sha256,
            tier: "enterprise".to_owned(),
            scope,
            variant: None,
            parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
            resources: 0,
            bytes: 16,
        };
        let count = self.tenants as u64;
        Ok(Manifest {
            format: Format,
            blueprint: "orders".to_owned(),
            environment: "prod".to_owned(),
            id_pattern: ID_PATTERN.to_owned(),
            expanded: false,
            tiers: vec![TierRecord {
                tier: "enterprise".to_owned(),
                isolation: Isolation::Silo,
                boundary: Boundary::Account,
                tenants: count,
                cell_template: Some(CELL.to_owned()),
                tenant_template: Some(SILO.to_owned()),
                policies: TierPolicies::default(),
            }],
            cells: vec![CellRecord {
                cell: "eu-1".to_owned(),
                region: "eu-west-1".to_owned(),
                account: Some("123456789012".to_owned()),
                tenants: count,
                capacity: Some(100),
                stacks: vec![shared.clone()],
            }],
            templates: vec![template(SILO, silo, Scope::Tenant, &["TenantId"]), template(CELL, cell, Scope::Cell, &[])],
            tenants: TenantsRecord { path: TENANTS.to_owned(), count, sha256 },
            tenancy: TenancyRecord { path: TENANCY.to_owned(), sha256: tenancy },
            evidence: Evidence { verdict: Verdict::NotProved, path: None },
            facts: vec![Fact { name: "limits".to_owned(), date: "2026-10-01".to_owned() }],
            files: Vec::new(),
        })
    }

    pub(super) fn write(&self, target: &std::path::Path, mode: Mode) -> Result<Outcome, AssemblyError> {
        let draft = Draft::begin(target, mode)?;
        let manifest = self.fill(&draft)?;
        draft.finish(manifest)
    }
}
