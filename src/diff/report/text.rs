//! For a terminal.

use std::fmt::Write as _;

use super::super::change::{Access, Action, Data, PropertyChange, ResourceChange};
use super::super::findings::told;
use super::super::fleet::{Diff, Group, PartAction};
use super::super::stack::StackAction;
use super::super::tenant::TenantAction;
use super::{
    access_words, beside, effect_words, field_words, heading, own_properties, part_words, refers, shown, sign, summary,
    tenant_words, tenants_words, title, words, worst_first,
};

/// How many characters of a value are shown.
const MOST: usize = 100;

/// How many resources of a stack that comes or goes whole are shown one by one, where none holds data.
const WHOLE: usize = 6;

/// Whose tenants are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tenants<'a> {
    /// Nobody's: a few names, and how many more there are.
    Few,
    /// Those of every group.
    All,
    /// Those of one group, by its number or id.
    Of(&'a str),
}

#[derive(Debug, Clone, Copy)]
enum Colour {
    Red,
    Yellow,
    Green,
    Bold,
    Dim,
}

struct Page {
    text: String,
    colour: bool,
}

impl Page {
    fn paint(&self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Red => "31",
            Colour::Yellow => "33",
            Colour::Green => "32",
            Colour::Bold => "1",
            Colour::Dim => "2",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.text, "{:indent$}{text}", "");
    }
}

/// The comparison as text, the worst first. With `colour`, escapes for a terminal are in it.
#[must_use]
pub fn text(diff: &Diff, tenants: Tenants<'_>, colour: bool) -> String {
    let mut page = Page { text: String::new(), colour };
    let title = title(diff);
    if diff.is_empty() {
        page.line(0, &format!("{title}: nothing changes"));
        return page.text;
    }
    let title = tenants_words(diff).map_or(title.clone(), |tenants| format!("{title}: {tenants}"));
    let title = page.paint(Colour::Bold, &title);
    page.line(0, &title);
    for line in summary(diff).lines() {
        page.line(0, &line);
    }
    if diff.old.verdict != diff.new.verdict {
        page.line(0, &format!("isolation: {} → {}", diff.old.verdict, diff.new.verdict));
    }
    for (index, group) in diff.groups.iter().enumerate() {
        page.text.push('\n');
        stacks(&mut page, index + 1, group, tenants);
    }
    if !diff.tenants.is_empty() {
        page.text.push('\n');
        let title = page.paint(Colour::Bold, "tenants");
        page.line(0, &title);
        for group in &diff.tenants {
            let colour = match group.action {
                TenantAction::Added => Colour::Green,
                TenantAction::Changed => Colour::Yellow,
                TenantAction::Moved | TenantAction::Removed => Colour::Red,
            };
            let sign = match group.action {
                TenantAction::Added => "+",
                TenantAction::Changed => "~",
                TenantAction::Moved => "±",
                TenantAction::Removed => "-",
            };
            let line = format!("{} {}", page.paint(colour, sign), tenant_words(group));
            page.line(2, &line);
            let names = group.tenants.iter().map(String::as_str);
            if tenants == Tenants::All {
                names.for_each(|name| page.line(6, name));
            } else {
                let line = page.paint(Colour::Dim, &told(names).replace('`', ""));
                page.line(6, &line);
            }
        }
    }
    if !diff.cells.is_empty() {
        page.text.push('\n');
        let title = page.paint(Colour::Bold, "cells");
        page.line(0, &title);
        for cell in &diff.cells {
            let sign = match cell.action {
                PartAction::Added => page.paint(Colour::Green, "+"),
                PartAction::Changed => page.paint(Colour::Yellow, "~"),
                PartAction::Removed => page.paint(Colour::Red, "-"),
            };
            let fields = if cell.action == PartAction::Changed {
                format!(": {}", cell.fields.iter().map(field_words).collect::<Vec<_>>().join(", "))
            } else {
                String::new()
            };
            page.line(2, &format!("{sign} {} {}{fields}", cell.cell, part_words(cell.action)));
        }
    }
    if !diff.policies.is_empty() {
        page.text.push('\n');
        let title = page.paint(Colour::Bold, "organization policies");
        page.line(0, &title);
        for policy in &diff.policies {
            let access = access_words(policy.access).unwrap_or("access the same");
            let access = page.paint(colour_of_access(policy.access), access);
            let tenants = super::counted(policy.tenants, "tenant");
            let sign = page.paint(Colour::Yellow, "~");
            page.line(
                2,
                &format!("{sign} {} of tier {}: {access}, for {tenants}", policy.kind.to_uppercase(), policy.tier),
            );
            for change in &policy.changes {
                property(&mut page, change, &[]);
            }
        }
    }
    page.text
}

fn stacks(page: &mut Page, number: usize, group: &Group, tenants: Tenants<'_>) {
    let title = page.paint(Colour::Bold, &format!("#{number} {}", heading(group)));
    page.line(0, &title);
    let listed = match tenants {
        Tenants::Few => false,
        Tenants::All => true,
        Tenants::Of(wanted) => wanted == group.id || wanted == number.to_string(),
    };
    let all: Vec<&ResourceChange> = worst_first(group);
    let whole = group.action != StackAction::Updated;
    let width = all.iter().map(|resource| resource.logical_id.chars().count()).max().unwrap_or(0).min(48);
    let mut left = 0;
    for (index, resource) in all.iter().enumerate() {
        // Of what comes or goes whole a few say enough, where nothing is lost.
        if whole && index >= WHOLE && all.len() > WHOLE + 1 && resource.data == Data::Stays {
            left += 1;
            continue;
        }
        let colour = match (resource.action, resource.data) {
            (_, Data::Lost | Data::MayBeLost) | (Action::Replaced | Action::Removed, _) => Colour::Red,
            (Action::Added, _) => Colour::Green,
            _ => Colour::Yellow,
        };
        let line = format!(
            "{} {:width$}  {}  {}",
            page.paint(colour, sign(resource.action)),
            resource.logical_id,
            resource.kind,
            page.paint(colour, &words(group, resource))
        );
        page.line(2, &line);
        for change in own_properties(resource) {
            property(page, change, &group.resources);
        }
    }
    if left > 0 {
        let line = page.paint(Colour::Dim, &format!("… and {left} more"));
        page.line(4, &line);
    }
    for (name, changes) in beside(group) {
        let line = format!("{} {name}", page.paint(Colour::Yellow, "~"));
        page.line(2, &line);
        for change in &changes {
            property(page, change, &group.resources);
        }
    }
    if listed {
        for stack in &group.stacks {
            let account = stack.account.as_deref().unwrap_or("account not known");
            let tenant = stack.tenant.as_deref().map(|tenant| format!("{tenant}  ")).unwrap_or_default();
            page.line(6, &format!("{tenant}{}  {account}/{}", stack.stack, stack.region));
        }
    } else if !group.is_of_template() {
        let names = group.stacks.iter().map(|stack| stack.tenant.as_deref().unwrap_or(&stack.stack));
        let line = page.paint(Colour::Dim, &format!("for {}", told(names).replace('`', "")));
        page.line(4, &line);
    }
}

fn colour_of_access(access: Access) -> Colour {
    match access {
        Access::Broadened | Access::Undecided => Colour::Red,
        Access::Narrowed => Colour::Green,
        Access::Same => Colour::Dim,
    }
}

/// A property that differs, among the resources of its stack that change.
fn property(page: &mut Page, change: &PropertyChange, resources: &[ResourceChange]) {
    let path = change.path.strip_prefix("Properties/").unwrap_or(&change.path);
    let effect = effect_words(change.effect).map(|words| format!("  ({})", page.paint(Colour::Red, words)));
    let effect = effect.unwrap_or_default();
    let value = |value: &Option<serde_json::Value>| value.as_ref().map(|value| shown(value, MOST));
    if let Some(words) = refers(change.old.as_ref(), change.new.as_ref(), resources) {
        return page.line(6, &format!("{path}  {words}{effect}"));
    }
    let line = match (value(&change.old), value(&change.new)) {
        (None, Some(new)) if path.chars().count() + new.chars().count() <= MOST => {
            format!("{path}  {}", page.paint(Colour::Green, &format!("+ {new}")))
        }
        (Some(old), None) if path.chars().count() + old.chars().count() <= MOST => {
            format!("{path}  {}", page.paint(Colour::Red, &format!("- {old}")))
        }
        (Some(old), Some(new)) if old.chars().count() + new.chars().count() <= MOST => format!("{path}  {old} → {new}"),
        (old, new) => {
            page.line(6, &format!("{path}{effect}"));
            if let Some(old) = old {
                let line = page.paint(Colour::Red, &format!("- {old}"));
                page.line(8, &line);
            }
            if let Some(new) = new {
                let line = page.paint(Colour::Green, &format!("+ {new}"));
                page.line(8, &line);
            }
            return;
        }
    };
    page.line(6, &format!("{line}{effect}"));
}
