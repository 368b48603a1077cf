//! The blueprint: everything the author says, and the way to the model.

use std::panic::Location;

use super::draft::{Place, Said, misnamed, origin};
use super::guardrail::Guardrail;
use super::handle::Mark;
use super::isolation::Isolation;
use super::organization::{Cell, Exempt, TenantBuilder, TenantDraft};
use super::tier::{Tier, TierDraft};
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::model::guardrail::RolePattern;
use crate::model::{Acknowledgement, BlueprintName, Exemptions, IdLanguage, Model, Organization, Tenants};

/// A tier of a blueprint, to put tenants into.
#[derive(Debug, Clone, Copy)]
pub struct TierRef(pub(super) Mark);

/// A multi-tenant product on AWS, described in Rust.
///
/// ```
/// use tenantry::prelude::*;
///
/// let mut orders = Blueprint::new("orders");
/// orders.owner("team-orders").cost_center("cc-1001");
/// orders.cell(Cell::new("eu-1", "eu-west-1").account("222222222222"));
///
/// let mut tier = Tier::pool("basic");
/// tier.add(Table::new("Orders").partition_by(TenantKey::attribute("tenant_id")));
/// let basic = orders.tier(tier);
/// orders.tenant("acme", basic);
///
/// let (model, findings) = orders.lower();
/// assert!(findings.is_empty());
/// assert_eq!(model.unwrap().tiers.len(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct Blueprint {
    name: Said<String>,
    environment: String,
    owner: Option<String>,
    cost_center: Option<String>,
    ids: Option<Said<String>>,
    organization: Organization,
    asset_bucket: Option<String>,
    cells: Vec<Cell>,
    guardrails: Vec<Guardrail>,
    exempt: Vec<(Exempt, Said<String>)>,
    tiers: Vec<TierDraft>,
    tenants: Vec<TenantDraft>,
    tenants_from: Vec<Said<String>>,
    acknowledged: Vec<Acknowledgement>,
    first_tenant: Option<Place>,
}

impl Blueprint {
    /// A blueprint of a product's name. It needs an owner, a cost centre, a cell and a tier before it lowers.
    #[must_use]
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Said::new(name.into(), Location::caller()),
            environment: "prod".to_owned(),
            owner: None,
            cost_center: None,
            ids: None,
            organization: Organization::default(),
            asset_bucket: None,
            cells: Vec::new(),
            guardrails: Vec::new(),
            exempt: Vec::new(),
            tiers: Vec::new(),
            tenants: Vec::new(),
            tenants_from: Vec::new(),
            acknowledged: Vec::new(),
            first_tenant: None,
        }
    }

    /// Sets the environment; `prod` by default.
    pub fn environment(&mut self, environment: impl Into<String>) -> &mut Self {
        self.environment = environment.into();
        self
    }

    /// Sets the owner tag.
    pub fn owner(&mut self, owner: impl Into<String>) -> &mut Self {
        self.owner = Some(owner.into());
        self
    }

    /// Sets the cost centre tag.
    pub fn cost_center(&mut self, cost_center: impl Into<String>) -> &mut Self {
        self.cost_center = Some(cost_center.into());
        self
    }

    /// Sets the language of tenant ids; `^[a-z0-9][a-z0-9-]{1,30}$` by default.
    #[track_caller]
    pub fn ids(&mut self, pattern: impl Into<String>) -> &mut Self {
        self.ids = Some(Said::new(pattern.into(), Location::caller()));
        self
    }

    /// Sets the id of the AWS organization the product lives in, such as `o-ab12cd34ef`.
    pub fn organization(&mut self, id: impl Into<String>) -> &mut Self {
        self.organization.id = Some(id.into());
        self
    }

    /// Sets the root or organizational unit under which tiers get their units, such as `r-ab12`.
    pub fn organization_parent(&mut self, unit: impl Into<String>) -> &mut Self {
        self.organization.parent = Some(unit.into());
        self
    }

    /// Puts roles above the guardrails, by name or ARN, beside those of AWS's own tools.
    #[track_caller]
    pub fn exempt<T: Into<String>>(&mut self, why: Exempt, roles: impl IntoIterator<Item = T>) -> &mut Self {
        let place = Location::caller();
        self.exempt.extend(roles.into_iter().map(|role| (why, Said::new(role.into(), place))));
        self
    }

    /// Sets the bucket that function code from files is put into; `${AWS::AccountId}` and `${AWS::Region}` in it are
    /// filled in.
    pub fn asset_bucket(&mut self, bucket: impl Into<String>) -> &mut Self {
        self.asset_bucket = Some(bucket.into());
        self
    }

    /// Adds a cell.
    pub fn cell(&mut self, cell: Cell) -> &mut Self {
        self.cells.push(cell);
        self
    }

    /// Adds a limit of every tier.
    pub fn guardrail(&mut self, guardrail: impl Into<Guardrail>) -> &mut Self {
        self.guardrails.push(guardrail.into());
        self
    }

    /// Adds a tier.
    pub fn tier<I: Isolation>(&mut self, tier: Tier<I>) -> TierRef {
        let reference = TierRef(tier.draft.mark());
        self.tiers.push(tier.draft);
        reference
    }

    /// Adds a tenant to a tier. More can be said about it: `.account("111111111111")`.
    #[track_caller]
    pub fn tenant(&mut self, id: impl Into<String>, tier: TierRef) -> TenantBuilder<'_> {
        let place = Location::caller();
        self.first_tenant.get_or_insert(place);
        let tenant = self.tenants.push_mut(TenantDraft::new(id.into(), tier, place));
        TenantBuilder { tenant, tiers: &self.tiers }
    }

    /// Reads the tenants from a `.jsonl` or `.csv` file of any length.
    #[track_caller]
    pub fn tenants_from(&mut self, path: impl Into<String>) -> &mut Self {
        self.tenants_from.push(Said::new(path.into(), Location::caller()));
        self
    }

    /// Decides to live with a finding, by its code.
    #[track_caller]
    pub fn acknowledge(&mut self, code: impl Into<String>, reason: impl Into<String>) -> &mut Self {
        self.acknowledged.push(Acknowledgement {
            code: code.into(),
            reason: reason.into(),
            origin: origin(Location::caller()),
        });
        self
    }

    /// Lowers the blueprint to the model. Every mistake goes to the sink, at the line of Rust that made it; with an
    /// error there is no model.
    #[must_use]
    pub fn lower(self) -> (Option<Model>, Sink) {
        let mut sink = Sink::new();
        let model = self.model(&mut sink);
        let model = if sink.has_errors() { None } else { model };
        (model, sink)
    }

    fn missing(&self, what: &str, help: &str, sink: &mut Sink) {
        sink.push(
            Diagnostic::new(
                &codes::SHAPE_MISSING_KEY,
                origin(self.name.place),
                format!("the blueprint `{}` has no {what}", self.name.value),
            )
            .help(help),
        );
    }

    fn model(self, sink: &mut Sink) -> Option<Model> {
        if self.owner.is_none() {
            self.missing("owner", "add `.owner(\"…\")` (the owner tag)", sink);
        }
        if self.cost_center.is_none() {
            self.missing("cost centre", "add `.cost_center(\"…\")` (the cost centre tag)", sink);
        }
        if self.cells.is_empty() {
            self.missing("cell", "add `.cell(Cell::new(\"eu-1\", \"eu-west-1\"))`: tenants live in cells", sink);
        }
        if self.tiers.is_empty() {
            self.missing("tier", "add `.tier(Tier::silo(\"enterprise\"))`, or a pool or bridge tier", sink);
        }
        let name = self.name.read(&codes::ID_NAME, BlueprintName::new, sink);
        let ids = self.ids.and_then(|ids| ids.read(&codes::ID_LANGUAGE, IdLanguage::new, sink)).unwrap_or_default();
        let cells = self.cells.into_iter().filter_map(|cell| cell.lower(&ids, sink)).collect();
        let tiers = self.tiers.iter().filter_map(|tier| tier.lower(sink)).collect();
        let guardrails = self.guardrails.into_iter().filter_map(|guardrail| guardrail.lower(sink)).collect();
        let exemptions = exemptions(&self.exempt, sink);
        let tenants: Vec<_> =
            self.tenants.into_iter().filter_map(|tenant| tenant.lower(&ids, &self.tiers, sink)).collect();
        let tenants = match self.tenants_from.as_slice() {
            [] => Tenants::Inline(tenants),
            [from, rest @ ..] => {
                for other in rest.iter().map(|again| again.place).chain(self.first_tenant) {
                    sink.push(
                        Diagnostic::new(
                            &codes::SHAPE_AMBIGUOUS,
                            origin(other),
                            format!("tenants come from the file `{}` already", from.value),
                        )
                        .also(origin(from.place), "said here")
                        .help("put all tenants into one file, or all of them into the blueprint"),
                    );
                }
                Tenants::File { path: from.value.clone(), origin: origin(from.place) }
            }
        };
        Some(Model {
            name: name?,
            environment: self.environment,
            owner: self.owner?,
            cost_center: self.cost_center?,
            ids,
            organization: self.organization,
            asset_bucket: self.asset_bucket,
            cells,
            guardrails,
            exemptions,
            tiers,
            tenants,
            acknowledged: self.acknowledged,
            origin: origin(self.name.place),
        })
    }
}

/// The principals that guardrails leave alone: those of AWS's own tools, and those named beside.
fn exemptions(exempt: &[(Exempt, Said<String>)], sink: &mut Sink) -> Exemptions {
    let mut exemptions = Exemptions::default();
    for (why, role) in exempt {
        let roles = match why {
            Exempt::Deployment => &mut exemptions.deployment,
            Exempt::Audit => &mut exemptions.audit,
            Exempt::BreakGlass => &mut exemptions.break_glass,
        };
        match RolePattern::new(&role.value) {
            Ok(pattern) => {
                roles.insert(pattern);
            }
            Err(error) => sink.push(misnamed(error, &codes::GUARDRAIL_SETTING, role.place)),
        }
    }
    exemptions
}
