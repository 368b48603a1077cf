//! What a change does that somebody has to look at before it is deployed.

use std::collections::BTreeMap;

use super::acknowledge::{About, Acknowledgement, Ledger};
use super::change::{Access, Action, Data, PropertyChange, ResourceChange};
use super::fleet::{Diff, Group, StackAt};
use super::stack::StackAction;
use super::tenant::{TenantAction, TenantGroup};
use crate::diagnostics::{Code, Diagnostic, Origin, Sink, codes, counted};

/// How many names are told one by one.
const TOLD: usize = 3;

/// Where the two sides are, as the user named them.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// What it is compared with.
    pub old: &'a str,
    /// What is compared.
    pub new: &'a str,
    /// Whether other commands find both under these names; revisions of a repository they do not.
    pub are_folders: bool,
}

/// What there is to say about a change. `today` is the day, as `YYYY-MM-DD`, for acknowledgements that end; without it
/// none has ended.
#[must_use]
pub fn findings(diff: &Diff, names: Names<'_>, acknowledged: &[Acknowledgement], today: Option<&str>) -> Sink {
    let mut teller = Teller { names, ledger: Ledger::new(acknowledged, today), sink: Sink::new() };
    if diff.old.blueprint != diff.new.blueprint || diff.old.environment != diff.new.environment {
        let side = |blueprint: &str, environment: &str| format!("`{blueprint}` in `{environment}`");
        let message = format!(
            "{} is compared with {}, and no cell or tenant has a stack in both",
            side(&diff.new.blueprint, &diff.new.environment),
            side(&diff.old.blueprint, &diff.old.environment)
        );
        let finding = Diagnostic::new(&codes::DIFF_UNRELATED, Origin::Path(names.new.into()), message);
        teller.sink.push(finding.help("compare two assemblies of the same blueprint and environment"));
    }
    for group in &diff.groups {
        for resource in &group.resources {
            teller.resource(group, resource);
        }
    }
    diff.tenants.iter().for_each(|group| teller.tenants(group));
    for policy in &diff.policies {
        let what = format!("the {} of tier `{}`", policy.kind.to_uppercase(), policy.tier);
        let code = match policy.access {
            Access::Broadened => &codes::DIFF_BROADENED,
            Access::Undecided => &codes::DIFF_ACCESS_UNKNOWN,
            Access::Same | Access::Narrowed => continue,
        };
        let message = match policy.access {
            Access::Broadened => format!("{what} let {} do more", counted(policy.tenants, "tenant")),
            _ => format!("it could not be decided whether {what} let {} do more", counted(policy.tenants, "tenant")),
        };
        let about = About { code: code.name, resource: None, stack: None, tenant: None };
        let mut finding = Diagnostic::new(code, Origin::Path(names.new.into()), message);
        finding.acknowledged = teller.ledger.reason(about).map(str::to_owned);
        teller.sink.push(finding.help("read the statements that change, and acknowledge them if they are meant"));
    }
    let Teller { ledger, mut sink, .. } = teller;
    ledger.finish(&mut sink);
    sink
}

struct Teller<'a> {
    names: Names<'a>,
    ledger: Ledger<'a>,
    sink: Sink,
}

/// A few names, and how many more there are.
pub(super) fn told<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let first: Vec<String> = names.iter().take(TOLD).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(TOLD) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// What a change of retention takes away: the path, if it no longer keeps what it kept.
fn dropped(change: &PropertyChange) -> bool {
    let keeps = |value: &Option<serde_json::Value>| {
        value.as_ref().and_then(|value| value.as_str()).is_some_and(super::template::kept)
    };
    matches!(change.path.as_str(), "DeletionPolicy" | "UpdateReplacePolicy")
        && keeps(&change.old)
        && !keeps(&change.new)
}

impl Teller<'_> {
    fn origin(&self, group: &Group) -> Origin {
        if let (true, Some(path)) =
            (group.is_of_template(), group.new_template.as_ref().or(group.old_template.as_ref()))
        {
            return Origin::Path(path.as_str().into());
        }
        let (root, template) = match (&group.new_template, &group.old_template) {
            (Some(template), _) => (self.names.new, template),
            (None, Some(template)) => (self.names.old, template),
            (None, None) => (self.names.new, &group.tier),
        };
        let root = root.trim_end_matches('/');
        Origin::Path(format!("{root}/{template}").into())
    }

    fn resource(&mut self, group: &Group, resource: &ResourceChange) {
        let what = format!("`{}` (`{}`)", resource.logical_id, resource.kind);
        let ends = match resource.action {
            Action::Removed => "is removed",
            Action::Replaced => "is replaced",
            _ => "may be replaced",
        };
        match resource.data {
            Data::Lost => {
                let message = format!("{what} {ends}, and what it holds is lost");
                self.tell(&codes::DIFF_DATA_LOSS, group, Some(resource), &message, Some(&keep(resource)));
            }
            Data::MayBeLost => {
                let message = format!("{what} {ends}, and what it holds would be lost");
                self.tell(&codes::DIFF_DATA_LOSS, group, Some(resource), &message, Some(&keep(resource)));
            }
            Data::LeftBehind => {
                let message = match resource.action {
                    Action::Removed => format!("{what} {ends} from the stack, and stays behind with what it holds"),
                    _ => format!("{what} {ends}, and the new one begins without what the old one holds"),
                };
                let help = match resource.action {
                    Action::Removed => "decide who deletes it, and when",
                    _ => "copy what it holds, and decide who deletes the old one",
                };
                self.tell(&codes::DIFF_LEFT_BEHIND, group, Some(resource), &message, Some(help));
            }
            Data::Stays => {}
        }
        if resource.name_taken {
            let message = format!("{what} has to be replaced and keeps its name, so CloudFormation refuses the update");
            let help = "give what takes its place another id, so that it gets another name, or leave what replaces it as it was";
            self.tell(&codes::DIFF_NAME_TAKEN, group, Some(resource), &message, Some(help));
        }
        if matches!(resource.data, Data::Lost | Data::MayBeLost) {
            let held: Vec<&StackAt> = group.stacks.iter().filter(|stack| stack.legal_hold).collect();
            if !held.is_empty() {
                let tenants = told(held.iter().filter_map(|stack| stack.tenant.as_deref()));
                let message = format!("{what} {ends}, and holds data of {tenants} under legal hold");
                let finding = Diagnostic::new(&codes::DIFF_LEGAL_HOLD, self.origin(group), message);
                self.sink.push(finding.help("leave it as it is until the hold is lifted"));
            }
        }
        if resource.stateful && group.action == StackAction::Updated {
            for change in resource.properties.iter().filter(|change| dropped(change)) {
                let message = format!("{what} no longer has a `{}` that keeps what it holds", change.path);
                let kept = change.old.as_ref().and_then(|value| value.as_str()).unwrap_or("Retain");
                let help = format!("leave `{}: {kept}` in place", change.path);
                self.tell(&codes::DIFF_RETENTION_DROPPED, group, Some(resource), &message, Some(&help));
            }
        }
        if group.action == StackAction::Updated {
            match resource.access {
                Access::Broadened => {
                    let message = format!("{what} makes something possible that was not before");
                    self.tell(
                        &codes::DIFF_BROADENED,
                        group,
                        Some(resource),
                        &message,
                        Some("grant only what is needed"),
                    );
                }
                Access::Undecided => {
                    let message = format!("it could not be decided whether {what} makes more possible than before");
                    let help = "read what changes, and treat it as broadened unless you know better";
                    self.tell(&codes::DIFF_ACCESS_UNKNOWN, group, Some(resource), &message, Some(help));
                }
                Access::Same | Access::Narrowed => {}
            }
        }
    }

    /// A finding for each reason that somebody gave, and one for the stacks that nobody spoke of.
    fn tell(
        &mut self,
        code: &'static Code,
        group: &Group,
        resource: Option<&ResourceChange>,
        message: &str,
        help: Option<&str>,
    ) {
        let mut by_reason: BTreeMap<Option<&str>, Vec<&StackAt>> = BTreeMap::new();
        for stack in &group.stacks {
            let about = About {
                code: code.name,
                resource: resource.map(|resource| resource.logical_id.as_str()),
                stack: Some(&stack.stack),
                tenant: stack.tenant.as_deref(),
            };
            by_reason.entry(self.ledger.reason(about)).or_default().push(stack);
        }
        for (reason, stacks) in by_reason {
            let of: Vec<&str> = stacks.iter().map(|stack| stack.tenant.as_deref().unwrap_or(&stack.stack)).collect();
            let place = if group.is_of_template() {
                String::new()
            } else if stacks.iter().all(|stack| stack.tenant.is_some()) {
                format!(", for {}: {}", counted(of.len() as u64, "tenant"), told(of.into_iter()))
            } else {
                format!(", in {}: {}", counted(of.len() as u64, "stack"), told(of.into_iter()))
            };
            let mut finding = Diagnostic::new(code, self.origin(group), format!("{message}{place}"));
            finding.acknowledged = reason.map(str::to_owned);
            let acknowledge = resource.filter(|_| reason.is_none()).map(|resource| {
                let id = &resource.logical_id;
                format!("or live with it, in the file that `--acknowledge` names: `- {{ code: {code}, resource: {id}, reason: … }}`")
            });
            self.sink.push(finding.help_if(help.map(str::to_owned)).help_if(acknowledge));
        }
    }

    fn tenants(&mut self, group: &TenantGroup) {
        let origin = Origin::Path(self.names.new.into());
        if group.action == TenantAction::Removed && !group.legal_hold.is_empty() {
            let message =
                format!("{} would go, and is under legal hold", told(group.legal_hold.iter().map(String::as_str)));
            let finding = Diagnostic::new(&codes::DIFF_LEGAL_HOLD, origin.clone(), message);
            self.sink.push(finding.help("keep the tenant until the hold is lifted; it can be suspended"));
        }
        if !group.leaves_shared || group.action < TenantAction::Moved {
            return;
        }
        let mut by_reason: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
        for tenant in &group.tenants {
            let code = codes::DIFF_DATA_NOT_MOVED.name;
            let about = About { code, resource: None, stack: None, tenant: Some(tenant) };
            by_reason.entry(self.ledger.reason(about)).or_default().push(tenant);
        }
        for (reason, tenants) in by_reason {
            let (one, they) = (tenants.len() == 1, counted(tenants.len() as u64, "tenant"));
            let names = told(tenants.iter().copied());
            let message = match (group.action, one) {
                (TenantAction::Removed, true) => format!("{they} goes, and what it kept in shared stacks stays there"),
                (TenantAction::Removed, false) => format!("{they} go, and what they kept in shared stacks stays there"),
                (_, true) => format!("{they} leaves shared stacks, and what it kept there does not go along"),
                (_, false) => format!("{they} leave shared stacks, and what they kept there does not go along"),
            };
            let message = format!("{message}: {names}");
            let mut finding = Diagnostic::new(&codes::DIFF_DATA_NOT_MOVED, origin.clone(), message);
            finding.acknowledged = reason.map(str::to_owned);
            let first = tenants.first().copied().unwrap_or_default();
            let Names { old, new, are_folders } = self.names;
            let (old, new) = if are_folders { (old, new) } else { ("…", "…") };
            let plan = match group.action {
                TenantAction::Removed => format!("`tenantry plan {first} --from {old} --erase` says how it is deleted"),
                _ => format!("`tenantry plan {first} --from {old} --to {new}` says how it is copied, and then deleted"),
            };
            let code = codes::DIFF_DATA_NOT_MOVED.name;
            let acknowledge = reason.is_none().then(|| {
                format!("or live with it, in the file that `--acknowledge` names: `- {{ code: {code}, tenant: {first}, reason: … }}`")
            });
            self.sink.push(finding.help(plan).help_if(acknowledge));
        }
    }
}

/// How a resource is kept.
fn keep(resource: &ResourceChange) -> String {
    let policy = if resource.action == Action::Removed { "DeletionPolicy" } else { "UpdateReplacePolicy" };
    format!("deploy it with `{policy}: Retain` first, or copy what it holds")
}
