//! Two assemblies compared: what becomes of tenants, stacks, cells and the organization's policies.
//!
//! A change that comes to many stacks alike is worked out once. Stacks are taken together when their templates, and what
//! differs in their parameters, are the same; whether they all change alike is asked with values that are not looked at.
//! Only where the outcome hangs on a value is each of them compared for itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::access::{self, PolicyKind};
use super::change::{Access, Action, Data, PropertyChange, ResourceChange};
use super::stack::{Comparer, StackAction, Values, is_unchanged, pairs, parse, tags};
use super::symbolic;
use super::template::{Deployed, TemplateChange, Types, whole};
use super::tenant::{self, TenantGroup};
use super::tree::{Planter, Tree, differences};
use crate::assembly::{
    Assembly, AssemblyError, CellRecord, Digest, Manifest, Scope, StackRecord, TenantLines, TenantRecord, Verdict,
};

/// How two assemblies are compared. There is nothing to choose yet.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options {}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// The blueprint's name.
    pub blueprint: String,
    /// The environment.
    pub environment: String,
    /// How many tenants there are.
    pub tenants: u64,
    /// What a proof says about the assembly.
    pub verdict: Verdict,
}

impl Side {
    fn of(manifest: &Manifest) -> Self {
        Self {
            blueprint: manifest.blueprint.clone(),
            environment: manifest.environment.clone(),
            tenants: manifest.tenants.count,
            verdict: manifest.evidence.verdict,
        }
    }
}

/// A stack that a change comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackAt {
    /// Its name.
    pub stack: String,
    /// The tenant whose own it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Its account; none while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its region.
    pub region: String,
    /// Whether the tenant's data must not be deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub legal_hold: bool,
}

/// One change, and the stacks that it comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// What tells it from other groups; the same for the same change.
    pub id: String,
    /// What the stacks are for.
    pub scope: Scope,
    /// The tier; empty for the organization.
    pub tier: String,
    /// What becomes of the stacks.
    pub action: StackAction,
    /// The template before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_template: Option<String>,
    /// The template after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_template: Option<String>,
    /// The resources that change, by logical id. Values are those of the first stack.
    pub resources: Vec<ResourceChange>,
    /// The outputs that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<PropertyChange>,
    /// The stacks' tags that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<PropertyChange>,
    /// The stacks, in the order of the tenants.
    pub stacks: Vec<StackAt>,
}

impl Group {
    /// The worst that it does: data first, then what becomes of resources, then access.
    #[must_use]
    pub fn severity(&self) -> (Data, Option<Action>, Access) {
        let data = self.resources.iter().map(|resource| resource.data).max().unwrap_or(Data::Stays);
        let action = self.resources.iter().map(|resource| resource.action).max();
        (data, action, self.access())
    }

    /// What becomes of who may do what. A stack that is created or deleted whole brings or takes its own rules.
    #[must_use]
    pub fn access(&self) -> Access {
        if self.action != StackAction::Updated {
            return Access::Same;
        }
        self.resources.iter().map(|resource| resource.access).max().unwrap_or(Access::Same)
    }

    /// Whether it is a template that is in no assembly, of whose stacks nothing is known.
    #[must_use]
    pub fn is_of_template(&self) -> bool {
        self.scope == Scope::Cell && self.tier.is_empty()
    }

    /// The tenants whose own stacks are in the group.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.stacks.iter().filter_map(|stack| stack.tenant.as_deref())
    }
}

/// What becomes of a cell, or another part that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartAction {
    /// It is not there yet.
    Added,
    /// It is another than before.
    Changed,
    /// It is no longer there.
    Removed,
}

/// What becomes of a cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CellChange {
    /// Its name.
    pub cell: String,
    /// What becomes of it.
    pub action: PartAction,
    /// What differs: `region`, `account`, `capacity`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// A field that has another value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Its name: `state`, `entitlements/seats`.
    pub field: String,
    /// The value before; nothing if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The value after; nothing if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

impl FieldChange {
    /// The change, if it is one.
    pub(super) fn of(field: impl Into<String>, old: Option<Value>, new: Option<Value>) -> Option<Self> {
        (old != new).then(|| Self { field: field.into(), old, new })
    }
}

/// What becomes of a tier's policies of one kind. How statements are divided into policies means nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyChange {
    /// The tier.
    pub tier: String,
    /// `scp` or `rcp`.
    pub kind: String,
    /// What becomes of what the tier's accounts may do.
    pub access: Access,
    /// What differs: `Statement/0/Action/3`.
    pub changes: Vec<PropertyChange>,
    /// How many tenants the tier has after it.
    pub tenants: u64,
}

/// What will happen to whom.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diff {
    /// What it is compared with.
    pub old: Side,
    /// What is compared.
    pub new: Side,
    /// The stacks that change, as one change for many each; the worst first.
    pub groups: Vec<Group>,
    /// What becomes of tenants themselves.
    pub tenants: Vec<TenantGroup>,
    /// What becomes of cells.
    pub cells: Vec<CellChange>,
    /// What becomes of the organization's policies, by tier.
    pub policies: Vec<PolicyChange>,
}

impl Diff {
    /// Whether nothing is deployed differently, and no record says something else.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.tenants.is_empty() && self.cells.is_empty() && self.policies.is_empty()
    }
}

/// Compares two assemblies.
///
/// # Errors
/// If a file of either cannot be read, or is not the one that its manifest names.
pub fn compare(old: &Assembly, new: &Assembly, _options: Options) -> Result<Diff, AssemblyError> {
    let mut gatherer = Gatherer::new(old, new);
    gatherer.organization()?;
    gatherer.cells()?;
    let mut tenants = BTreeMap::new();
    let (before, after) = (&old.manifest().tenants, &new.manifest().tenants);
    if before.sha256 != after.sha256 {
        join(old.tenant_lines()?, new.tenant_lines()?, &mut |old, new| {
            gatherer.tenant(old, new)?;
            tenant::note(old, new, &mut tenants);
            Ok(())
        })?;
    }
    let policies = policies(old, new)?;
    let mut groups: Vec<Group> = gatherer.groups.into_values().collect();
    groups.sort_by(|one, other| {
        other
            .severity()
            .cmp(&one.severity())
            .then_with(|| (one.scope, &one.tier, &one.id).cmp(&(other.scope, &other.tier, &other.id)))
    });
    let mut tenants: Vec<TenantGroup> = tenants.into_values().collect();
    tenants.sort_by(|one, other| other.action.cmp(&one.action).then_with(|| one.tenants.cmp(&other.tenants)));
    Ok(Diff {
        old: Side::of(old.manifest()),
        new: Side::of(new.manifest()),
        groups,
        tenants,
        cells: cells(&old.manifest().cells, &new.manifest().cells),
        policies,
    })
}

/// A tenant's record before and after.
type Visit<'v> =
    dyn FnMut(Option<&TenantRecord<'static>>, Option<&TenantRecord<'static>>) -> Result<(), AssemblyError> + 'v;

/// Goes through the tenants of both, in the order of their ids. Lines that are the same are passed by without being read.
fn join(mut old: TenantLines, mut new: TenantLines, visit: &mut Visit<'_>) -> Result<(), AssemblyError> {
    old.advance()?;
    new.advance()?;
    loop {
        if old.line().is_some() && old.line() == new.line() {
            old.skip_same(&mut new)?;
            old.advance()?;
            new.advance()?;
            continue;
        }
        let order = match (old.line().is_some(), new.line().is_some()) {
            (false, false) => return Ok(()),
            (true, false) => std::cmp::Ordering::Less,
            (false, true) => std::cmp::Ordering::Greater,
            (true, true) => old.tenant()?.cmp(new.tenant()?),
        };
        match order {
            std::cmp::Ordering::Less => {
                visit(Some(&old.record()?), None)?;
                old.advance()?;
            }
            std::cmp::Ordering::Greater => {
                visit(None, Some(&new.record()?))?;
                new.advance()?;
            }
            std::cmp::Ordering::Equal => {
                visit(Some(&old.record()?), Some(&new.record()?))?;
                old.advance()?;
                new.advance()?;
            }
        }
    }
}

/// What stacks have in common that may change alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness {
    scope: Scope,
    tier: String,
    old: Option<(Digest, String, bool)>,
    new: Option<(Digest, String, bool)>,
    /// The parameters that differ, or are given on one side only.
    parameters: Vec<String>,
    tags: Vec<String>,
    /// A stack that is like no other, because a value of its parameters means something in a policy.
    alone: Option<String>,
}

/// What is known of stacks that are alike.
#[derive(Debug)]
enum Alike {
    /// The signature of what comes to the first of them.
    First(String),
    /// The signature of what comes to all of them.
    All(String),
    /// That each has to be compared for itself.
    Each,
}

/// The tenant whose own a stack is.
#[derive(Debug, Clone, Copy)]
struct Owner<'t> {
    tenant: &'t str,
    tier: &'t str,
    legal_hold: bool,
}

struct Gatherer<'a> {
    old: &'a Assembly,
    new: &'a Assembly,
    comparer: Comparer<'a>,
    tiers: BTreeMap<&'a str, &'a str>,
    alike: BTreeMap<Likeness, Alike>,
    groups: BTreeMap<String, Group>,
}

impl<'a> Gatherer<'a> {
    fn new(old: &'a Assembly, new: &'a Assembly) -> Self {
        let mut tiers = BTreeMap::new();
        for manifest in [old.manifest(), new.manifest()] {
            tiers.extend(manifest.templates.iter().map(|record| (record.path.as_str(), record.tier.as_str())));
        }
        Self {
            old,
            new,
            comparer: Comparer::new(Some(old), Some(new)),
            tiers,
            alike: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// The templates of the organization, each as one stack.
    fn organization(&mut self) -> Result<(), AssemblyError> {
        let stacks = |manifest: &Manifest| -> Vec<StackRecord<'static>> {
            let templates = manifest.templates.iter().filter(|record| record.scope == Scope::Organization);
            templates
                .map(|record| {
                    let file = record.path.rsplit('/').next().unwrap_or(&record.path);
                    StackRecord {
                        name: file.split('.').next().unwrap_or(file).to_owned().into(),
                        template: record.path.clone().into(),
                        sha256: record.sha256,
                        account: None,
                        // That of the organization's own endpoint, which depends on the partition.
                        region: String::new().into(),
                        parameters: BTreeMap::new(),
                        tags: BTreeMap::new(),
                        depends_on: Vec::new(),
                    }
                })
                .collect()
        };
        let (before, after) = (stacks(self.old.manifest()), stacks(self.new.manifest()));
        for (old, new) in pairs(&before, &after) {
            self.stack(Scope::Organization, None, old, new)?;
        }
        Ok(())
    }

    /// The stacks that the tenants of cells share.
    fn cells(&mut self) -> Result<(), AssemblyError> {
        let stacks = |manifest: &Manifest| -> Vec<StackRecord<'static>> {
            manifest.cells.iter().flat_map(|cell| &cell.stacks).cloned().collect()
        };
        let (before, after) = (stacks(self.old.manifest()), stacks(self.new.manifest()));
        for (old, new) in pairs(&before, &after) {
            self.stack(Scope::Cell, None, old, new)?;
        }
        Ok(())
    }

    fn tenant(
        &mut self,
        old: Option<&TenantRecord<'static>>,
        new: Option<&TenantRecord<'static>>,
    ) -> Result<(), AssemblyError> {
        let (before, after) = (stacks_of(old), stacks_of(new));
        let legal_hold = [old, new].into_iter().flatten().any(|record| record.legal_hold);
        for (old_stack, new_stack) in pairs(before, after) {
            // What goes was of the tier that the tenant leaves.
            let record = if new_stack.is_some() { new } else { old };
            let owner = record.map(|record| Owner { tenant: &record.tenant, tier: &record.tier, legal_hold });
            self.stack(Scope::Tenant, owner, old_stack, new_stack)?;
        }
        Ok(())
    }

    fn stack(
        &mut self,
        scope: Scope,
        owner: Option<Owner<'_>>,
        old: Option<&StackRecord<'static>>,
        new: Option<&StackRecord<'static>>,
    ) -> Result<(), AssemblyError> {
        if let (Some(old), Some(new)) = (old, new)
            && is_unchanged(old, new)
        {
            return Ok(());
        }
        let Some(at) = new.or(old) else { return Ok(()) };
        let member = StackAt {
            stack: at.name.to_string(),
            tenant: owner.map(|owner| owner.tenant.to_owned()),
            account: at.account.as_ref().map(ToString::to_string),
            region: at.region.to_string(),
            legal_hold: owner.is_some_and(|owner| owner.legal_hold),
        };
        let tier = match owner {
            Some(owner) => owner.tier,
            None => self.tiers.get(at.template.as_ref()).copied().unwrap_or_default(),
        };
        let likeness = likeness(scope, tier, old, new);
        let known = match self.alike.get(&likeness) {
            Some(Alike::First(signature)) => {
                // A question for two and more: of a single stack nobody asks whether others change alike.
                let signature = signature.clone();
                let uniform = symbolic::is_uniform(&mut self.comparer, old, new)?;
                self.alike.insert(likeness.clone(), if uniform { Alike::All(signature.clone()) } else { Alike::Each });
                uniform.then_some(signature)
            }
            Some(Alike::All(signature)) => Some(signature.clone()),
            Some(Alike::Each) | None => None,
        };
        if let Some(signature) = known {
            // A group without changes was not kept.
            if let Some(group) = self.groups.get_mut(&signature) {
                group.stacks.push(member);
            }
            return Ok(());
        }
        let change = self.comparer.templates(old, new, &Values::of)?;
        let group = group(&likeness, old, new, change);
        let signature = signature(&group, old, new);
        self.alike.entry(likeness).or_insert_with(|| Alike::First(signature.clone()));
        let nothing = group.resources.is_empty() && group.outputs.is_empty() && group.tags.is_empty();
        if group.action == StackAction::Updated && nothing {
            return Ok(());
        }
        let id = Digest::of(signature.as_bytes()).to_string().get(..8).unwrap_or_default().to_owned();
        self.groups.entry(signature).or_insert(Group { id, ..group }).stacks.push(member);
        Ok(())
    }
}

/// The stacks that are a tenant's own.
fn stacks_of<'t>(record: Option<&'t TenantRecord<'static>>) -> &'t [StackRecord<'static>] {
    record.map_or(&[], |record| &record.stacks)
}

/// What a stack has in common with others that may change alike.
fn likeness(
    scope: Scope,
    tier: &str,
    old: Option<&StackRecord<'static>>,
    new: Option<&StackRecord<'static>>,
) -> Likeness {
    let side = |stack: Option<&StackRecord<'_>>| {
        stack.map(|stack| (stack.sha256, stack.region.to_string(), stack.account.is_some()))
    };
    let same = old.map(|stack| &stack.parameters) == new.map(|stack| &stack.parameters);
    let given = [old, new].into_iter().flatten().filter(|_| !same).flat_map(|stack| stack.parameters.keys());
    let names: BTreeSet<&str> = given.map(AsRef::as_ref).collect();
    let differing = names.into_iter().filter(|name| parameter(old, name) != parameter(new, name));
    let parameters = differing.map(str::to_owned).collect();
    let special = [old, new].into_iter().flatten().flat_map(|stack| stack.parameters.values()).any(|value| {
        // What patterns, variables and JSON give a meaning to, and the mark of what is not looked at.
        value.contains(['*', '?', '$', '"', '\\', ',', super::evaluate::OPAQUE])
    });
    let at = new.or(old);
    Likeness {
        scope,
        tier: tier.to_owned(),
        old: side(old),
        new: side(new),
        parameters,
        tags: tags(old, new).into_iter().map(|change| change.path).collect(),
        alone: special.then(|| at.map(|stack| stack.name.to_string()).unwrap_or_default()),
    }
}

/// The value that a stack has for a parameter.
fn parameter<'s>(stack: Option<&'s StackRecord<'static>>, name: &str) -> Option<&'s str> {
    stack.and_then(|stack| stack.parameters.get(name)).map(AsRef::as_ref)
}

/// A group without its stacks.
fn group(
    likeness: &Likeness,
    old: Option<&StackRecord<'static>>,
    new: Option<&StackRecord<'static>>,
    change: TemplateChange,
) -> Group {
    Group {
        id: String::new(),
        scope: likeness.scope,
        tier: likeness.tier.clone(),
        action: match (old, new) {
            (None, _) => StackAction::Created,
            (_, None) => StackAction::Deleted,
            _ => StackAction::Updated,
        },
        old_template: old.map(|stack| stack.template.to_string()),
        new_template: new.map(|stack| stack.template.to_string()),
        resources: change.resources,
        outputs: change.outputs,
        tags: tags(old, new),
        stacks: Vec::new(),
    }
}

/// A text that two changes have in common if they are the same but for the values that tell stacks apart.
fn signature(group: &Group, old: Option<&StackRecord<'static>>, new: Option<&StackRecord<'static>>) -> String {
    let (old, new) = (words(old), words(new));
    let masked = |change: &PropertyChange| {
        (
            change.path.clone(),
            change.effect,
            change.old.as_ref().map(|value| mask(value, &old)),
            change.new.as_ref().map(|value| mask(value, &new)),
        )
    };
    let resources: Vec<_> = group
        .resources
        .iter()
        .map(|resource| {
            let properties: Vec<_> = resource.properties.iter().map(masked).collect();
            (&resource.logical_id, &resource.kind, resource.action, resource.data, resource.access, properties)
        })
        .collect();
    let outputs: Vec<_> = group.outputs.iter().map(masked).collect();
    let tags: Vec<&String> = group.tags.iter().map(|change| &change.path).collect();
    let all = (group.scope, &group.tier, group.action, resources, outputs, tags);
    // Only keys that are no texts could fail, and there are none.
    serde_json::to_string(&all).unwrap_or_default()
}

/// The values that tell a stack from others, the longest first.
fn words(stack: Option<&StackRecord<'static>>) -> Vec<(String, String)> {
    let Some(stack) = stack else { return Vec::new() };
    let mut words: Vec<(String, String)> = stack
        .parameters
        .iter()
        .map(|(name, value)| (value.to_string(), format!("<{name}>")))
        .chain([(stack.name.to_string(), "<stack>".to_owned()), (stack.region.to_string(), "<region>".to_owned())])
        .chain(stack.account.as_ref().map(|account| (account.to_string(), "<account>".to_owned())))
        .chain(["TenantId", "TenantDigest"].iter().filter_map(|key| {
            let value = stack.tags.get(*key)?;
            Some((value.to_string(), format!("<{key}>")))
        }))
        // Names end with what no other tenant has.
        .chain(stack.name.rsplit('-').next().map(|digest| (digest.to_owned(), "<digest>".to_owned())))
        .filter(|(value, _)| value.len() > 1)
        .collect();
    words.sort_by(|one, other| other.0.len().cmp(&one.0.len()).then_with(|| one.cmp(other)));
    words
}

fn mask(value: &Value, words: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => {
            words.iter().fold(text.clone(), |text, (word, name)| text.replace(word.as_str(), name)).into()
        }
        Value::Array(items) => items.iter().map(|item| mask(item, words)).collect(),
        Value::Object(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), mask(value, words))).collect())
        }
        other => other.clone(),
    }
}

/// The cells that differ, by name.
fn cells(old: &[CellRecord], new: &[CellRecord]) -> Vec<CellChange> {
    let by_name = |cells: &'_ [CellRecord]| -> BTreeMap<String, CellRecord> {
        cells.iter().map(|cell| (cell.cell.clone(), cell.clone())).collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for name in names {
        let (old, new) = (before.get(name), after.get(name));
        let fields: Vec<FieldChange> = [
            FieldChange::of(
                "region",
                old.map(|cell| cell.region.as_str().into()),
                new.map(|cell| cell.region.as_str().into()),
            ),
            FieldChange::of(
                "account",
                old.and_then(|cell| cell.account.as_deref()).map(Value::from),
                new.and_then(|cell| cell.account.as_deref()).map(Value::from),
            ),
            FieldChange::of(
                "capacity",
                old.and_then(|cell| cell.capacity).map(Value::from),
                new.and_then(|cell| cell.capacity).map(Value::from),
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        let action = match (old, new) {
            (None, _) => PartAction::Added,
            (_, None) => PartAction::Removed,
            _ if fields.is_empty() => continue,
            _ => PartAction::Changed,
        };
        changes.push(CellChange { cell: name.clone(), action, fields });
    }
    changes
}

/// The policies that differ, by tier.
fn policies(old: &Assembly, new: &Assembly) -> Result<Vec<PolicyChange>, AssemblyError> {
    let names: BTreeSet<&str> =
        [old, new].iter().flat_map(|side| &side.manifest().tiers).map(|tier| tier.tier.as_str()).collect();
    let mut changes = Vec::new();
    for name in names {
        for (kind, policy_kind) in [("scp", PolicyKind::ServiceControl), ("rcp", PolicyKind::ResourceControl)] {
            let (before, after) = (documents(old, name, kind), documents(new, name, kind));
            let digests = |documents: &[(&str, Option<Digest>)]| -> Vec<Option<Digest>> {
                documents.iter().map(|(_, digest)| *digest).collect()
            };
            if digests(&before) == digests(&after) {
                continue;
            }
            let (before, after) = (merged(old, &before)?, merged(new, &after)?);
            let tree = |document: &Value| Planter::new(None).document(document);
            let changed: Vec<PropertyChange> = differences(&tree(&before), &tree(&after))
                .into_iter()
                .map(|difference| PropertyChange {
                    path: difference.path,
                    old: difference.old.as_ref().map(Tree::value),
                    new: difference.new.as_ref().map(Tree::value),
                    effect: Action::Updated,
                })
                .collect();
            if !changed.is_empty() {
                let tier = new.manifest().tiers.iter().find(|tier| tier.tier == name);
                changes.push(PolicyChange {
                    tier: name.to_owned(),
                    kind: kind.to_owned(),
                    access: access::policy(Some(&before), Some(&after), policy_kind),
                    changes: changed,
                    tenants: tier.map_or(0, |tier| tier.tenants),
                });
            }
        }
    }
    Ok(changes)
}

/// The paths of a tier's policies of one kind, with their digests.
fn documents<'a>(assembly: &'a Assembly, tier: &str, kind: &str) -> Vec<(&'a str, Option<Digest>)> {
    let manifest = assembly.manifest();
    let tier = manifest.tiers.iter().find(|record| record.tier == tier);
    let paths = tier.map(|tier| if kind == "scp" { &tier.policies.scp } else { &tier.policies.rcp });
    let digest = |path: &str| manifest.files.iter().find(|file| file.path == path).map(|file| file.sha256);
    paths.into_iter().flatten().map(|path| (path.as_str(), digest(path))).collect()
}

/// All statements of some policies as one document.
fn merged(assembly: &Assembly, documents: &[(&str, Option<Digest>)]) -> Result<Value, AssemblyError> {
    let mut statements = Vec::new();
    for (path, digest) in documents {
        let bytes = match digest {
            Some(digest) => assembly.file_with(path, digest)?,
            None => assembly.file(path)?,
        };
        let document: Value = serde_json::from_slice(&bytes)
            .map_err(|error| AssemblyError::content(assembly.root().join(path), format!("it is not JSON: {error}")))?;
        match document.get("Statement") {
            Some(Value::Array(items)) => statements.extend(items.iter().cloned()),
            Some(one) => statements.push(one.clone()),
            None => {}
        }
    }
    Ok(serde_json::json!({"Statement": statements}))
}

/// A template that is in no assembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateText {
    /// Where it is, as the user named it.
    pub path: String,
    /// Its text, JSON or YAML.
    pub text: Vec<u8>,
}

/// Compares templates by their names, each as a stack of which nothing is known.
///
/// # Errors
/// If a text is no template.
pub fn templates(
    old: &BTreeMap<String, TemplateText>,
    new: &BTreeMap<String, TemplateText>,
) -> Result<Diff, AssemblyError> {
    let side = || Side {
        blueprint: "templates".to_owned(),
        environment: String::new(),
        tenants: 0,
        verdict: Verdict::NotProved,
    };
    let mut types = Types::default();
    let parameters = BTreeMap::new();
    let mut groups = Vec::new();
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (old, new) = (old.get(name), new.get(name));
        let template = |file: Option<&TemplateText>| file.map(|file| parse(&file.path, &file.text)).transpose();
        let (before, after) = (template(old)?, template(new)?);
        let deployed = |template| Deployed { template, parameters: &parameters, stack: "", account: None, region: "" };
        let (before, after) = (before.as_ref().map(deployed), after.as_ref().map(deployed));
        let change = whole(before.as_ref(), after.as_ref(), &mut types);
        let action = match (&before, &after) {
            (None, _) => StackAction::Created,
            (_, None) => StackAction::Deleted,
            _ if change.resources.is_empty() && change.outputs.is_empty() => continue,
            _ => StackAction::Updated,
        };
        groups.push(Group {
            id: Digest::of(name.as_bytes()).to_string().get(..8).unwrap_or_default().to_owned(),
            scope: Scope::Cell,
            tier: String::new(),
            action,
            old_template: old.map(|file| file.path.clone()),
            new_template: new.map(|file| file.path.clone()),
            resources: change.resources,
            outputs: change.outputs,
            tags: Vec::new(),
            stacks: vec![StackAt {
                stack: name.clone(),
                tenant: None,
                account: None,
                region: String::new(),
                legal_hold: false,
            }],
        });
    }
    groups.sort_by(|one, other| {
        other.severity().cmp(&one.severity()).then_with(|| one.new_template.cmp(&other.new_template))
    });
    Ok(Diff { old: side(), new: side(), groups, tenants: Vec::new(), cells: Vec::new(), policies: Vec::new() })
}
