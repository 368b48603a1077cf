//! For a pull request.

use std::fmt::Write as _;

use super::super::change::{Data, PropertyChange, ResourceChange};
use super::super::fleet::{Diff, Group, PartAction};
use super::super::stack::StackAction;
use super::{
    Tenants, access_words, beside, effect_words, field_words, heading, own_properties, part_words, refers, shown, sign,
    summary, tenant_words, tenants_words, title, words, worst_first,
};
use crate::diagnostics::{Diagnostic, Severity};

/// How many characters of a value are shown.
const MOST: usize = 200;

/// How many names of a group are listed where nobody asked for all.
const FEW: usize = 20;

/// The comparison as Markdown: what was found first, then a section to open for each change.
#[must_use]
pub fn markdown(diff: &Diff, findings: &[Diagnostic], tenants: Tenants<'_>) -> String {
    let mut page = String::new();
    let _ = writeln!(page, "## {}: what will happen to whom\n", plain(&title(diff)));
    if diff.is_empty() && findings.is_empty() {
        page.push_str("Nothing changes.\n");
        return page;
    }
    if let Some(tenants) = tenants_words(diff) {
        let _ = writeln!(page, "{tenants}\n");
    }
    for line in summary(diff).lines() {
        let _ = writeln!(page, "- {line}");
    }
    if diff.old.verdict != diff.new.verdict {
        let _ = writeln!(page, "- isolation: {} → {}", diff.old.verdict, diff.new.verdict);
    }
    if !findings.is_empty() {
        page.push_str("\n### To look at\n\n");
        // What stops a pipeline comes before what is to be thought of, and that before what somebody has thought of.
        let mut findings: Vec<&Diagnostic> = findings.iter().collect();
        findings.sort_by_key(|finding| (finding.acknowledged.is_some(), finding.severity != Severity::Error));
        for finding in findings {
            let sign = match (&finding.acknowledged, finding.severity) {
                (Some(_), _) => "☑️ acknowledged",
                (None, Severity::Error) => "🛑 **error**",
                (None, Severity::Warning) => "⚠️ warning",
            };
            let _ = write!(page, "- {sign} `{}`: {}", finding.code, sentence(&finding.message));
            if let Some(reason) = &finding.acknowledged {
                let _ = write!(page, " — {}", plain(reason));
            }
            page.push('\n');
        }
    }
    if !diff.groups.is_empty() {
        page.push_str("\n### Stacks\n");
    }
    for (index, group) in diff.groups.iter().enumerate() {
        section(&mut page, index + 1, group, tenants);
    }
    if !diff.tenants.is_empty() {
        page.push_str("\n### Tenants\n\n");
        for group in &diff.tenants {
            let _ = writeln!(page, "- {}: {}", plain(&tenant_words(group)), names(group.tenants.iter(), tenants));
        }
    }
    if !diff.cells.is_empty() {
        page.push_str("\n### Cells\n\n");
        for cell in &diff.cells {
            let fields = cell.fields.iter().map(field_words).collect::<Vec<_>>().join(", ");
            let fields =
                if cell.action == PartAction::Changed { format!(": {}", plain(&fields)) } else { String::new() };
            let _ = writeln!(page, "- {} {}{fields}", code(&cell.cell), part_words(cell.action));
        }
    }
    if !diff.policies.is_empty() {
        page.push_str("\n### Organization policies\n");
        for policy in &diff.policies {
            let access = access_words(policy.access).unwrap_or("access the same");
            let tenants = super::counted(policy.tenants, "tenant");
            let title = format!(
                "{} of tier <code>{}</code>: {access}, for {tenants}",
                policy.kind.to_uppercase(),
                html(&policy.tier)
            );
            let lines: Vec<String> = policy.changes.iter().flat_map(|change| property(change, &[])).collect();
            details(&mut page, &title, "", &lines);
        }
    }
    page
}

fn section(page: &mut String, number: usize, group: &Group, tenants: Tenants<'_>) {
    let mut worst = match group.severity().0 {
        Data::Lost => " 🛑 data lost",
        Data::MayBeLost => " 🛑 data may be lost",
        Data::LeftBehind => " ⚠️ data left behind",
        Data::Stays => "",
    }
    .to_owned();
    if let Some(access) = access_words(group.access()) {
        let _ = write!(worst, " {} {}", if access.starts_with("access") { "🔒" } else { "⚠️" }, access.to_lowercase());
    }
    let title = format!("#{number} {}{worst}", html(&heading(group)));
    let mut lines = Vec::new();
    for resource in worst_first(group) {
        let first = match sign(resource.action) {
            sign @ ("+" | "-") => sign,
            _ => "!",
        };
        lines.push(format!("{first} {}  {}  {}", resource.logical_id, resource.kind, words(group, resource)));
        lines.extend(own_properties(resource).flat_map(|change| property(change, &group.resources)));
    }
    for (name, changes) in beside(group) {
        lines.push(format!("! {name}"));
        lines.extend(changes.iter().flat_map(|change| property(change, &group.resources)));
    }
    let all: Vec<String> =
        group.stacks.iter().map(|stack| stack.tenant.clone().unwrap_or_else(|| stack.stack.clone())).collect();
    let of = if group.action == StackAction::Updated { "For" } else { "Of" };
    let before = if group.is_of_template() { String::new() } else { format!("{of}: {}", names(all.iter(), tenants)) };
    details(page, &title, &before, &lines);
}

/// A part that opens.
fn details(page: &mut String, title: &str, before: &str, lines: &[String]) {
    let _ = writeln!(page, "\n<details><summary>{title}</summary>\n");
    if !before.is_empty() {
        let _ = writeln!(page, "{before}\n");
    }
    let fence = "`".repeat(lines.iter().map(|line| run(line)).max().unwrap_or(0).max(2) + 1);
    let _ = writeln!(page, "{fence}diff");
    for line in lines {
        let _ = writeln!(page, "{line}");
    }
    let _ = writeln!(page, "{fence}\n\n</details>");
}

/// A property that differs, as lines of a block of differences.
fn property(change: &PropertyChange, resources: &[ResourceChange]) -> Vec<String> {
    let path = change.path.strip_prefix("Properties/").unwrap_or(&change.path);
    let effect = effect_words(change.effect).map(|words| format!("  ({words})")).unwrap_or_default();
    let mut lines = vec![format!("    {path}{effect}")];
    if let Some(words) = refers(change.old.as_ref(), change.new.as_ref(), resources) {
        lines.push(format!("      {words}"));
        return lines;
    }
    lines.extend(change.old.as_ref().map(|value| format!("-     {}", shown(value, MOST))));
    lines.extend(change.new.as_ref().map(|value| format!("+     {}", shown(value, MOST))));
    lines
}

fn names<'a>(names: impl ExactSizeIterator<Item = &'a String>, tenants: Tenants<'_>) -> String {
    let count = names.len();
    let most = if tenants == Tenants::All { count } else { FEW };
    let first: Vec<String> = names.take(most).map(|name| code(name)).collect();
    match count.saturating_sub(most) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// The longest run of backticks.
fn run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// Text as code, whatever it holds.
fn code(text: &str) -> String {
    let text = super::visible(text);
    let fence = "`".repeat(run(&text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

fn html(text: &str) -> String {
    super::visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text that is nothing but text: what Markdown gives a meaning is escaped.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    for character in super::visible(text).chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '@' | '!') {
            shown.push('\\');
        }
        match character {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            other => shown.push(other),
        }
    }
    shown
}

/// A finding's message: what stands in backticks stays code, the rest is text.
fn sentence(message: &str) -> String {
    let parts = message.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 0 { plain(part) } else { code(part) }).collect()
}
