//! A preview as a tree in a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::document::{
    Changes, FactChange, Preview, ResourceView, Sharing, StackAction, StackChange, StackView, Whose,
};
use super::flow::lane;
use super::live::LiveStack;
use super::shown::apart;
use super::{boundary_words, verdict_words};
use crate::diff::report::refers;
use crate::diff::{Access, Action, Data, ResourceChange};

/// How a tree looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Whether to use colour.
    pub colour: bool,
    /// Whether lines are drawn with Unicode, or with ASCII.
    pub unicode: bool,
    /// Whether to show every resource, and not only those that hold data, take requests or run code; and the values of
    /// outputs, and the tags of stacks.
    pub all: bool,
}

/// The most characters of a value that changes.
const VALUE: usize = 96;

/// A line and what hangs on it.
#[derive(Debug, Default)]
struct Branch {
    text: String,
    below: Vec<Branch>,
}

fn leaf(text: impl Into<String>) -> Branch {
    Branch { text: text.into(), below: Vec::new() }
}

/// The colours: what is plain everywhere but on a terminal.
#[derive(Debug, Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn soft(self, text: &str) -> String {
        self.with("2", text)
    }

    fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    fn open(self, text: &str) -> String {
        self.with("33", text)
    }

    fn bad(self, text: &str) -> String {
        self.with("31", text)
    }
}

/// The preview as text, one final newline. What people wrote is shown with its control characters visible, so that nothing
/// in it can take over a terminal.
#[must_use]
pub fn tree(preview: &Preview, look: Look) -> String {
    let paint = Paint(look.colour);
    let tenant = &preview.tenant;
    let mut root = Branch { text: paint.bold(&visible(&tenant.id)), ..Branch::default() };
    if let Some(name) = &tenant.name {
        let _ = write!(root.text, "  {}", visible(name));
    }
    let _ = write!(root.text, "  {}", paint.soft(&format!("{} {}", preview.blueprint, preview.environment)));
    let mut line =
        |label: &str, text: String| root.below.push(leaf(format!("{}{text}", paint.soft(&format!("{label:<11}")))));
    let apart = boundary_words(tenant.isolation, tenant.boundary);
    line("tier", format!("{}, {}: kept apart by {apart}", tenant.tier, tenant.isolation));
    let state = match tenant.state {
        crate::assembly::State::Active => tenant.state.to_string(),
        crate::assembly::State::Suspended => paint.open(tenant.state.as_str()),
    };
    line("state", format!("{state}{}", if tenant.legal_hold { ", under legal hold" } else { "" }));
    let place = &preview.placement;
    let account = place.account.as_deref().unwrap_or("no account yet");
    line("placement", format!("cell {}, account {account}, region {}", place.cell, place.region));
    let room = place.cell_capacity.map(|most| format!(" of {most}")).unwrap_or_default();
    let why =
        format!("{}: {}; the cell has {}{room} tenants", place.strategy, visible(&place.reason), place.cell_tenants);
    line("why there", why);
    let mut evidence = verdict_words(preview.evidence.verdict).to_owned();
    if let Some(before) = preview.evidence.before {
        let _ = write!(evidence, " (before: {before})");
    }
    line("evidence", evidence);
    if let Some(changes) = &preview.changes {
        root.below.push(change_branch(changes, look, paint));
    }
    if let Some(live) = &preview.live {
        root.below.push(live_branch(live, paint));
    }
    root.below.push(Branch {
        text: paint.bold("stacks"),
        below: preview.stacks.iter().map(|stack| stack_branch(stack, preview, look, paint)).collect(),
    });
    if !preview.guardrails.is_empty() {
        let below = preview.guardrails.iter().map(|policy| {
            let when = if policy.suspended { ", because it is suspended" } else { "" };
            let statements = policy.statements.iter().map(|statement| {
                let sid = statement.sid.as_deref().unwrap_or("(no id)");
                leaf(format!("{sid}: {}", paint.soft(&visible(&statement.summary))))
            });
            Branch {
                text: format!("{} {}{when}", policy.kind.to_uppercase(), policy.path),
                below: statements.collect(),
            }
        });
        root.below.push(Branch { text: paint.bold("guardrails"), below: below.collect() });
    }
    if !preview.entitlements.is_empty() {
        let below =
            preview.entitlements.iter().map(|(name, value)| leaf(format!("{}: {}", visible(name), plain(value))));
        root.below.push(Branch { text: paint.bold("entitlements"), below: below.collect() });
    }
    if !preview.quotas.is_empty() {
        let below = preview.quotas.iter().map(|quota| {
            let whose = match quota.sharing {
                Sharing::Siloed => "its own",
                Sharing::Pooled => "shared",
            };
            leaf(format!(
                "{}: {} {}, {whose}  {}",
                quota.what,
                quota.value,
                quota.unit,
                paint.soft(&format!("{} {}", quota.logical_id, quota.property))
            ))
        });
        root.below.push(Branch { text: paint.bold("quotas"), below: below.collect() });
    }
    let mut text = String::new();
    write_branch(&root, "", look.unicode, true, &mut text);
    text
}

/// Writes a branch: what is before a line's own sign is `indent`.
fn write_branch(branch: &Branch, indent: &str, unicode: bool, is_root: bool, out: &mut String) {
    if is_root {
        out.push_str(&branch.text);
        out.push('\n');
    }
    let (tee, corner, bar) = if unicode { ("├─ ", "└─ ", "│  ") } else { ("|- ", "`- ", "|  ") };
    for (number, below) in branch.below.iter().enumerate() {
        let last = number + 1 == branch.below.len();
        let _ = writeln!(out, "{indent}{}{}", if last { corner } else { tee }, below.text);
        write_branch(below, &format!("{indent}{}", if last { "   " } else { bar }), unicode, false, out);
    }
}

fn stack_branch(stack: &StackView, preview: &Preview, look: Look, paint: Paint) -> Branch {
    let whose = match (stack.sharing, stack.tenants) {
        (Sharing::Siloed, _) => "siloed, its own".to_owned(),
        (Sharing::Pooled, 1) => "pooled, this tenant alone so far".to_owned(),
        (Sharing::Pooled, many) => format!("pooled, shared by {many} tenants"),
    };
    let mut below = Vec::new();
    let account = stack.account.as_deref().unwrap_or("no account yet");
    let mut line = |label: &str, text: String| below.push(leaf(format!("{} {text}", paint.soft(label))));
    line("goes to", format!("{account}, {}", stack.region));
    line("template", format!("{} {}", stack.template, paint.soft(stack.sha256.get(..12).unwrap_or_default())));
    if !stack.depends_on.is_empty() {
        line("after", stack.depends_on.join(", "));
    }
    if !stack.parameters.is_empty() {
        line("parameters", pairs(&stack.parameters));
    }
    if look.all && !stack.tags.is_empty() {
        line("tags", pairs(&stack.tags));
    }
    let mut groups: Vec<(Option<&str>, Vec<&ResourceView>)> = Vec::new();
    for resource in &stack.resources {
        let component = resource.component.as_deref();
        match groups.iter_mut().find(|(known, _)| *known == component) {
            Some((_, group)) => group.push(resource),
            None => groups.push((component, vec![resource])),
        }
    }
    // What no component was named for stands last.
    groups.sort_by_key(|(component, _)| component.is_none());
    for (component, resources) in groups {
        let mut branch = leaf(visible(component.unwrap_or("(no component)")));
        let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
        for resource in resources {
            if look.all || is_prominent(resource) {
                branch.below.push(resource_branch(resource, preview, stack, paint));
            } else {
                *parts.entry(short_type(&resource.kind)).or_default() += 1;
            }
        }
        if !parts.is_empty() {
            let counted: Vec<String> = parts
                .into_iter()
                .map(|(kind, count)| if count == 1 { kind.to_owned() } else { format!("{count} {kind}") })
                .collect();
            branch.below.push(leaf(paint.soft(&format!("and {}", counted.join(", ")))));
        }
        below.push(branch);
    }
    if !stack.outputs.is_empty() {
        let names: Vec<&str> = stack.outputs.iter().map(|output| output.name.as_str()).collect();
        let values =
            stack.outputs.iter().map(|output| leaf(format!("{} = {}", output.name, visible(&output.value.text))));
        below.push(if look.all {
            Branch { text: paint.soft("outputs"), below: values.collect() }
        } else {
            leaf(format!("{} {}", paint.soft("outputs"), names.join(", ")))
        });
    }
    Branch { text: format!("{}  {}", paint.bold(&stack.name), paint.soft(&whose)), below }
}

/// Whether a resource is one that people ask for: it holds data, takes requests or runs code.
fn is_prominent(resource: &ResourceView) -> bool {
    resource.stateful || lane(&resource.kind).is_some()
}

/// The end of a type's name: `Table` of `AWS::DynamoDB::Table`.
fn short_type(kind: &str) -> &str {
    kind.rsplit("::").next().unwrap_or(kind)
}

fn resource_branch(resource: &ResourceView, preview: &Preview, stack: &StackView, paint: Paint) -> Branch {
    let name = resource.name.as_ref().filter(|name| name.known).map(|name| name.text.clone());
    let mut text = format!(
        "{} {}",
        short_type(&resource.kind),
        name.as_deref().map_or_else(|| paint.soft(&resource.logical_id), visible,)
    );
    if resource.stateful {
        text += &format!("  {}", paint.open("stateful"));
    }
    if let Some(action) = action_of(preview, stack, resource) {
        text += &format!("  {}", action_words(action, paint));
    }
    let mut branch = leaf(text);
    if resource.owner.whose == Whose::Shared || (resource.stateful && stack.sharing == Sharing::Pooled) {
        branch.below.push(leaf(paint.soft(&visible(&resource.owner.words))));
    }
    branch
}

fn action_of(preview: &Preview, stack: &StackView, resource: &ResourceView) -> Option<Action> {
    let change = preview.changes.as_ref()?.stacks.iter().find(|change| change.name == stack.name)?;
    if change.action == StackAction::Added {
        return None;
    }
    change.resources.iter().find(|change| change.logical_id == resource.logical_id).map(|change| change.action)
}

fn action_words(action: Action, paint: Paint) -> String {
    match action {
        Action::Added => paint.good("+ added"),
        Action::Updated => paint.open("~ updated"),
        Action::MayBeReplaced => paint.open("~ may be replaced"),
        Action::Replaced => paint.bad("! replaced"),
        Action::Removed => paint.bad("- removed"),
    }
}

fn change_branch(changes: &Changes, look: Look, paint: Paint) -> Branch {
    let mut branch = Branch::default();
    let against = visible(&changes.against);
    branch.text = if changes.is_empty() {
        format!("{} nothing, against {against}", paint.bold("changes"))
    } else if changes.new {
        format!("{} {}", paint.bold("changes"), paint.good(&format!("+ the tenant is new, against {against}")))
    } else {
        format!("{} against {against}", paint.bold("changes"))
    };
    branch.below.extend(changes.facts.iter().map(|fact| leaf(fact_words(fact))));
    branch.below.extend(changes.guardrails.iter().map(|fact| {
        let how = match (&fact.old, &fact.new) {
            (None, _) => paint.good("+ added"),
            (_, None) => paint.bad("- removed"),
            _ => paint.open("~ updated"),
        };
        leaf(format!("{how} {}", visible(&fact.what)))
    }));
    branch.below.extend(changes.stacks.iter().map(|stack| stack_change(stack, look, paint)));
    branch
}

fn stack_change(stack: &StackChange, look: Look, paint: Paint) -> Branch {
    let how = match stack.action {
        StackAction::Added => paint.good("+ added"),
        StackAction::Updated => paint.open("~ updated"),
        StackAction::Removed => paint.bad("- removed"),
    };
    let words = |fact: &FactChange| becomes(&fact.what, fact.old.as_ref(), fact.new.as_ref(), &stack.resources);
    let mut below: Vec<Branch> = stack.facts.iter().map(|fact| leaf(words(fact))).collect();
    // Of a stack that comes or goes as a whole, what matters is data that goes with it.
    let (told, counted): (Vec<_>, Vec<_>) = stack
        .resources
        .iter()
        .partition(|change| look.all || stack.action == StackAction::Updated || change.data != Data::Stays);
    below.extend(told.into_iter().map(|change| resource_change(change, &stack.resources, paint)));
    match counted.len() {
        0 => {}
        1 => below.push(leaf(paint.soft("1 resource"))),
        many => below.push(leaf(paint.soft(&format!("{many} resources")))),
    }
    Branch { text: format!("{how} stack {} {}", stack.name, paint.soft(stack.sharing.as_str())), below }
}

fn resource_change(change: &ResourceChange, all: &[ResourceChange], paint: Paint) -> Branch {
    let mut text = format!("{} {} {}", action_words(change.action, paint), short_type(&change.kind), change.logical_id);
    match change.data {
        Data::Stays => {}
        Data::LeftBehind => text += &format!(", {}", paint.open("its data is left behind")),
        Data::MayBeLost => text += &format!(", {}", paint.bad("its data may be lost")),
        Data::Lost => text += &format!(", {}", paint.bad("its data is lost")),
    }
    if change.name_taken {
        text += &format!(", {}", paint.bad("refused: its name is taken"));
    }
    match change.access {
        Access::Same => {}
        Access::Narrowed => text += ", access is narrowed",
        Access::Undecided => text += &format!(", {}", paint.open("access differs")),
        Access::Broadened => text += &format!(", {}", paint.bad("access is broadened")),
    }
    let below = change
        .properties
        .iter()
        .map(|property| leaf(becomes(&property.path, property.old.as_ref(), property.new.as_ref(), all)));
    Branch { text, below: below.collect() }
}

fn live_branch(live: &[LiveStack], paint: Paint) -> Branch {
    let below = live.iter().map(|stack| {
        let mut branch = leaf(match (&stack.problem, stack.exists, stack.changes.len()) {
            (Some(problem), ..) => format!("{}: {}", stack.name, paint.bad(&visible(problem))),
            (None, _, 0) => format!("{}: nothing", stack.name),
            (None, false, count) => format!("{}: {}", stack.name, paint.good(&format!("created, {count} resources"))),
            (None, true, count) => format!("{}: {count} changes", stack.name),
        });
        branch.below.extend(stack.note().iter().map(|note| leaf(visible(note))));
        branch.below.extend(stack.changes.iter().map(|change| {
            let words = match change.words() {
                word @ ("added" | "imported") => paint.good(word),
                word @ ("replaced" | "removed") => paint.bad(word),
                word => paint.open(word),
            };
            let properties = if change.properties.is_empty() {
                String::new()
            } else {
                format!(": {}", visible(&change.properties.join(", ")))
            };
            leaf(format!("{words} {} {}{properties}", short_type(&change.kind), visible(&change.logical_id)))
        }));
        branch
    });
    Branch { text: format!("{} says CloudFormation", paint.bold("deployed")), below: below.collect() }
}

fn fact_words(fact: &FactChange) -> String {
    becomes(&fact.what, fact.old.as_ref(), fact.new.as_ref(), &[])
}

/// What differs, on one line. `resources` are what changes in the same stack.
fn becomes(what: &str, old: Option<&Value>, new: Option<&Value>, resources: &[ResourceChange]) -> String {
    let value = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), plain);
    let what = visible(what);
    if let Some(words) = refers(old, new, resources) {
        return format!("{what}: {words}");
    }
    let (was, is) = apart(&value(old), &value(new), VALUE);
    format!("{what}: {was} becomes {is}")
}

fn pairs(map: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{}={}", visible(key), visible(value))).collect();
    pairs.join(" ")
}

/// A value on one line.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        other => visible(&other.to_string()),
    }
}

/// The text with everything that would move the cursor, or change the direction of writing, written out.
fn visible(text: &str) -> String {
    let hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        if hidden(character) {
            // Writing to a `String` cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_moves_the_cursor() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}d");
        assert_eq!(visible("Müller & Söhne"), "Müller & Söhne");
    }

    #[test]
    fn branches_are_drawn_in_both_styles() {
        let root = Branch {
            text: "root".to_owned(),
            below: vec![Branch { text: "a".to_owned(), below: vec![leaf("b")] }, leaf("c")],
        };
        let drawn = |unicode| {
            let mut text = String::new();
            write_branch(&root, "", unicode, true, &mut text);
            text
        };
        assert_eq!(drawn(true), "root\n├─ a\n│  └─ b\n└─ c\n");
        assert_eq!(drawn(false), "root\n|- a\n|  `- b\n`- c\n");
    }
}
