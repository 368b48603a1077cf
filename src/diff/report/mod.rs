//! A comparison as people and machines read it: text, Markdown, JSON. Pure functions: nothing here prints.

mod json;
mod markdown;
mod text;

use serde::Serialize;
use serde_json::Value;

use super::change::{Access, Action, Data, PropertyChange, ResourceChange};
use super::evaluate::references;
use super::fleet::{Diff, FieldChange, Group, PartAction, Side};
use super::stack::StackAction;
use super::tenant::{Place, TenantAction, TenantGroup};
use crate::assembly::Scope;
use crate::diagnostics::counted;

pub use json::{DIFF_SCHEMA, json};
pub use markdown::markdown;
pub use text::{Tenants, text};

/// How much changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Stacks that are created.
    pub stacks_created: u64,
    /// Stacks that change.
    pub stacks_updated: u64,
    /// Stacks that are deleted.
    pub stacks_deleted: u64,
    /// Resources that are created, counted once a stack, as all below.
    pub added: u64,
    /// Resources that change and stay.
    pub updated: u64,
    /// Resources that may be replaced.
    pub may_be_replaced: u64,
    /// Resources that are replaced.
    pub replaced: u64,
    /// Resources that are removed.
    pub removed: u64,
    /// Resources whose data is lost, or would be.
    pub data_lost: u64,
    /// Resources that stay behind with their data.
    pub left_behind: u64,
    /// Resources and policies that make something possible that was not, or may.
    pub broadened: u64,
    /// Resources and policies that make less possible.
    pub narrowed: u64,
    /// Tenants that come.
    pub tenants_added: u64,
    /// Tenants that go.
    pub tenants_removed: u64,
    /// Tenants that move.
    pub tenants_moved: u64,
    /// Tenants whose records say something else.
    pub tenants_changed: u64,
}

/// How much changes.
#[must_use]
pub fn summary(diff: &Diff) -> Summary {
    let mut all = Summary::default();
    for group in &diff.groups {
        let stacks = group.stacks.len() as u64;
        *match group.action {
            StackAction::Created => &mut all.stacks_created,
            StackAction::Deleted => &mut all.stacks_deleted,
            StackAction::Updated | StackAction::Unchanged => &mut all.stacks_updated,
        } += stacks;
        for resource in &group.resources {
            *match resource.action {
                Action::Added => &mut all.added,
                Action::Updated => &mut all.updated,
                Action::MayBeReplaced => &mut all.may_be_replaced,
                Action::Replaced => &mut all.replaced,
                Action::Removed => &mut all.removed,
            } += stacks;
            match resource.data {
                Data::Lost | Data::MayBeLost => all.data_lost += stacks,
                Data::LeftBehind => all.left_behind += stacks,
                Data::Stays => {}
            }
            if group.action == StackAction::Updated {
                match resource.access {
                    Access::Broadened | Access::Undecided => all.broadened += stacks,
                    Access::Narrowed => all.narrowed += stacks,
                    Access::Same => {}
                }
            }
        }
    }
    for policy in &diff.policies {
        match policy.access {
            Access::Broadened | Access::Undecided => all.broadened += 1,
            Access::Narrowed => all.narrowed += 1,
            Access::Same => {}
        }
    }
    for group in &diff.tenants {
        *match group.action {
            TenantAction::Added => &mut all.tenants_added,
            TenantAction::Changed => &mut all.tenants_changed,
            TenantAction::Moved => &mut all.tenants_moved,
            TenantAction::Removed => &mut all.tenants_removed,
        } += group.tenants.len() as u64;
    }
    all
}

impl Summary {
    /// Whether a resource is replaced, or may be.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.replaced + self.may_be_replaced > 0
    }

    /// The summary in sentences without verbs, the worst first; nothing where there is nothing.
    fn parts(&self) -> [Vec<String>; 3] {
        let some = |list: &[(u64, &str)]| -> Vec<String> {
            list.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect()
        };
        [
            some(&[
                (self.data_lost, "with data lost"),
                (self.removed, "removed"),
                (self.replaced, "replaced"),
                (self.may_be_replaced, "perhaps replaced"),
                (self.left_behind, "left behind"),
                (self.broadened, "with broader access"),
                (self.narrowed, "with narrower access"),
                (self.updated, "updated in place"),
                (self.added, "added"),
            ]),
            some(&[
                (self.stacks_deleted, "deleted"),
                (self.stacks_updated, "updated"),
                (self.stacks_created, "created"),
            ]),
            some(&[
                (self.tenants_removed, "removed"),
                (self.tenants_moved, "moved"),
                (self.tenants_changed, "changed"),
                (self.tenants_added, "added"),
            ]),
        ]
    }

    /// The lines that a reader sees first.
    fn lines(&self) -> Vec<String> {
        let names = ["resources", "stacks", "tenants"];
        let parts = self.parts().into_iter().zip(names);
        parts
            .filter(|(parts, _)| !parts.is_empty())
            .map(|(parts, name)| format!("{name}: {}", parts.join(", ")))
            .collect()
    }
}

/// What a group is about: `tier `basic`, 3 tenants' stacks updated`.
fn heading(group: &Group) -> String {
    let done = match group.action {
        StackAction::Created => "created",
        StackAction::Deleted => "deleted",
        StackAction::Updated | StackAction::Unchanged => "updated",
    };
    let count = group.stacks.len() as u64;
    match group.scope {
        Scope::Cell if group.is_of_template() => {
            let name = group.new_template.as_ref().or(group.old_template.as_ref());
            format!("{}: {done}", name.map_or("", String::as_str))
        }
        Scope::Organization => format!("organization: {done}"),
        Scope::Cell => format!("{}: {} of cells {done}", group.tier, counted(count, "stack")),
        Scope::Tenant => {
            let tenants = group.tenants().collect::<std::collections::BTreeSet<_>>().len() as u64;
            format!("{}: {} of {} {done}", group.tier, counted(count, "stack"), counted(tenants, "tenant"))
        }
    }
}

/// The sign in front of a resource.
fn sign(action: Action) -> &'static str {
    match action {
        Action::Added => "+",
        Action::Updated => "~",
        Action::MayBeReplaced => "?",
        Action::Replaced => "±",
        Action::Removed => "-",
    }
}

/// What happens to a resource, in words.
fn words(group: &Group, resource: &ResourceChange) -> String {
    let mut words = vec![match resource.action {
        Action::Added => "added",
        Action::Updated => "updated in place",
        Action::MayBeReplaced => "may be replaced",
        Action::Replaced => "replaced",
        Action::Removed => "removed",
    }];
    words.extend(match resource.data {
        Data::Lost => Some("DATA LOST"),
        Data::MayBeLost => Some("DATA MAY BE LOST"),
        Data::LeftBehind => Some("left behind with its data"),
        Data::Stays => None,
    });
    if resource.name_taken {
        words.push("REFUSED: NAME TAKEN");
    }
    if group.action == StackAction::Updated {
        words.extend(access_words(resource.access));
    }
    words.join(", ")
}

fn access_words(access: Access) -> Option<&'static str> {
    match access {
        Access::Same => None,
        Access::Narrowed => Some("access narrowed"),
        Access::Undecided => Some("ACCESS PERHAPS BROADENED"),
        Access::Broadened => Some("ACCESS BROADENED"),
    }
}

/// The resources of a group, the worst first.
fn worst_first(group: &Group) -> Vec<&ResourceChange> {
    let mut resources: Vec<&ResourceChange> = group.resources.iter().collect();
    resources.sort_by_key(|resource| {
        (std::cmp::Reverse((resource.data, resource.action, resource.access)), &resource.logical_id)
    });
    resources
}

/// A value in one line, without characters that would act on a terminal or hide what they are.
fn shown(value: &Value, most: usize) -> String {
    let text = match value {
        Value::String(text) => visible(text),
        other => visible(&other.to_string()),
    };
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Control characters, and those that turn the direction of text, as escapes.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let hides = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        match character {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            other if other.is_control() || hides => shown.extend(other.escape_unicode()),
            other => shown.push(other),
        }
    }
    shown
}

/// What the change of a path alone does, if that is more than an update.
fn effect_words(effect: Action) -> Option<&'static str> {
    match effect {
        Action::Replaced => Some("replaces"),
        Action::MayBeReplaced => Some("may replace"),
        _ => None,
    }
}

/// What is compared: `orders prod`, or of two products both.
fn title(diff: &Diff) -> String {
    let name = |side: &Side| format!("{} {}", side.blueprint, side.environment).trim_end().to_owned();
    let (old, new) = (name(&diff.old), name(&diff.new));
    if old == new { new } else { format!("{old} → {new}") }
}

/// How many tenants there are, on both sides if it is not the same; nothing where there are none.
fn tenants_words(diff: &Diff) -> Option<String> {
    match (diff.old.tenants, diff.new.tenants) {
        (0, 0) => None,
        (old, new) if old == new => Some(counted(new, "tenant")),
        (old, new) => Some(format!("{old} → {}", counted(new, "tenant"))),
    }
}

/// What is said of a value that is the same before and after, because something that it refers to is replaced: one of
/// `group`, the changes of its stack.
#[must_use]
pub fn refers(old: Option<&Value>, new: Option<&Value>, group: &[ResourceChange]) -> Option<String> {
    if old.is_none() || old != new {
        return None;
    }
    let mut found = std::collections::BTreeSet::new();
    new.into_iter().for_each(|value| references(value, &mut found));
    let named = |action: Action| -> Vec<&str> {
        let resources = group.iter().filter(|resource| resource.action == action);
        resources.map(|resource| resource.logical_id.as_str()).filter(|id| found.contains(*id)).collect()
    };
    let words = [(Action::Replaced, "is replaced"), (Action::MayBeReplaced, "may be replaced")];
    let mut parts = words.into_iter().map(|(action, words)| (named(action), words)).filter(|(ids, _)| !ids.is_empty());
    let (ids, words) = parts.next()?;
    let most = ids.iter().take(FEW_IDS).copied().collect::<Vec<_>>().join(", ");
    let more = match ids.len().saturating_sub(FEW_IDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("refers to what {words}: {most}{more}"))
}

/// How many ids are told one by one.
const FEW_IDS: usize = 3;

/// The properties of a resource that are shown with it. What an organization's policies say is shown by tier.
fn own_properties(resource: &ResourceChange) -> impl Iterator<Item = &PropertyChange> {
    let is_policy = resource.kind == "AWS::Organizations::Policy";
    resource.properties.iter().filter(move |change| !(is_policy && change.path.starts_with("Properties/Content")))
}

/// What changes of a group beside its resources: a word for it, and the changes without that word in their paths.
fn beside(group: &Group) -> Vec<(&'static str, Vec<PropertyChange>)> {
    let parts = [("outputs", "Outputs/", &group.outputs), ("tags of the stack", "Tags/", &group.tags)];
    let parts = parts.into_iter().filter(|(_, _, changes)| !changes.is_empty());
    let strip = |change: &PropertyChange, prefix: &str| {
        let path = change.path.strip_prefix(prefix).unwrap_or(&change.path).to_owned();
        PropertyChange { path, ..change.clone() }
    };
    parts.map(|(name, prefix, changes)| (name, changes.iter().map(|change| strip(change, prefix)).collect())).collect()
}

/// Where a group of tenants is: `basic/eu-1`, with the region if it is another on the other side.
fn place(place: &Place, with_region: bool) -> String {
    if with_region {
        format!("{}/{} in {}", place.tier, place.cell, place.region)
    } else {
        format!("{}/{}", place.tier, place.cell)
    }
}

/// What becomes of a group of tenants, in words.
fn tenant_words(group: &TenantGroup) -> String {
    let count = counted(group.tenants.len() as u64, "tenant");
    let other_region = match (&group.from, &group.to) {
        (Some(from), Some(to)) => from.region != to.region,
        _ => false,
    };
    let at = |side: &Option<Place>| side.as_ref().map(|side| place(side, other_region)).unwrap_or_default();
    let fields = || group.fields.iter().map(field_words).collect::<Vec<_>>().join(", ");
    match group.action {
        TenantAction::Added => format!("{count} added to {}", at(&group.to)),
        TenantAction::Removed => format!("{count} removed from {}", at(&group.from)),
        TenantAction::Moved => {
            let (from, to) = (at(&group.from), at(&group.to));
            let rest = if group.fields.is_empty() { String::new() } else { format!("; {}", fields()) };
            if from == to {
                format!("{count} moved to another account in {to}{rest}")
            } else {
                format!("{count} moved from {from} to {to}{rest}")
            }
        }
        TenantAction::Changed => format!("{count} in {}: {}", at(&group.to), fields()),
    }
}

fn field_words(field: &FieldChange) -> String {
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), |value| shown(value, 60));
    format!("{} {} → {}", field.field, value(&field.old), value(&field.new))
}

fn part_words(action: PartAction) -> &'static str {
    match action {
        PartAction::Added => "added",
        PartAction::Changed => "changed",
        PartAction::Removed => "removed",
    }
}
