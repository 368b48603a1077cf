//! Stacks compared: what becomes of each, and of the resources in it.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;

use super::change::{Action, PropertyChange, ResourceChange};
use super::template::{Deployed, TemplateChange, Types, whole};
use crate::assembly::{Assembly, AssemblyError, CellRecord, Digest, StackRecord, TenantRecord};
use crate::diagnostics::{Sink, SourceMap};
use crate::prove::template::Template;

/// How many parsed templates are kept. Where every tenant has its own, none is asked for twice.
const KEPT: usize = 64;

/// What becomes of a stack, the least first. A stack that moves is deleted in one place and created in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StackAction {
    /// Nothing in it changes.
    Unchanged,
    /// It is not there yet.
    Created,
    /// Its template, its parameters or its tags change.
    Updated,
    /// It is no longer there.
    Deleted,
}

/// What becomes of one stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackChange {
    /// The stack's name.
    pub stack: String,
    /// The tenant whose own it is; none for a stack that the tenants of a cell share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The account; none while it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region.
    pub region: String,
    /// What becomes of it.
    pub action: StackAction,
    /// The resources that change, by logical id.
    pub resources: Vec<ResourceChange>,
    /// The outputs that change: `Outputs/TableName/Value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<PropertyChange>,
    /// The stack's tags that change, which CloudFormation hands on to the resources: `Tags/Owner`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<PropertyChange>,
}

/// A tenant's stacks, its own and those it shares, and what becomes of each. Empty if neither assembly has the tenant.
///
/// Without `old` all of them are created.
///
/// # Errors
/// If a file of an assembly cannot be read, or is not the one that its manifest names.
pub fn stacks_of(old: Option<&Assembly>, new: &Assembly, tenant: &str) -> Result<Vec<StackChange>, AssemblyError> {
    let before = old.map(|assembly| assembly.tenant(tenant)).transpose()?.flatten();
    let after = new.tenant(tenant)?;
    let empty = Vec::new();
    let own = |record: &Option<TenantRecord<'static>>| record.as_ref().map(|record| record.stacks.clone());
    let (old_own, new_own) = (own(&before).unwrap_or_default(), own(&after).unwrap_or_default());
    let shared = |assembly: Option<&Assembly>, record: &Option<TenantRecord<'static>>| -> Vec<StackRecord<'static>> {
        let (Some(assembly), Some(record)) = (assembly, record) else { return empty.clone() };
        let names = &record.shared_stacks;
        let all = assembly.manifest().cells.iter().flat_map(|cell| &cell.stacks);
        all.filter(|stack| names.contains(&stack.name)).cloned().collect()
    };
    let (old_shared, new_shared) = (shared(old, &before), shared(Some(new), &after));
    let mut comparer = Comparer::new(old, Some(new));
    let mut changes = Vec::new();
    for (old, new) in pairs(&old_shared, &new_shared) {
        // A cell that the tenant leaves, or comes to, goes on without it.
        let both = old.is_some() && new.is_some();
        let known = |assembly: Option<&Assembly>, stack: Option<&StackRecord<'_>>| {
            let cells = assembly.map_or(&[] as &[CellRecord], |assembly| &assembly.manifest().cells);
            cells.iter().flat_map(|cell| &cell.stacks).any(|other| stack.is_some_and(|stack| is_same(other, stack)))
        };
        if !both && known(comparer.old, new) && known(comparer.new, new) {
            continue;
        }
        if !both && known(comparer.new, old) {
            continue;
        }
        changes.push(comparer.stack(old, new, None)?);
    }
    for (old, new) in pairs(&old_own, &new_own) {
        changes.push(comparer.stack(old, new, Some(tenant))?);
    }
    Ok(changes)
}

/// Whether two records are of the same stack: of that name, in that account and region. An account that is not known
/// yet may be any.
pub(super) fn is_same(one: &StackRecord<'_>, other: &StackRecord<'_>) -> bool {
    let account = one.account.is_none() || other.account.is_none() || one.account == other.account;
    account && one.name == other.name && one.region == other.region
}

/// Stacks with their counterparts.
pub(super) fn pairs<'s>(
    old: &'s [StackRecord<'static>],
    new: &'s [StackRecord<'static>],
) -> Vec<(Option<&'s StackRecord<'static>>, Option<&'s StackRecord<'static>>)> {
    let mut olds: BTreeMap<&str, &StackRecord<'static>> =
        old.iter().map(|stack| (stack.name.as_ref(), stack)).collect();
    let mut all = Vec::new();
    for stack in new {
        let counterpart = olds.get(stack.name.as_ref()).copied().filter(|old| is_same(old, stack));
        if counterpart.is_some() {
            olds.remove(stack.name.as_ref());
        }
        all.push((counterpart, Some(stack)));
    }
    // What goes stands before what comes.
    let mut gone: Vec<_> = olds.into_values().map(|stack| (Some(stack), None)).collect();
    gone.append(&mut all);
    gone
}

/// Whether nothing differs that is deployed. The stacks that come before it are no part of that.
pub(super) fn is_unchanged(old: &StackRecord<'_>, new: &StackRecord<'_>) -> bool {
    old.sha256 == new.sha256
        && old.parameters == new.parameters
        && old.tags == new.tags
        // Another account that is known by now puts values in.
        && old.account == new.account
}

/// Compares stacks of two assemblies, and keeps what it read for the next.
#[derive(Debug)]
pub(super) struct Comparer<'a> {
    pub(super) old: Option<&'a Assembly>,
    pub(super) new: Option<&'a Assembly>,
    pub(super) types: Types,
    templates: BTreeMap<Digest, Rc<Value>>,
}

impl<'a> Comparer<'a> {
    pub(super) fn new(old: Option<&'a Assembly>, new: Option<&'a Assembly>) -> Self {
        Self { old, new, types: Types::default(), templates: BTreeMap::new() }
    }

    /// What becomes of one stack.
    pub(super) fn stack(
        &mut self,
        old: Option<&StackRecord<'static>>,
        new: Option<&StackRecord<'static>>,
        tenant: Option<&str>,
    ) -> Result<StackChange, AssemblyError> {
        let at = new.or(old);
        let change = match (old, new) {
            (Some(old), Some(new)) if is_unchanged(old, new) => TemplateChange::default(),
            _ => self.templates(old, new, &Values::of)?,
        };
        let tags = tags(old, new);
        let action = match (old, new) {
            (None, _) => StackAction::Created,
            (_, None) => StackAction::Deleted,
            _ if change.resources.is_empty() && change.outputs.is_empty() && tags.is_empty() => StackAction::Unchanged,
            _ => StackAction::Updated,
        };
        Ok(StackChange {
            stack: at.map(|stack| stack.name.to_string()).unwrap_or_default(),
            tenant: tenant.map(str::to_owned),
            account: at.and_then(|stack| stack.account.as_ref()).map(ToString::to_string),
            region: at.map(|stack| stack.region.to_string()).unwrap_or_default(),
            action,
            resources: change.resources,
            outputs: change.outputs,
            tags,
        })
    }

    /// What becomes of the resources of a stack, with values made from its records.
    pub(super) fn templates(
        &mut self,
        old: Option<&StackRecord<'static>>,
        new: Option<&StackRecord<'static>>,
        values: &dyn Fn(&StackRecord<'static>) -> Values,
    ) -> Result<TemplateChange, AssemblyError> {
        let before = match (old, self.old) {
            (Some(stack), Some(assembly)) => Some((self.template(assembly, stack)?, values(stack))),
            _ => None,
        };
        let after = match (new, self.new) {
            (Some(stack), Some(assembly)) => Some((self.template(assembly, stack)?, values(stack))),
            _ => None,
        };
        let before = before.as_ref().map(|(template, values)| values.deployed(template));
        let after = after.as_ref().map(|(template, values)| values.deployed(template));
        Ok(whole(before.as_ref(), after.as_ref(), &mut self.types))
    }

    fn template(&mut self, assembly: &Assembly, stack: &StackRecord<'_>) -> Result<Rc<Value>, AssemblyError> {
        self.read(assembly, &stack.template, &stack.sha256)
    }

    /// A template by its path and digest.
    pub(super) fn read(
        &mut self,
        assembly: &Assembly,
        path: &str,
        sha256: &Digest,
    ) -> Result<Rc<Value>, AssemblyError> {
        if let Some(known) = self.templates.get(sha256) {
            return Ok(Rc::clone(known));
        }
        let bytes = assembly.file_with(path, sha256)?;
        let value = Rc::new(parse(&assembly.root().join(path).display().to_string(), &bytes)?);
        if self.templates.len() >= KEPT {
            self.templates.clear();
        }
        self.templates.insert(*sha256, Rc::clone(&value));
        Ok(value)
    }
}

/// A template, JSON or YAML, as a value.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Value, AssemblyError> {
    let mut sink = Sink::new();
    let template = Template::read(path, bytes, &mut SourceMap::default(), &mut sink);
    let problem = sink.into_sorted().first().map(|finding| finding.message.clone());
    match template {
        Some(template) if template.value().is_object() => Ok(template.value().clone()),
        _ => Err(AssemblyError::content(path, problem.unwrap_or_else(|| "it is no template".to_owned()))),
    }
}

/// The values that a template is deployed with.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) stack: String,
    pub(super) account: Option<String>,
    pub(super) region: String,
}

impl Values {
    pub(super) fn of(stack: &StackRecord<'static>) -> Self {
        let text = |(name, value): (&std::borrow::Cow<'_, str>, &std::borrow::Cow<'_, str>)| {
            (name.to_string(), value.to_string())
        };
        Self {
            parameters: stack.parameters.iter().map(text).collect(),
            stack: stack.name.to_string(),
            account: stack.account.as_ref().map(ToString::to_string),
            region: stack.region.to_string(),
        }
    }

    fn deployed<'v>(&'v self, template: &'v Value) -> Deployed<'v> {
        Deployed {
            template,
            parameters: &self.parameters,
            stack: &self.stack,
            account: self.account.as_deref(),
            region: &self.region,
        }
    }
}

/// The tags of a stack that differ; nothing for one that comes or goes.
pub(super) fn tags(old: Option<&StackRecord<'_>>, new: Option<&StackRecord<'_>>) -> Vec<PropertyChange> {
    let (Some(old), Some(new)) = (old, new) else { return Vec::new() };
    if old.tags == new.tags {
        return Vec::new();
    }
    let keys: std::collections::BTreeSet<&str> = old.tags.keys().chain(new.tags.keys()).map(AsRef::as_ref).collect();
    let value = |stack: &StackRecord<'_>, key: &str| stack.tags.get(key).map(|value| Value::from(value.as_ref()));
    keys.into_iter()
        .map(|key| (key, value(old, key), value(new, key)))
        .filter(|(_, old, new)| old != new)
        .map(|(key, old, new)| PropertyChange { path: format!("Tags/{key}"), old, new, effect: Action::Updated })
        .collect()
}
