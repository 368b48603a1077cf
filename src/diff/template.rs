//! Two templates compared, each with the values of a stack: what a deployment of the second over the first does.
//!
//! What a change does to a resource is what the schema of its type says about the path:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>.
//! A reference to a resource that is replaced is another value, so replacement spreads along references.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::access::direction;
use super::change::{Access, Action, Data, PropertyChange, ResourceChange};
pub use super::evaluate::Deployed;
use super::evaluate::{Evaluated, Evaluator};
use super::tree::{Difference, Planter, Tree, differences};
use crate::cfn::schema::{Replacement, TypeFacts, find};
use crate::prove::template::unique_name;

/// The facts about resource types, each opened once.
#[derive(Debug, Default)]
pub struct Types {
    known: BTreeMap<String, Option<Arc<TypeFacts>>>,
}

impl Types {
    /// The facts about a type; nothing if there is no schema of it, as of custom resources.
    pub fn get(&mut self, kind: &str) -> Option<Arc<TypeFacts>> {
        if let Some(known) = self.known.get(kind) {
            return known.clone();
        }
        let facts = find(kind).map(Arc::new);
        self.known.insert(kind.to_owned(), facts.clone());
        facts
    }
}

/// Everything that a deployment changes in a stack.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplateChange {
    /// The resources that change, by logical id.
    pub resources: Vec<ResourceChange>,
    /// The outputs that change: `Outputs/TableName/Value`. Where a value refers to what is replaced, old and new are the same.
    pub outputs: Vec<PropertyChange>,
    /// Whether the outcome may hang on a value that was opaque.
    pub(super) looked: bool,
}

/// What a deployment does to the resources of a stack, by logical id; nothing for those that stay as they are.
///
/// Without `old` the stack is created, without `new` it is deleted.
#[must_use]
pub fn compare(old: Option<&Deployed<'_>>, new: Option<&Deployed<'_>>, types: &mut Types) -> Vec<ResourceChange> {
    whole(old, new, types).resources
}

/// What a deployment does to the resources and the outputs of a stack.
#[must_use]
pub fn whole(old: Option<&Deployed<'_>>, new: Option<&Deployed<'_>>, types: &mut Types) -> TemplateChange {
    let (old, new) = (old.map(|deployed| Evaluator::new(*deployed)), new.map(|deployed| Evaluator::new(*deployed)));
    let before = old.as_ref().map(Evaluator::resources).unwrap_or_default();
    let after = new.as_ref().map(Evaluator::resources).unwrap_or_default();
    let mut comparison = Comparison { found: BTreeMap::new(), replaced: BTreeMap::new() };
    let ids: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for id in ids {
        comparison.resource(id, before.get(id), after.get(id), types);
    }
    comparison.spread(&before, &after, types);
    let mut resources = comparison.finish(&before, &after, types);
    let mut outputs = outputs(old.as_ref(), new.as_ref(), &comparison.replaced);
    let secrets: BTreeSet<&String> =
        [&old, &new].into_iter().flatten().flat_map(|evaluator| evaluator.secrets()).collect();
    if !secrets.is_empty() {
        let changes = resources.iter_mut().flat_map(|resource| &mut resource.properties).chain(&mut outputs);
        for change in changes {
            [&mut change.old, &mut change.new].into_iter().flatten().for_each(|value| hide(value, &secrets));
        }
    }
    let looked = [&old, &new].into_iter().flatten().any(Evaluator::has_looked);
    TemplateChange { resources, outputs, looked }
}

/// What differs in a resource that is on both sides.
#[derive(Debug)]
struct Found {
    properties: Vec<PropertyChange>,
}

#[derive(Debug)]
struct Comparison<'a> {
    found: BTreeMap<&'a str, Found>,
    /// What is replaced, or may be.
    replaced: BTreeMap<&'a str, Action>,
}

impl<'a> Comparison<'a> {
    fn resource(&mut self, id: &'a str, old: Option<&Evaluated>, new: Option<&Evaluated>, types: &mut Types) {
        let (Some(old), Some(new)) = (old, new) else { return };
        if old == new {
            return;
        }
        let mut properties = Vec::new();
        if old.kind != new.kind {
            let kind = |resource: &Evaluated| Some(Value::from(resource.kind.as_str()));
            properties.push(PropertyChange {
                path: "Type".to_owned(),
                old: kind(old),
                new: kind(new),
                effect: Action::Replaced,
            });
        } else if old.properties != new.properties {
            let facts = types.get(&new.kind);
            let planter = Planter::new(facts.as_deref());
            let (before, after) = (planter.properties(&old.properties), planter.properties(&new.properties));
            properties.extend(differences(&before, &after).into_iter().map(|difference| PropertyChange {
                effect: effect(facts.as_deref(), &difference),
                path: format!("Properties/{}", difference.path),
                old: difference.old.as_ref().map(Tree::value),
                new: difference.new.as_ref().map(Tree::value),
            }));
        }
        let policies =
            [("DeletionPolicy", &old.deletion, &new.deletion), ("UpdateReplacePolicy", &old.replacing, &new.replacing)];
        for (path, old, new) in policies {
            if old != new {
                properties.push(PropertyChange {
                    path: path.to_owned(),
                    old: old.as_deref().map(Value::from),
                    new: new.as_deref().map(Value::from),
                    effect: Action::Updated,
                });
            }
        }
        let others: BTreeSet<&String> = old.others.keys().chain(new.others.keys()).collect();
        for path in others {
            let (old, new) = (old.others.get(path), new.others.get(path));
            if old != new {
                let effect = Action::Updated;
                properties.push(PropertyChange { path: path.clone(), old: old.cloned(), new: new.cloned(), effect });
            }
        }
        self.note(id, properties);
    }

    fn note(&mut self, id: &'a str, properties: Vec<PropertyChange>) {
        if properties.is_empty() {
            return;
        }
        let found = self.found.entry(id).or_insert(Found { properties: Vec::new() });
        found.properties.extend(properties);
        let action = found.properties.iter().map(|change| change.effect).max().unwrap_or(Action::Updated);
        if action >= Action::MayBeReplaced {
            self.replaced.insert(id, action);
        }
    }

    /// Finds what refers to what is replaced, until nothing more is.
    fn spread(
        &mut self,
        before: &BTreeMap<&'a str, Evaluated>,
        after: &BTreeMap<&'a str, Evaluated>,
        types: &mut Types,
    ) {
        // Every round replaces one more, or ends.
        for _ in 0..=after.len() * 2 {
            let replaced = self.replaced.clone();
            if replaced.is_empty() {
                return;
            }
            for (id, new) in after {
                if before.get(id).is_none_or(|old| old.kind != new.kind) {
                    continue;
                }
                let facts = types.get(&new.kind);
                let tree = Planter::new(facts.as_deref()).properties(&new.properties);
                let known = self.found.get(id).map_or(&[] as &[PropertyChange], |found| &found.properties);
                let mut more = Vec::new();
                tree.referring("", "", &mut |path, generic, value, ids| {
                    let Some(strongest) = ids.iter().filter_map(|id| replaced.get(id.as_str())).max() else { return };
                    let path = format!("Properties/{path}");
                    let effect = match replacement(facts.as_deref(), generic) {
                        Replacement::No => Action::Updated,
                        Replacement::Maybe => Action::MayBeReplaced,
                        Replacement::Yes => *strongest,
                    };
                    let covered = known.iter().any(|change| {
                        let same = path.strip_prefix(&change.path);
                        same.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && change.effect >= effect
                    });
                    if !covered {
                        let value = Some(value.clone());
                        more.push(PropertyChange { path, old: value.clone(), new: value, effect });
                    }
                });
                if let Some(found) = self.found.get_mut(id) {
                    let paths: BTreeSet<&str> = more.iter().map(|change| change.path.as_str()).collect();
                    // What was found in an earlier round with a lesser effect.
                    found.properties.retain(|change| change.old != change.new || !paths.contains(change.path.as_str()));
                }
                self.note(id, more);
            }
            if self.replaced == replaced {
                return;
            }
        }
    }

    fn finish(
        &mut self,
        before: &BTreeMap<&'a str, Evaluated>,
        after: &BTreeMap<&'a str, Evaluated>,
        types: &mut Types,
    ) -> Vec<ResourceChange> {
        let mut all = Vec::new();
        let ids: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        for id in ids {
            let (old, new) = (before.get(id), after.get(id));
            let change = match (old, new) {
                (None, Some(new)) => change(id, new, Action::Added, Data::Stays, types, Vec::new()),
                (Some(old), None) => {
                    let kept = kept(old.deletion.as_deref().unwrap_or_else(|| default_deletion(old)));
                    let data = if kept { Data::LeftBehind } else { Data::Lost };
                    change(id, old, Action::Removed, data, types, Vec::new())
                }
                (Some(old), Some(new)) => {
                    let Some(found) = self.found.remove(id) else { continue };
                    let mut properties = found.properties;
                    properties.sort_by(|one, other| one.path.cmp(&other.path));
                    let action = properties.iter().map(|change| change.effect).max().unwrap_or(Action::Updated);
                    // What a replacement keeps is said by the template that replaces.
                    let kept = kept(new.replacing.as_deref().unwrap_or("Delete"));
                    let data = match action {
                        Action::MayBeReplaced if !kept => Data::MayBeLost,
                        Action::Replaced if !kept => Data::Lost,
                        Action::MayBeReplaced | Action::Replaced => Data::LeftBehind,
                        _ => Data::Stays,
                    };
                    change(id, if old.kind == new.kind { new } else { old }, action, data, types, properties)
                }
                (None, None) => continue,
            };
            let access = match (old, new) {
                (Some(old), Some(new)) if old.kind == new.kind && old.properties == new.properties => Access::Same,
                (Some(old), Some(new)) if old.kind != new.kind => direction(&old.kind, Some(&old.properties), None)
                    .max(direction(&new.kind, None, Some(&new.properties))),
                (old, new) => {
                    let kind = new.or(old).map_or("", |resource| resource.kind.as_str());
                    direction(kind, old.map(|resource| &resource.properties), new.map(|resource| &resource.properties))
                }
            };
            let name_taken = change.action == Action::Replaced
                && old.zip(new).is_some_and(|(old, new)| keeps_its_name(old, new, &change.properties));
            all.push(ResourceChange { access, name_taken, ..change });
        }
        all
    }
}

/// The change of one resource, whose data goes that way if it has any.
fn change(
    id: &str,
    resource: &Evaluated,
    action: Action,
    data: Data,
    types: &mut Types,
    properties: Vec<PropertyChange>,
) -> ResourceChange {
    let stateful = types.get(&resource.kind).is_some_and(|facts| facts.is_stateful());
    ResourceChange {
        logical_id: id.to_owned(),
        kind: resource.kind.clone(),
        action,
        stateful,
        data: if stateful { data } else { Data::Stays },
        access: Access::Same,
        name_taken: false,
        properties,
    }
}

/// Whether a resource that is replaced has a name of its own that stays as it is, and that only one can have.
fn keeps_its_name(old: &Evaluated, new: &Evaluated, changes: &[PropertyChange]) -> bool {
    let Some((name, others)) = unique_name(&new.kind).filter(|_| old.kind == new.kind) else { return false };
    // A name within another property, `TableInput.Name`, is not looked for.
    let is_given = old.properties.get(name).is_some() && new.properties.get(name).is_some();
    // A value that refers to what is replaced is among the changes too.
    let changes_of = |property: &str| {
        let mut below =
            changes.iter().filter_map(|change| change.path.strip_prefix("Properties/")?.strip_prefix(property));
        below.any(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    is_given && !changes_of(name) && !others.into_iter().any(changes_of)
}

/// Whether a policy keeps the resource, or a copy of its data.
pub(super) fn kept(policy: &str) -> bool {
    matches!(policy, "Retain" | "RetainExceptOnCreate" | "Snapshot")
}

/// What happens where no `DeletionPolicy` is given:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html>.
fn default_deletion(resource: &Evaluated) -> &'static str {
    match resource.kind.as_str() {
        "AWS::RDS::DBCluster" => "Snapshot",
        "AWS::RDS::DBInstance" if resource.properties.get("DBClusterIdentifier").is_none() => "Snapshot",
        _ => "Delete",
    }
}

/// What the change of a path does; for a type without a schema it is not known.
fn replacement(facts: Option<&TypeFacts>, generic: &str) -> Replacement {
    let Some(facts) = facts else { return Replacement::Maybe };
    let found = facts.replacement(generic);
    if found != Replacement::No {
        return found;
    }
    let first = generic.split('/').next().unwrap_or(generic);
    match facts.tagging() {
        Some(tagging) if tagging.property == first && !tagging.updatable => Replacement::Maybe,
        _ => Replacement::No,
    }
}

/// What a difference does: the most that any path in it does.
fn effect(facts: Option<&TypeFacts>, difference: &Difference) -> Action {
    let mut worst = replacement(facts, &difference.generic);
    for tree in [&difference.old, &difference.new].into_iter().flatten() {
        tree.leaves(&difference.generic, &mut |path| worst = worst.max(replacement(facts, path)));
    }
    match worst {
        Replacement::No => Action::Updated,
        Replacement::Maybe => Action::MayBeReplaced,
        Replacement::Yes => Action::Replaced,
    }
}

/// The outputs that differ, or refer to what is replaced.
fn outputs(
    old: Option<&Evaluator<'_>>,
    new: Option<&Evaluator<'_>>,
    replaced: &BTreeMap<&str, Action>,
) -> Vec<PropertyChange> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    let tree = |outputs: BTreeMap<&str, Value>| {
        let planter = Planter::new(None);
        Tree::Map(outputs.into_iter().map(|(name, value)| (name.to_owned(), planter.properties(&value))).collect())
    };
    let (before, after) = (tree(old.outputs()), tree(new.outputs()));
    let mut changes: Vec<PropertyChange> = differences(&before, &after)
        .into_iter()
        .map(|difference| PropertyChange {
            path: format!("Outputs/{}", difference.path),
            old: difference.old.as_ref().map(Tree::value),
            new: difference.new.as_ref().map(Tree::value),
            effect: Action::Updated,
        })
        .collect();
    after.referring("", "", &mut |path, _, value, ids| {
        let path = format!("Outputs/{path}");
        if ids.iter().any(|id| replaced.contains_key(id.as_str()))
            && !changes.iter().any(|change| path.starts_with(&change.path))
        {
            let value = Some(value.clone());
            changes.push(PropertyChange { path, old: value.clone(), new: value, effect: Action::Updated });
        }
    });
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    changes
}

/// Covers the values of parameters with `NoEcho`.
fn hide(value: &mut Value, secrets: &BTreeSet<&String>) {
    match value {
        Value::String(text) => {
            for secret in secrets {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), "****");
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, secrets)),
        Value::Object(entries) => entries.values_mut().for_each(|value| hide(value, secrets)),
        _ => {}
    }
}
