//! A checked tree, lowered to the model.

use std::collections::BTreeMap;

use super::components::{self, texts};
use super::guardrails::{self, GUARDRAILS};
use super::shapes::{BLUEPRINT, COMPONENTS};
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::model::{
    Access, AccountId, Acknowledgement, BlueprintName, Boundary, Cell, CellName, ComponentName, Entitled, Entitlement,
    EntitlementName, Grant, Guardrail, IdLanguage, Isolation, Member, Model, NameError, Organization, Region, Sharing,
    Strategy, TenantId, Tenants, Tier, TierName,
};
use crate::source::Node;
use crate::source::shape::{self, check_record, variant_of};

/// Lowers a blueprint. Returns nothing when the shape is wrong; the sink says where.
pub fn lower(tree: &Node, sink: &mut Sink) -> Option<Model> {
    let mut shape = Sink::new();
    check_record(tree, &BLUEPRINT, &mut shape);
    let broken = shape.has_errors();
    sink.append(shape);
    if broken {
        return None;
    }
    let mut found = Sink::new();
    let model = Lowering { tree, bundles: bundles(tree, &mut found), sink: &mut found }.model();
    let broken = found.has_errors();
    sink.append(found);
    if broken { None } else { model }
}

/// A name that could not be read, as a finding.
pub(super) fn misnamed(error: NameError, code: &'static crate::diagnostics::Code, origin: &Origin) -> Diagnostic {
    let code = if error.too_long { &codes::ID_NAME_TOO_LONG } else { code };
    Diagnostic::new(code, origin.clone(), error.problem).help(error.help)
}

/// Reads a name with one of the constructors of the model.
fn named<T>(
    node: &Node,
    code: &'static crate::diagnostics::Code,
    make: impl FnOnce(&str) -> Result<T, NameError>,
    sink: &mut Sink,
) -> Option<T> {
    match make(node.text()?) {
        Ok(name) => Some(name),
        Err(error) => {
            sink.push(misnamed(error, code, &node.origin));
            None
        }
    }
}

/// A component's name.
pub(super) fn component_name(node: &Node, sink: &mut Sink) -> Option<ComponentName> {
    named(node, &codes::ID_NAME, ComponentName::new, sink)
}

/// A list of components' names.
pub(super) fn names(node: &Node, key: &str, sink: &mut Sink) -> Vec<ComponentName> {
    let items = node.get(key).and_then(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| component_name(item, sink)).collect()
}

fn bundles<'a>(tree: &'a Node, sink: &mut Sink) -> BTreeMap<&'a str, &'a Node> {
    let mut bundles: BTreeMap<&str, &Node> = BTreeMap::new();
    for bundle in tree.get("bundles").and_then(Node::items).unwrap_or_default() {
        let Some((name, node)) = bundle.get("bundle").and_then(|name| Some((name.text()?, name))) else { continue };
        if let Some(first) = bundles.get(name).and_then(|first| first.get("bundle")) {
            sink.push(twice("bundle", name, &node.origin, &first.origin));
        } else {
            bundles.insert(name, bundle);
        }
    }
    bundles
}

/// Two things of one kind with one name.
pub(super) fn twice(kind: &str, name: &str, again: &Origin, first: &Origin) -> Diagnostic {
    Diagnostic::new(&codes::ID_DUPLICATE, again.clone(), format!("the {kind} `{name}` stands twice"))
        .label("again here")
        .also(first.clone(), "first here")
        .help("rename one of them")
}

struct Lowering<'a> {
    tree: &'a Node,
    bundles: BTreeMap<&'a str, &'a Node>,
    sink: &'a mut Sink,
}

impl Lowering<'_> {
    fn text(&self, key: &str) -> Option<String> {
        self.tree.get(key).and_then(Node::text).map(str::to_owned)
    }

    fn model(mut self) -> Option<Model> {
        let tree = self.tree;
        let name = tree.get("blueprint").and_then(|name| named(name, &codes::ID_NAME, BlueprintName::new, self.sink));
        let ids = match tree.get("ids").and_then(|ids| ids.get("pattern")) {
            Some(pattern) => named(pattern, &codes::ID_LANGUAGE, IdLanguage::new, self.sink).unwrap_or_default(),
            None => IdLanguage::default(),
        };
        let cells = items(tree, "cells").iter().filter_map(|cell| self.cell(cell, &ids)).collect();
        let tiers: Vec<Tier> = items(tree, "tiers").iter().filter_map(|tier| self.tier(tier)).collect();
        let tenants = match tree.get("tenants") {
            Some(node) => match node.get("from") {
                Some(from) => Tenants::File { path: from.text()?.to_owned(), origin: from.origin.clone() },
                None => {
                    // A tenant of a tier that cannot be read is not in a tier that does not exist.
                    let unread: Vec<&str> = items(tree, "tiers")
                        .iter()
                        .filter_map(|tier| tier.get("tier")?.text())
                        .filter(|name| !tiers.iter().any(|tier| tier.name.as_str() == *name))
                        .collect();
                    Tenants::Inline(super::tenants::inline(node, &ids, &tiers, &unread, self.sink))
                }
            },
            None => Tenants::Inline(Vec::new()),
        };
        let organization = tree.get("organization");
        let of_organization =
            |key: &str| organization.and_then(|node| node.get(key)).and_then(Node::text).map(str::to_owned);
        // Before the name is asked for, so that a bad one hides no other finding.
        let guardrails = self.guardrails(tree);
        let exemptions = guardrails::exemptions(organization, self.sink);
        let model = Model {
            name: name?,
            environment: self.text("environment").unwrap_or_else(|| "prod".to_owned()),
            owner: self.text("owner")?,
            cost_center: self.text("cost_center")?,
            ids,
            organization: Organization { id: of_organization("id"), parent: of_organization("parent") },
            asset_bucket: tree
                .get("assets")
                .and_then(|assets| assets.get("bucket"))
                .and_then(Node::text)
                .map(str::to_owned),
            cells,
            guardrails,
            exemptions,
            tiers,
            tenants,
            acknowledged: items(tree, "acknowledge")
                .iter()
                .filter_map(|entry| {
                    Some(Acknowledgement {
                        code: entry.get("code")?.text()?.to_owned(),
                        reason: entry.get("reason")?.text()?.to_owned(),
                        origin: entry.get("code")?.origin.clone(),
                    })
                })
                .collect(),
            origin: tree.origin.clone(),
        };
        Some(model)
    }

    fn guardrails(&mut self, node: &Node) -> Vec<(Guardrail, Origin)> {
        items(node, "guardrails")
            .iter()
            .filter_map(|entry| {
                let variant = variant_of(entry, GUARDRAILS)?;
                let settings = entry.get(variant.key);
                let guardrail = guardrails::lower(variant.key, settings, entry, self.sink)?;
                Some((guardrail, entry.origin.clone()))
            })
            .collect()
    }

    fn cell(&mut self, node: &Node, ids: &IdLanguage) -> Option<Cell> {
        let name = named(node.get("cell")?, &codes::ID_NAME, CellName::new, self.sink);
        let region = named(node.get("region")?, &codes::ID_REGION, Region::new, self.sink);
        let account = node.get("account").and_then(|id| named(id, &codes::ID_ACCOUNT, AccountId::new, self.sink));
        let tiers = items(node, "tiers")
            .iter()
            .filter_map(|tier| named(tier, &codes::ID_NAME, TierName::new, self.sink))
            .collect();
        let reserved_for = items(node, "reserved_for")
            .iter()
            .filter_map(|tenant| named(tenant, &codes::ID_TENANT, |text| ids.parse(text), self.sink))
            .collect::<Vec<TenantId>>();
        Some(Cell {
            name: name?,
            region: region?,
            account,
            capacity: node.get("capacity").and_then(Node::integer).and_then(|capacity| u32::try_from(capacity).ok()),
            tiers,
            geography: node.get("geography").and_then(Node::text).map(str::to_owned),
            compliance: texts(node, "compliance"),
            reserved_for,
            origin: node.get("cell")?.origin.clone(),
        })
    }

    fn tier(&mut self, node: &Node) -> Option<Tier> {
        let name = named(node.get("tier")?, &codes::ID_NAME, TierName::new, self.sink);
        let isolation = match node.get("isolation")?.text()? {
            "silo" => Isolation::Silo,
            "pool" => Isolation::Pool,
            _ => Isolation::Bridge,
        };
        let boundary = match (node.get("boundary"), isolation) {
            (None, Isolation::Silo) => Boundary::Account,
            (None, Isolation::Bridge) => Boundary::Resource,
            (None, Isolation::Pool) => Boundary::Application,
            (Some(boundary), _) => self.boundary(boundary, isolation),
        };
        let strategy = node.get("placement").and_then(Node::text).and_then(Strategy::parse).unwrap_or(Strategy::Hash);
        let mut entries: Vec<Node> = Vec::new();
        let mut grants: Vec<&Node> = Vec::new();
        for include in items(node, "include") {
            let Some(bundle_name) = include.text() else { continue };
            let Some(bundle) = self.bundles.get(bundle_name).copied() else {
                self.sink.push(
                    Diagnostic::new(
                        &codes::REFERENCE_UNKNOWN_BUNDLE,
                        include.origin.clone(),
                        format!("there is no bundle `{bundle_name}`"),
                    )
                    .did_you_mean(bundle_name, self.bundles.keys().copied())
                    .help("name a bundle that stands under `bundles:`"),
                );
                continue;
            };
            entries.extend(items(bundle, "components").iter().cloned());
            grants.extend(items(bundle, "allow"));
        }
        entries.extend(items(node, "components").iter().cloned());
        grants.extend(items(node, "allow"));

        let shares = self.shares(node, isolation);
        let mut members: Vec<Member> = Vec::new();
        let mut unread: Vec<&str> = Vec::new();
        for entry in &entries {
            let Some(variant) = variant_of(entry, COMPONENTS) else { continue };
            let Some(component) = components::lower(entry, variant.key, self.sink) else {
                unread.extend(entry.get(variant.key).and_then(Node::text));
                continue;
            };
            if let Some(first) = members.iter().find(|member| member.component.name == component.name) {
                self.sink.push(twice("component", component.name.as_str(), &component.origin, &first.component.origin));
                continue;
            }
            let sharing = match isolation {
                Isolation::Silo => Some(Sharing::Siloed),
                Isolation::Pool => Some(Sharing::Pooled),
                Isolation::Bridge => shares.get(component.name.as_str()).map(|(sharing, _)| *sharing),
            };
            members.push(Member { component, sharing });
        }
        self.apply_settings(node, &mut members);
        for (share, (_, origin)) in &shares {
            if !members.iter().any(|member| member.component.name.as_str() == *share) && !unread.contains(share) {
                self.sink.push(unknown_component(share, origin, &members));
            }
        }
        let grants = grants.into_iter().filter_map(|grant| self.grant(grant)).collect();
        let guardrails = self.guardrails(node);
        let entitlements = node.get("entitlements").map(|node| entitlements(node, self.sink)).unwrap_or_default();
        Some(Tier {
            name: name?,
            isolation,
            boundary,
            strategy,
            members,
            grants,
            guardrails,
            entitlements,
            origin: node.get("tier")?.origin.clone(),
        })
    }

    fn boundary(&mut self, node: &Node, isolation: Isolation) -> Boundary {
        let boundary = match node.text() {
            Some("account") => Boundary::Account,
            Some("vpc") => Boundary::Vpc,
            _ => Boundary::Resource,
        };
        let fits = match isolation {
            Isolation::Silo => true,
            Isolation::Bridge => boundary == Boundary::Resource,
            Isolation::Pool => false,
        };
        if !fits {
            self.sink.push(
                Diagnostic::new(
                    &codes::ISOLATION_BOUNDARY,
                    node.origin.clone(),
                    format!("a {} tier cannot have the boundary `{}`", isolation.as_str(), boundary.as_str()),
                )
                .help(match isolation {
                    Isolation::Pool => "take the line out: keys and policies separate the tenants of a pool tier",
                    _ => "take the line out: a bridge tier's tenants share the cell's account",
                }),
            );
        }
        boundary
    }

    /// Puts the tier's own settings over those of its components.
    fn apply_settings(&mut self, node: &Node, members: &mut [Member]) {
        for setting in node.get("set").and_then(Node::entries).unwrap_or_default() {
            let names: Vec<String> = members.iter().map(|member| member.component.name.to_string()).collect();
            match members.iter_mut().find(|member| member.component.name.as_str() == setting.key) {
                None => self.sink.push(
                    Diagnostic::new(
                        &codes::OVERRIDE_UNKNOWN,
                        setting.key_origin.clone(),
                        format!("the tier has no component `{}`", setting.key),
                    )
                    .did_you_mean(&setting.key, names.iter().map(String::as_str))
                    .help("name a component that stands under `components:` of the tier, or in a bundle it includes"),
                ),
                Some(member) => {
                    if let Some(body) = components::overridden(&member.component.body, &setting.value, self.sink) {
                        member.component.body = body;
                    }
                }
            }
        }
    }

    fn shares<'n>(&mut self, node: &'n Node, isolation: Isolation) -> BTreeMap<&'n str, (Sharing, &'n Origin)> {
        let mut shares: BTreeMap<&str, (Sharing, &Origin)> = BTreeMap::new();
        for sharing in [Sharing::Siloed, Sharing::Pooled] {
            let entries = node.entries().unwrap_or_default();
            let Some(entry) = entries.iter().find(|entry| entry.key == sharing.as_str()) else { continue };
            let list = &entry.value;
            if isolation != Isolation::Bridge {
                self.sink.push(
                    Diagnostic::new(
                        &codes::SHAPE_UNKNOWN_KEY,
                        entry.key_origin.clone(),
                        format!(
                            "`{}` is for bridge tiers, and this is a {} tier",
                            sharing.as_str(),
                            isolation.as_str()
                        ),
                    )
                    .help("take it out, or write `isolation: bridge`"),
                );
                continue;
            }
            for item in list.items().unwrap_or_default() {
                let Some(name) = item.text() else { continue };
                match shares.get(name) {
                    Some((_, first)) => self.sink.push(
                        Diagnostic::new(
                            &codes::ISOLATION_SHARED_TWICE,
                            item.origin.clone(),
                            format!("`{name}` is said to be siloed or pooled twice"),
                        )
                        .label("again here")
                        .also((*first).clone(), "first here")
                        .help("keep it in one of the lists"),
                    ),
                    None => {
                        shares.insert(name, (sharing, &item.origin));
                    }
                }
            }
        }
        shares
    }

    fn grant(&mut self, node: &Node) -> Option<Grant> {
        let from = component_name(node.get("from")?, self.sink);
        let to = component_name(node.get("to")?, self.sink);
        let access = Access::parse(node.get("access")?.text()?)?;
        Some(Grant { from: from?, access, to: to?, origin: node.origin.clone() })
    }
}

/// A component that the tier does not have.
pub(super) fn unknown_component(name: &str, origin: &Origin, members: &[Member]) -> Diagnostic {
    Diagnostic::new(&codes::REFERENCE_UNKNOWN_COMPONENT, origin.clone(), format!("the tier has no component `{name}`"))
        .did_you_mean(name, members.iter().map(|member| member.component.name.as_str()))
        .help("name a component that stands under `components:` of the tier, or in a bundle it includes")
}

/// Entitlements by name. A plain number or truth value is one; everything else is text.
pub(super) fn entitlements(node: &Node, sink: &mut Sink) -> BTreeMap<EntitlementName, Entitled> {
    let mut entitlements = BTreeMap::new();
    for entry in node.entries().unwrap_or_default() {
        let name = match EntitlementName::new(&entry.key) {
            Ok(name) => name,
            Err(error) => {
                sink.push(misnamed(error, &codes::ID_NAME, &entry.key_origin));
                continue;
            }
        };
        let node = &entry.value;
        let number = || node.integer().map(Entitlement::Whole).or_else(|| node.number().map(Entitlement::decimal));
        let value = node.truth().map(Entitlement::Truth).or_else(number);
        match value.or_else(|| node.text().map(Entitlement::from)) {
            Some(value) => {
                entitlements.insert(name, Entitled { value, origin: entry.key_origin.clone() });
            }
            // A blueprint has been told already; a line of a tenants' file has not.
            None => shape::check(node, &shape::Kind::Scalar, sink),
        }
    }
    entitlements
}

/// The items of a list, none when there is no list.
pub(super) fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).and_then(Node::items).unwrap_or_default()
}
