//! Placement: which cell a tenant lives in.
//!
//! A pure function of the model and of an earlier assembly's ledger. Whoever is in the ledger stays where it is;
//! somebody who is not is placed where there is room. So nobody is ever moved by somebody else's arrival. A
//! tenant that may no longer be where it is, and a cell that is gone, are findings: moving a tenant takes a plan,
//! not a new run.

use std::collections::BTreeMap;

use crate::diagnostics::{Diagnostic, codes};
use crate::facts::Facts;
use crate::model::{AccountId, Boundary, Cell, CellName, Model, Region, Strategy, Tenant, TenantId, Tier, naming};

/// Where the ledger says a tenant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier<'a> {
    /// The cell it is in.
    pub cell: &'a str,
    /// The strategy that put it there.
    pub strategy: Strategy,
    /// Why.
    pub reason: &'a str,
}

/// Where a tenant lives.
#[derive(Debug, Clone)]
pub struct Placed<'m> {
    /// The cell.
    pub cell: &'m Cell,
    /// The account of its own stack; unknown until it is vended.
    pub account: Option<AccountId>,
    /// The strategy that chose.
    pub strategy: Strategy,
    /// Why this cell, in a few words.
    pub reason: String,
}

impl Placed<'_> {
    /// The region of its stacks.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.cell.region
    }
}

/// Places tenants one after another, in the order of their ids.
#[derive(Debug)]
pub struct Placer<'m> {
    model: &'m Model,
    geographies: BTreeMap<&'m CellName, String>,
    fingerprints: Vec<u64>,
    load: Vec<u64>,
}

impl<'m> Placer<'m> {
    /// A placer for the cells of a model, all of them empty.
    #[must_use]
    pub fn new(model: &'m Model, facts: &Facts) -> Self {
        let geography = |cell: &Cell| {
            let of_region = || facts.region(cell.region.as_str()).map(|region| region.geography.clone());
            cell.geography.clone().or_else(|| of_region().ok()).unwrap_or_default()
        };
        Self {
            model,
            geographies: model.cells.iter().map(|cell| (&cell.name, geography(cell))).collect(),
            fingerprints: model.cells.iter().map(|cell| naming::fingerprint(&["place", cell.name.as_str()])).collect(),
            load: vec![0; model.cells.len()],
        }
    }

    /// Counts a tenant of the ledger before anybody is placed, so that a newcomer does not take its room.
    pub fn occupy(&mut self, cell: &str) {
        if let Some(load) = self.index(cell).and_then(|index| self.load.get_mut(index)) {
            *load += 1;
        }
    }

    /// How many tenants each cell holds, in the order of the model.
    #[must_use]
    pub fn load(&self) -> &[u64] {
        &self.load
    }

    fn index(&self, cell: &str) -> Option<usize> {
        self.model.cells.iter().position(|candidate| candidate.name.as_str() == cell)
    }

    /// The place of a tenant. One of the ledger must have been counted with [`Placer::occupy`] before.
    ///
    /// # Errors
    /// A finding, if no cell may hold the tenant, if those that may are full, or if it may no longer be where it is.
    pub fn place(
        &mut self,
        tenant: &Tenant,
        tier: &Tier,
        earlier: Option<Earlier<'_>>,
    ) -> Result<Placed<'m>, Box<Diagnostic>> {
        if let Some(earlier) = earlier {
            return self.keep(tenant, tier, earlier);
        }
        let allowed: Vec<(usize, &'m Cell)> = self
            .model
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| self.obstacle(tenant, tier, cell).is_none())
            .collect();
        if allowed.is_empty() {
            return Err(Box::new(self.no_cell(tenant, tier)));
        }
        let roomy: Vec<(usize, &'m Cell)> =
            allowed.iter().copied().filter(|(index, cell)| self.has_room(*index, cell)).collect();
        let Some(((index, cell), reason)) = self.choose(tenant, tier, &roomy) else {
            return Err(Box::new(full(tenant, tier, &allowed)));
        };
        if let Some(load) = self.load.get_mut(index) {
            *load += 1;
        }
        Ok(Placed { cell, account: account(tenant, tier, cell), strategy: tier.strategy, reason })
    }

    fn keep(&self, tenant: &Tenant, tier: &Tier, earlier: Earlier<'_>) -> Result<Placed<'m>, Box<Diagnostic>> {
        let Some(cell) = self.index(earlier.cell).and_then(|index| self.model.cells.get(index)) else {
            return Err(Box::new(
                Diagnostic::new(
                    &codes::PLACEMENT_CELL_REMOVED,
                    tenant.origin.clone(),
                    format!("tenant `{}` is in cell `{}`, which the blueprint no longer has", tenant.id, earlier.cell),
                )
                .help(format!("keep `{}` until its tenants have been moved", earlier.cell)),
            ));
        };
        if let Some(obstacle) = self.obstacle(tenant, tier, cell) {
            return Err(Box::new(
                Diagnostic::new(
                    &codes::PLACEMENT_NOT_ALLOWED,
                    tenant.origin.clone(),
                    format!("tenant `{}` is in cell `{}`, but {obstacle}", tenant.id, cell.name),
                )
                .also(cell.origin.clone(), "it is in this cell")
                .help("a tenant that lives somewhere is not moved by a run: change the cell or the tenant back, or plan its move"),
            ));
        }
        Ok(Placed {
            cell,
            account: account(tenant, tier, cell),
            strategy: earlier.strategy,
            reason: earlier.reason.to_owned(),
        })
    }

    /// Why a cell may not hold a tenant; nothing if it may.
    fn obstacle(&self, tenant: &Tenant, tier: &Tier, cell: &Cell) -> Option<String> {
        if let Some(wanted) = &tenant.cell
            && *wanted != cell.name
        {
            return Some(format!("it asks for cell `{wanted}`"));
        }
        if !cell.tiers.is_empty() && !cell.tiers.contains(&tier.name) {
            return Some(format!("the cell does not serve tier `{}`", tier.name));
        }
        if !cell.reserved_for.is_empty() && !cell.reserved_for.contains(&tenant.id) {
            return Some("the cell is reserved for others".to_owned());
        }
        if !tenant.residency.is_empty() && !tenant.residency.contains(&cell.region) {
            let regions: Vec<String> = tenant.residency.iter().map(|region| format!("`{region}`")).collect();
            return Some(format!("its data may only be in {}", regions.join(", ")));
        }
        let geography = self.geographies.get(&cell.name).map_or("", String::as_str);
        if let Some(wanted) = &tenant.geography
            && wanted != geography
        {
            return Some(format!("it belongs to geography `{wanted}`"));
        }
        if let Some(missing) = tenant.compliance.iter().find(|need| !cell.compliance.contains(need)) {
            return Some(format!("the cell does not comply with `{missing}`"));
        }
        match tier.strategy {
            Strategy::Tier if !cell.tiers.contains(&tier.name) => {
                Some(format!("placement `tier` wants a cell that names tier `{}` itself", tier.name))
            }
            Strategy::Dedicated if !cell.reserved_for.contains(&tenant.id) => {
                Some("placement `dedicated` wants a cell that is reserved for it".to_owned())
            }
            Strategy::Geography if tenant.geography.is_none() => {
                Some("placement `geography` wants a tenant that says its geography".to_owned())
            }
            _ => None,
        }
    }

    fn has_room(&self, index: usize, cell: &Cell) -> bool {
        let load = self.load.get(index).copied().unwrap_or(u64::MAX);
        cell.capacity.is_none_or(|capacity| load < u64::from(capacity))
    }

    /// How full a cell is, in parts of a million; a cell without bound counts tenants instead.
    fn fill(&self, index: usize, cell: &Cell) -> u64 {
        let load = self.load.get(index).copied().unwrap_or(u64::MAX);
        match cell.capacity {
            Some(capacity) => load.saturating_mul(1_000_000) / u64::from(capacity.max(1)),
            None => load,
        }
    }

    fn choose(&self, tenant: &Tenant, tier: &Tier, roomy: &[(usize, &'m Cell)]) -> Option<((usize, &'m Cell), String)> {
        let emptiest = |among: &[(usize, &'m Cell)]| {
            among.iter().copied().min_by_key(|(index, cell)| (self.fill(*index, cell), &cell.name))
        };
        if tenant.cell.is_some() {
            return roomy.first().map(|chosen| (*chosen, "the tenant names the cell".to_owned()));
        }
        match tier.strategy {
            Strategy::Hash => {
                let of_tenant = naming::fingerprint(&["place", tenant.id.as_str()]);
                roomy
                    .iter()
                    .copied()
                    .max_by_key(|(index, cell)| {
                        (mix(of_tenant ^ self.fingerprints.get(*index).copied().unwrap_or(0)), &cell.name)
                    })
                    .map(|chosen| (chosen, "highest hash of tenant and cell".to_owned()))
            }
            Strategy::Capacity => emptiest(roomy).map(|chosen| (chosen, "most room".to_owned())),
            Strategy::Tier => emptiest(roomy).map(|chosen| (chosen, format!("serves tier {}", tier.name))),
            Strategy::Geography => {
                let geography = tenant.geography.as_deref().unwrap_or("");
                emptiest(roomy).map(|chosen| (chosen, format!("most room in geography {geography}")))
            }
            Strategy::Compliance => {
                let fewest = roomy.iter().map(|(_, cell)| cell.compliance.len()).min()?;
                let tight: Vec<_> = roomy.iter().copied().filter(|(_, cell)| cell.compliance.len() == fewest).collect();
                emptiest(&tight).map(|chosen| (chosen, "complies with what is needed and least beyond".to_owned()))
            }
            Strategy::Dedicated => roomy.first().map(|chosen| (*chosen, "reserved for the tenant".to_owned())),
        }
    }

    fn no_cell(&self, tenant: &Tenant, tier: &Tier) -> Diagnostic {
        let mut finding = Diagnostic::new(
            &codes::PLACEMENT_NO_CELL,
            tenant.origin.clone(),
            format!("no cell may hold tenant `{}` of tier `{}`", tenant.id, tier.name),
        );
        for cell in self.model.cells.iter().take(5) {
            if let Some(obstacle) = self.obstacle(tenant, tier, cell) {
                finding = finding.also(cell.origin.clone(), format!("not `{}`: {obstacle}", cell.name));
            }
        }
        finding.help("add a cell that fits, or change what the tenant asks for")
    }
}

/// Scatters bits evenly: the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
/// Generators, 2014).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn account(tenant: &Tenant, tier: &Tier, cell: &Cell) -> Option<AccountId> {
    if tier.boundary == Boundary::Account { tenant.account.clone() } else { cell.account.clone() }
}

fn full(tenant: &Tenant, tier: &Tier, allowed: &[(usize, &Cell)]) -> Diagnostic {
    let mut finding = Diagnostic::new(
        &codes::PLACEMENT_CELL_FULL,
        tenant.origin.clone(),
        format!("every cell that may hold tenant `{}` of tier `{}` is full", tenant.id, tier.name),
    );
    for (_, cell) in allowed.iter().take(5) {
        let capacity = cell.capacity.unwrap_or(0);
        finding = finding.also(cell.origin.clone(), format!("`{}` holds {capacity} tenants at most", cell.name));
    }
    finding.help("add a cell, or raise a capacity")
}

/// Whether the ids of two tenants make the same names, which the digests are long enough to make unlikely. Eight
/// bytes for each tenant are all that is kept.
#[derive(Debug, Default)]
pub struct Digests {
    seen: Vec<u64>,
}

impl Digests {
    /// The digest of a tenant in its cell, kept for [`Digests::has_collision`].
    pub fn of(&mut self, model: &Model, cell: &CellName, tenant: &TenantId) -> u64 {
        let bits = naming::tenant_fingerprint(model, cell, tenant);
        self.seen.push(bits);
        bits
    }

    /// Whether two tenants have the same digest.
    #[must_use]
    pub fn has_collision(mut self) -> bool {
        self.seen.sort_unstable();
        self.seen.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::lower;
    use crate::diagnostics::{Sink, SourceMap};
    use crate::model::Tenants;
    use crate::source::read;

    const CELLS: &str = "
  - { cell: eu-1, region: eu-west-1, account: '111111111111', capacity: 2, compliance: [gdpr] }
  - { cell: eu-2, region: eu-central-1, account: '111111111112', capacity: 4, compliance: [gdpr, c5], tiers: [gold] }
  - { cell: us-1, region: us-east-1, account: '111111111113', capacity: 4, compliance: [hipaa] }
  - { cell: own, region: us-east-1, account: '111111111114', reserved_for: [acme] }";

    fn model(strategy: &str, cells: &str, tenants: &[&str]) -> Model {
        let tenants: String = tenants.iter().map(|rest| format!("  - {{ tier: gold, tenant: {rest} }}\n")).collect();
        let text = format!(
            "tenantry: 1\nblueprint: shop\nowner: o\ncost_center: c\ncells:{cells}\ntiers:\n  - {{ tier: gold, isolation: pool, placement: {strategy} }}\ntenants:\n{tenants}"
        );
        let mut sink = Sink::new();
        let tree = read("test.yaml", text.as_bytes(), &mut SourceMap::default(), &mut sink).unwrap();
        lower(&tree, &mut sink).unwrap_or_else(|| panic!("{:?}", sink.into_sorted()))
    }

    /// The cell of each tenant, or the code of the finding.
    fn placed(model: &Model) -> Vec<String> {
        let facts = Facts::shipped().unwrap();
        let mut placer = Placer::new(model, &facts);
        let Tenants::Inline(tenants) = &model.tenants else { panic!() };
        tenants
            .iter()
            .map(|tenant| match placer.place(tenant, &model.tiers[0], None) {
                Ok(placed) => placed.cell.name.to_string(),
                Err(finding) => finding.code.name.to_owned(),
            })
            .collect()
    }

    #[test]
    fn constraints_hold_whatever_the_strategy() {
        for strategy in ["hash", "capacity"] {
            let model = model(
                strategy,
                CELLS,
                &[
                    "t1, region: eu-central-1",
                    "t2, compliance: [hipaa]",
                    "t3, geography: us",
                    "t4, cell: eu-1",
                    "t5, region: ap-south-1",
                ],
            );
            assert_eq!(placed(&model), ["eu-2", "us-1", "us-1", "eu-1", "placement/no-cell"], "{strategy}");
        }
    }

    #[test]
    fn capacity_fills_evenly_and_stops_when_full() {
        let cells = "\n  - { cell: a, region: eu-west-1, account: '111111111111', capacity: 1 }\n  - { cell: b, region: eu-west-1, account: '111111111112', capacity: 2 }";
        let model = model("capacity", cells, &["t1", "t2", "t3", "t4"]);
        assert_eq!(placed(&model), ["a", "b", "b", "placement/cell-full"]);
    }

    #[test]
    fn each_strategy_finds_its_cell() {
        assert_eq!(placed(&model("tier", CELLS, &["t1"])), ["eu-2"]);
        assert_eq!(placed(&model("dedicated", CELLS, &["acme", "t1"])), ["own", "placement/no-cell"]);
        assert_eq!(placed(&model("geography", CELLS, &["t1, geography: eu", "t2"])), ["eu-1", "placement/no-cell"]);
        assert_eq!(
            placed(&model("compliance", CELLS, &["t1, compliance: [gdpr]", "t2, compliance: [gdpr, c5]"])),
            ["eu-1", "eu-2"]
        );
    }

    #[test]
    fn a_hash_spreads_and_does_not_depend_on_the_others() {
        let cells = "\n  - { cell: a, region: eu-west-1, account: '111111111111' }\n  - { cell: b, region: eu-west-1, account: '111111111112' }\n  - { cell: c, region: eu-west-1, account: '111111111113' }";
        let names: Vec<String> = (0..300).map(|number| format!("tenant-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let all = placed(&model("hash", cells, &names));
        for cell in ["a", "b", "c"] {
            let share = all.iter().filter(|placed| *placed == cell).count();
            assert!((60..140).contains(&share), "{cell}: {share}");
        }
        assert_eq!(placed(&model("hash", cells, &names[7..8])), all[7..8]);
    }

    #[test]
    fn who_is_placed_stays_and_who_may_not_is_a_finding() {
        let facts = Facts::shipped().unwrap();
        let model = model("capacity", CELLS, &["t1", "t2, region: us-east-1", "t3"]);
        let Tenants::Inline(tenants) = &model.tenants else { panic!() };
        let mut placer = Placer::new(&model, &facts);
        let earlier = |cell| Some(Earlier { cell, strategy: Strategy::Hash, reason: "as before" });
        placer.occupy("eu-1");
        let kept = placer.place(&tenants[0], &model.tiers[0], earlier("eu-1")).unwrap();
        assert_eq!(
            (kept.cell.name.as_str(), kept.strategy, kept.reason.as_str()),
            ("eu-1", Strategy::Hash, "as before")
        );
        let code = |found: Result<Placed<'_>, Box<Diagnostic>>| found.unwrap_err().code.name;
        assert_eq!(code(placer.place(&tenants[1], &model.tiers[0], earlier("eu-2"))), "placement/not-allowed");
        assert_eq!(code(placer.place(&tenants[2], &model.tiers[0], earlier("gone"))), "placement/cell-removed");
        assert_eq!(placer.load(), [1, 0, 0, 0], "the one that was counted, and no newcomer");
    }

    #[test]
    fn two_tenants_with_one_digest_are_noticed() {
        assert!(Digests { seen: vec![3, 1, 3] }.has_collision());
        assert!(!Digests { seen: vec![3, 1, 2] }.has_collision());
    }
}
