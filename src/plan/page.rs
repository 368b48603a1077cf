//! The plan for people: as a runbook in text, and in Markdown for a ticket.

use super::document::{Amount, Carry, DowntimeClass, Fate, Gone, How, Kind, Place, Plan, Share, Store};
use crate::diagnostics::{counted, plural};

/// How wide the text is, in characters.
const WIDTH: usize = 100;

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Text,
    Markdown,
}

/// The plan as a runbook in text.
#[must_use]
pub fn text(plan: &Plan) -> String {
    Page { style: Style::Text, out: String::new() }.page(plan)
}

/// The plan in Markdown, with a box to tick for each step.
#[must_use]
pub fn markdown(plan: &Plan) -> String {
    Page { style: Style::Markdown, out: String::new() }.page(plan)
}

/// A length of time in words: hours below two days, days from there on.
fn span(hours: u64) -> String {
    let (number, unit) = if hours < 48 { (hours, "hour") } else { (hours.div_ceil(24), "day") };
    counted(number, unit)
}

fn gone(gone: &Gone) -> String {
    match gone {
        Gone::AtOnce => "gone with the step".to_owned(),
        Gone::Within { hours } => format!("gone within {}", span(*hours)),
        Gone::NotBefore { hours, because } => format!("not before {} after the last write: {because}", span(*hours)),
        Gone::Never { because } => format!("never by itself: {because}"),
        Gone::Unknown { because } => format!("when is not known: {because}"),
    }
}

/// A fact of another program, as Markdown shows it and does not read it.
fn literal(text: &str, style: Style) -> String {
    match style {
        Style::Text => text.to_owned(),
        Style::Markdown => text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('\n', " "),
    }
}

struct Page {
    style: Style,
    out: String,
}

impl Page {
    fn page(mut self, plan: &Plan) -> String {
        let name = plan.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        self.heading(
            1,
            &format!("{}: {}{name}, {} {}", plan.kind.words(), plan.tenant, plan.blueprint, plan.environment),
        );
        if let Some(from) = &plan.from {
            self.item(&format!("from  {}", place(from)));
        }
        if let Some(to) = &plan.to {
            self.item(&format!("to    {}", place(to)));
        }
        let class = match plan.downtime.class {
            DowntimeClass::None => "none",
            DowntimeClass::ReadOnly => "read-only",
            DowntimeClass::Full => "full",
        };
        self.item(&format!("downtime  {class}: {}", plan.downtime.why));
        match &plan.point_of_no_return {
            Some(step) => {
                self.item(&format!("point of no return  {step}: every step before it says how it is taken back"))
            }
            None if plan.kind != Kind::Nothing => {
                self.item("point of no return  none: every step says how it is taken back")
            }
            None => {}
        }
        if plan.legal_hold {
            self.item("legal hold  the data must not be deleted");
        }
        self.resources(plan);
        self.amounts("Entitlements", &plan.entitlements);
        self.amounts("Rates and limits", &plan.quotas);
        if !plan.guardrails.is_empty() {
            self.heading(2, "Guardrails");
            for one in &plan.guardrails {
                self.item(&format!("{} `{}`", one.change, one.statement));
            }
        }
        self.stores(plan);
        if !plan.beyond.is_empty() {
            self.heading(2, "Beyond the templates");
            for residue in &plan.beyond {
                self.item(&format!("{}: {}; {}", residue.what, residue.action, gone(&residue.gone)));
            }
        }
        if !plan.steps.is_empty() {
            self.heading(2, "Steps");
            self.steps(plan);
        }
        if !plan.notes.is_empty() {
            self.heading(2, "Notes");
            plan.notes.iter().for_each(|note| self.item(note));
        }
        let dates: Vec<String> = plan.facts.iter().map(|(name, date)| format!("`{name}` of {date}")).collect();
        self.heading(2, "Facts");
        self.item(&dates.join(", "));
        self.out
    }

    fn heading(&mut self, level: usize, text: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        match self.style {
            Style::Markdown => self.out += &format!("{} {}\n\n", "#".repeat(level), literal(text, self.style)),
            Style::Text => self.out += &format!("{text}\n{}", if level == 1 { "\n" } else { "" }),
        }
    }

    fn item(&mut self, text: &str) {
        match self.style {
            Style::Markdown => self.out += &format!("- {}\n", literal(text, self.style)),
            Style::Text => self.wrapped(text, "  ", "    "),
        }
    }

    fn wrapped(&mut self, text: &str, first: &str, rest: &str) {
        let mut line = first.to_owned();
        let mut is_empty = true;
        for word in text.split(' ') {
            if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.out += line.trim_end();
                self.out.push('\n');
                line = rest.to_owned();
                is_empty = true;
            }
            if !is_empty {
                line.push(' ');
            }
            line += word;
            is_empty = false;
        }
        self.out += line.trim_end();
        self.out.push('\n');
    }

    fn resources(&mut self, plan: &Plan) {
        let count = |fate: Fate| plan.resources.iter().filter(|one| one.fate == fate).count();
        let words = [
            (Fate::Created, "created"),
            (Fate::Kept, "kept"),
            (Fate::Updated, "updated"),
            (Fate::Replaced, "replaced"),
            (Fate::Deleted, "deleted with the stack"),
            (Fate::LeftBehind, "left behind by the stack"),
        ];
        let told: Vec<String> = words
            .iter()
            .filter(|(fate, _)| count(*fate) > 0)
            .map(|(fate, word)| format!("{} {word}", count(*fate)))
            .collect();
        if told.is_empty() {
            return;
        }
        self.heading(2, "Resources of its own");
        self.item(&told.join(", "));
        for one in plan.resources.iter().filter(|one| !matches!(one.fate, Fate::Created | Fate::Kept | Fate::Deleted)) {
            let word = words.iter().find(|(fate, _)| *fate == one.fate).map_or("", |(_, word)| word);
            self.item(&format!("{word}: `{}` ({})", one.logical_id, one.kind));
        }
    }

    fn amounts(&mut self, title: &str, amounts: &[Amount]) {
        if amounts.is_empty() {
            return;
        }
        self.heading(2, title);
        for amount in amounts {
            let shown = |value: &Option<serde_json::Value>| {
                value.as_ref().map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"))
            };
            self.item(&format!("{}: {} → {}", amount.name, shown(&amount.old), shown(&amount.new)));
        }
    }

    fn stores(&mut self, plan: &Plan) {
        if plan.stores.is_empty() {
            return;
        }
        self.heading(2, "Where its data is");
        for store in plan.stores.iter().filter(|store| !(store.carry == Carry::Kept && store.id.starts_with("to/"))) {
            let name = store.name.as_deref().unwrap_or(&store.logical_id);
            let share = match &store.share {
                Share::Own => "its own".to_owned(),
                Share::Keyed { key } => format!("shared, under `{key}`"),
                Share::Application { .. } => "shared, told apart by code".to_owned(),
            };
            let becomes =
                heir(plan, store).map(|heir| format!(" to `{}`", heir.name.as_deref().unwrap_or(&heir.logical_id)));
            self.item(&format!(
                "{}{}  `{}` {} `{name}` ({}, {}; {share})",
                carried(store.carry),
                becomes.unwrap_or_default(),
                store.component,
                store.keeps,
                store.kind,
                store.region,
            ));
            let leaves =
                matches!(store.carry, Carry::Erased | Carry::Copied | Carry::Recreated | Carry::Drained | Carry::Left);
            if leaves && store.id.starts_with("from/") {
                self.detail(&format!("{}: {}; {}", store.how.words(), store.erase, gone(&store.gone)));
                for residue in &store.residues {
                    self.detail(&format!("{}: {}; {}", residue.what, residue.action, gone(&residue.gone)));
                }
                if store.encrypted_with.is_some() && store.how != How::CryptoShred {
                    self.detail("encrypted with the tenant's own key: unreadable, copies and backups too, once that is shredded");
                }
            }
        }
        for trusted in plan.empty.iter().filter(|empty| empty.on_trust) {
            self.item(&format!(
                "look at `{}` ({}, in `{}`), which could hold some of it: {}",
                trusted.logical_id, trusted.kind, trusted.stack, trusted.why
            ));
        }
        let empty = plan.empty.iter().filter(|empty| !empty.on_trust).count() as u64;
        if empty > 0 {
            let resources = plural(empty, "other resource keeps", "other resources keep");
            self.item(&format!("{resources} nothing of the tenant; `--output json` says why for each"));
        }
    }

    fn detail(&mut self, text: &str) {
        match self.style {
            Style::Markdown => self.out += &format!("  - {}\n", literal(text, self.style)),
            Style::Text => self.wrapped(&format!("- {text}"), "      ", "        "),
        }
    }

    fn steps(&mut self, plan: &Plan) {
        for step in &plan.steps {
            if step.point_of_no_return {
                match self.style {
                    Style::Markdown => {
                        self.out += "\n---\n\n**Point of no return: nothing below can be taken back.**\n\n"
                    }
                    Style::Text => {
                        self.out += "\n  — point of no return: nothing below can be taken back —\n\n";
                    }
                }
            }
            let title = format!("{}  {}  {}", step.id, step.phase.as_str(), step.title);
            match self.style {
                Style::Markdown => {
                    let title = literal(&step.title, self.style);
                    self.out += &format!("- [ ] **{}** ({}) {title}\n", step.id, step.phase.as_str());
                }
                Style::Text => self.wrapped(&title, "  ", "       "),
            }
            if let Some(how) = &step.how {
                self.detail(&format!("how: {how}"));
            }
            self.detail(&format!("done when: {}", step.done_when));
            if let Some(rollback) = &step.rollback {
                self.detail(&format!("back: {rollback}"));
            }
            if let Some(when) = &step.gone {
                self.detail(&gone(when));
            }
            if !step.needs.is_empty() {
                let needs = runs(&step.needs);
                self.detail(&format!("after: {needs}"));
            }
        }
    }
}

/// Ids in a row as a range: `s01–s09, s12`.
fn runs(ids: &[String]) -> String {
    let mut numbers: Vec<u32> = ids.iter().filter_map(|id| id.strip_prefix('s')?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut told: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match told.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => told.push((number, number)),
        }
    }
    let range = |(first, last): &(u32, u32)| match last - first {
        0 => format!("s{first:02}"),
        1 => format!("s{first:02}, s{last:02}"),
        _ => format!("s{first:02}–s{last:02}"),
    };
    told.iter().map(range).collect::<Vec<_>>().join(", ")
}

fn heir<'a>(plan: &'a Plan, store: &Store) -> Option<&'a Store> {
    let id =
        store.becomes.as_ref().filter(|_| matches!(store.carry, Carry::Copied | Carry::Recreated | Carry::Drained))?;
    plan.stores.iter().find(|other| other.id == *id)
}

fn carried(carry: Carry) -> &'static str {
    match carry {
        Carry::New => "new",
        Carry::Kept => "kept",
        Carry::Copied => "copied",
        Carry::Drained => "worked off",
        Carry::Recreated => "made anew",
        Carry::Left => "left",
        Carry::Erased => "erased",
    }
}

fn place(place: &Place) -> String {
    format!(
        "tier `{}` ({}), cell `{}`, {}, account {}, {}",
        place.tier,
        place.isolation,
        place.cell,
        place.region,
        place.account.as_deref().unwrap_or("not known yet"),
        place.state
    )
}
