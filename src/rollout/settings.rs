//! What a rollout keeps to: `rollout.yaml`. Every key may be left out.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::source::shape::{Kind, Shape, check_record, optional, record_schema, required};
use crate::source::{Entry, Node};

/// A name that somebody wrote, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub origin: Origin,
}

/// How many of something may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    /// So many steps of a wave.
    Steps(u64),
    /// So many of a hundred steps of a wave, rounded down.
    Percent(u64),
}

impl Failures {
    /// How many of so many steps.
    #[must_use]
    pub fn of(self, steps: u64) -> u64 {
        match self {
            Self::Steps(count) => count,
            Self::Percent(percent) => steps.saturating_mul(percent) / 100,
        }
    }
}

/// The alarms of the deployed templates that a gate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// None.
    None,
    /// Those in stacks that tenants share.
    Shared,
    /// Those of tenants' own stacks as well.
    All,
}

/// An alarm that no template makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmPattern {
    /// Its name, with `{cell}`, `{tier}`, `{account}` and `{region}`.
    pub name: String,
    /// Its account; none for that of the cell.
    pub account: Option<String>,
    /// Its region; none for that of the cell.
    pub region: Option<String>,
}

/// A tenant or cell that keeps what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The tenant or cell.
    pub what: Pinned,
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub origin: Origin,
}

/// Who is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pinned {
    /// A tenant.
    Tenant(String),
    /// A cell with all its tenants.
    Cell(String),
}

/// Who lets a stack set into accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permissions {
    /// Organizations does, by the unit that accounts stand in.
    ServiceManaged,
    /// Roles in the accounts do.
    SelfManaged,
}

/// How tenants whose boundary is the account are deployed by stack sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackSets {
    /// How many stack sets a tier's tenants are divided among. Never changed once there are instances.
    pub shards: u64,
    /// Who lets them into accounts.
    pub permissions: Permissions,
    /// The most accounts that one operation names.
    pub accounts_per_operation: u64,
}

/// What becomes of stacks that the new assembly no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gone {
    /// There is no rollout.
    #[default]
    Refuse,
    /// They stay as they are.
    Keep,
    /// They are deleted, in a last wave.
    Delete,
}

/// What a rollout keeps to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The tiers that come first, in order; the others follow by isolation: pool, bridge, silo.
    pub order: Vec<Named>,
    /// Tenants that go before the others of their tier.
    pub canary_tenants: Vec<Named>,
    /// Cells that go before the others, after the canary tenants.
    pub canary_cells: Vec<Named>,
    /// How many tenants of each tier go first even if none is named.
    pub canaries_per_tier: u64,
    /// Shares of a tier's tenants, in percent, at which a wave ends.
    pub percentages: Vec<u64>,
    /// Cells that stand in for each other.
    pub pairs: Vec<(Named, Named)>,
    /// The most tenants of all that a wave changes, in percent, but at least one.
    pub tenants_per_wave: u64,
    /// The most tenants of a tier that a wave changes, in percent, but at least one.
    pub tier_per_wave: u64,
    /// Whether a cell whose shared stack changes may be more than that, if it has the wave for itself.
    pub whole_cells: bool,
    /// The most steps at once.
    pub concurrency: u64,
    /// The most stacks at once in one account and region.
    pub account_concurrency: u64,
    /// The failures that a wave bears.
    pub tolerance: Failures,
    /// How long to wait after a wave, in minutes.
    pub bake_minutes: u64,
    /// The alarms of templates that a gate looks at.
    pub watched: Watched,
    /// Other alarms that a gate looks at.
    pub alarms: Vec<AlarmPattern>,
    /// Who keeps what it has.
    pub pins: Vec<Pin>,
    /// Tenants that get all of their stacks even if nothing in them has changed: those that were pinned before.
    pub catch_up: Vec<Named>,
    /// How stack sets are used; none for change sets everywhere.
    pub stack_sets: Option<StackSets>,
    /// The role to assume in each account.
    pub role: Option<String>,
    /// The bucket for large templates.
    pub template_bucket: Option<String>,
    /// The account of Organizations and StackSets.
    pub management_account: Option<String>,
    /// The region that StackSets are called in.
    pub management_region: Option<String>,
    /// Whether units, policies and the places of accounts are part of the rollout.
    pub organization: bool,
    /// The root or unit that the tiers' units stand below; none for the default of the organization's template.
    pub parent: Option<String>,
    /// The tier in whose unit an account stands that holds stacks of several.
    pub account_units: BTreeMap<String, Named>,
    /// What becomes of stacks that are gone.
    pub gone: Gone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            canary_tenants: Vec::new(),
            canary_cells: Vec::new(),
            canaries_per_tier: 1,
            percentages: vec![5, 25, 100],
            pairs: Vec::new(),
            tenants_per_wave: 100,
            tier_per_wave: 100,
            whole_cells: false,
            concurrency: 20,
            account_concurrency: 5,
            tolerance: Failures::Steps(0),
            bake_minutes: 15,
            watched: Watched::Shared,
            alarms: Vec::new(),
            pins: Vec::new(),
            catch_up: Vec::new(),
            stack_sets: Some(StackSets {
                shards: 8,
                permissions: Permissions::ServiceManaged,
                accounts_per_operation: 100,
            }),
            role: None,
            template_bucket: None,
            management_account: None,
            management_region: None,
            organization: true,
            parent: None,
            account_units: BTreeMap::new(),
            gone: Gone::Refuse,
        }
    }
}

const TEXTS: Kind = Kind::List(&Kind::Text);
const PERCENT: Kind = Kind::Integer(1, 100);

static CANARIES: Shape = Shape {
    what: "the canaries",
    doc: "Who goes first.",
    fields: &[
        optional("tenants", TEXTS, "tenants that go before the others of their tier"),
        optional("cells", TEXTS, "cells that go before the others, after the tenants"),
        optional("per_tier", Kind::Integer(0, 1_000), "how many tenants of each tier go first anyway, 1 by default"),
    ],
};

static LIMITS: Shape = Shape {
    what: "the limits",
    doc: "The most that one wave may change.",
    fields: &[
        optional("tenants", PERCENT, "the most of all tenants, in percent but at least one tenant, 100 by default"),
        optional("tier", PERCENT, "the most of a tier's tenants, in percent but at least one tenant, 100 by default"),
        optional(
            "whole_cells",
            Kind::Truth,
            "whether a cell whose shared stack changes may be more than that in a wave of its own, `false` by default",
        ),
    ],
};

static CONCURRENCY: Shape = Shape {
    what: "the concurrency",
    doc: "How much runs at once.",
    fields: &[
        optional("steps", Kind::Integer(1, 10_000), "the most steps at once, 20 by default"),
        optional("account", Kind::Integer(1, 1_000), "the most stacks at once in an account and region, 5 by default"),
    ],
};

static TOLERANCE: Shape = Shape {
    what: "the tolerance",
    doc: "How many steps of a wave may fail.",
    fields: &[optional("percent", Kind::Integer(0, 100), "so many of a hundred steps, rounded down")],
};

static ALARM: Shape = Shape {
    what: "an alarm",
    doc: "An alarm of CloudWatch that no template makes.",
    fields: &[
        required("name", Kind::Text, "its name, with `{cell}`, `{tier}`, `{account}` and `{region}`"),
        optional("account", Kind::Text, "its account, that of the cell by default"),
        optional("region", Kind::Text, "its region, that of the cell by default"),
    ],
};

static GATE: Shape = Shape {
    what: "the gate",
    doc: "What stands between two waves.",
    fields: &[
        optional("bake_minutes", Kind::Integer(0, 10_080), "how long to wait, in minutes, 15 by default"),
        optional(
            "watch",
            Kind::Word(&["none", "shared", "all"]),
            "the templates' own alarms to look at: of stacks that tenants share (the default), or of all that changed",
        ),
        optional("alarms", Kind::List(&Kind::Record(&ALARM)), "other alarms"),
    ],
};

static PIN: Shape = Shape {
    what: "a pin",
    doc: "Who keeps what it has.",
    fields: &[
        optional("tenant", Kind::Text, "the tenant"),
        optional("cell", Kind::Text, "or the cell, with all its tenants"),
        required("until", Kind::Text, "the last day, as `2027-01-31`"),
        required("reason", Kind::Text, "why"),
    ],
};

static STACK_SETS: Shape = Shape {
    what: "the use of stack sets",
    doc: "How tenants whose boundary is the account are deployed.",
    fields: &[
        optional("shards", Kind::Integer(1, 1_000), "how many sets a tier has, 8 by default; never to be changed"),
        optional(
            "permissions",
            Kind::Word(&["service-managed", "self-managed"]),
            "who lets them into accounts, `service-managed` by default",
        ),
        optional("accounts", Kind::Integer(1, 10_000), "the most accounts of one operation, 100 by default"),
    ],
};

static MANAGEMENT: Shape = Shape {
    what: "the management account",
    doc: "Where Organizations and StackSets are called.",
    fields: &[
        optional("account", Kind::Text, "the account, the caller's own by default"),
        optional("region", Kind::Text, "the region of StackSets"),
    ],
};

static SETTINGS: Shape = Shape {
    what: "the settings of a rollout",
    doc: "What a rollout keeps to.",
    fields: &[
        optional("order", TEXTS, "the tiers that come first; the others follow by isolation: pool, bridge, silo"),
        optional("canaries", Kind::Record(&CANARIES), "who goes first"),
        optional("percentages", Kind::List(&PERCENT), "shares of a tier at which a wave ends, [5, 25, 100] by default"),
        optional("pairs", Kind::List(&TEXTS), "pairs of cells that are never changed in the same wave"),
        optional("limits", Kind::Record(&LIMITS), "the most that one wave may change"),
        optional("concurrency", Kind::Record(&CONCURRENCY), "how much runs at once"),
        optional(
            "tolerance",
            Kind::Either(&Kind::Integer(0, 1_000_000), &Kind::Record(&TOLERANCE)),
            "how many steps of a wave may fail, 0 by default",
        ),
        optional("gate", Kind::Record(&GATE), "what stands between two waves"),
        optional("pins", Kind::List(&Kind::Record(&PIN)), "who keeps what it has"),
        optional("catch_up", TEXTS, "tenants that get all of their stacks, because they were pinned before"),
        optional(
            "stack_sets",
            Kind::Either(&Kind::Truth, &Kind::Record(&STACK_SETS)),
            "how tenants whose boundary is the account are deployed; `false` for change sets everywhere",
        ),
        optional("role", Kind::Text, "the role to assume, with `{account}` and `{partition}`"),
        optional("template_bucket", Kind::Text, "the bucket for large templates, with `{account}` and `{region}`"),
        optional("management", Kind::Record(&MANAGEMENT), "where Organizations and StackSets are called"),
        optional("organization", Kind::Truth, "whether units, policies and accounts' places are included, by default"),
        optional("parent", Kind::Text, "the root or unit that the tiers' units stand below"),
        optional(
            "account_units",
            Kind::MapOf(&Kind::Text),
            "for accounts that hold stacks of several tiers, the tier in whose unit they stand",
        ),
    ],
};

/// The JSON Schema of `rollout.yaml`.
#[must_use]
pub fn settings_schema() -> Json {
    let mut schema = record_schema(&SETTINGS);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("Settings of a rollout of tenantry"));
    }
    schema
}

/// Reads settings; nothing if something is wrong with them, which the sink says.
#[must_use]
pub fn settings(node: &Node, sink: &mut Sink) -> Option<Settings> {
    let mut found = Sink::new();
    check_record(node, &SETTINGS, &mut found);
    let settings = if found.has_errors() { None } else { Some(Reader { sink: &mut found }.settings(node)) };
    let good = !found.has_errors();
    sink.append(found);
    settings.filter(|_| good)
}

struct Reader<'s> {
    sink: &'s mut Sink,
}

impl Reader<'_> {
    fn wrong(&mut self, origin: &Origin, message: String, help: &str) {
        self.sink.push(Diagnostic::new(&codes::ROLLOUT_SETTING, origin.clone(), message).help(help));
    }

    fn settings(&mut self, node: &Node) -> Settings {
        let default = Settings::default();
        let part = |key: &str, inner: &str| node.get(key).and_then(|part| part.get(inner));
        let number = |node: Option<&Node>, otherwise: u64| {
            node.and_then(Node::integer).and_then(|number| u64::try_from(number).ok()).unwrap_or(otherwise)
        };
        let truth = |node: Option<&Node>, otherwise: bool| node.and_then(Node::truth).unwrap_or(otherwise);
        let alarms = part("gate", "alarms").and_then(Node::items).unwrap_or_default();
        Settings {
            order: self.names(node.get("order"), "tier"),
            canary_tenants: self.names(part("canaries", "tenants"), "tenant"),
            canary_cells: self.names(part("canaries", "cells"), "cell"),
            canaries_per_tier: number(part("canaries", "per_tier"), default.canaries_per_tier),
            percentages: node.get("percentages").map_or(default.percentages, |node| self.percentages(node)),
            pairs: node.get("pairs").map(|node| self.pairs(node)).unwrap_or_default(),
            tenants_per_wave: number(part("limits", "tenants"), default.tenants_per_wave),
            tier_per_wave: number(part("limits", "tier"), default.tier_per_wave),
            whole_cells: truth(part("limits", "whole_cells"), default.whole_cells),
            concurrency: number(part("concurrency", "steps"), default.concurrency),
            account_concurrency: number(part("concurrency", "account"), default.account_concurrency),
            tolerance: node.get("tolerance").map_or(default.tolerance, |node| match node.get("percent") {
                Some(percent) => Failures::Percent(number(Some(percent), 0)),
                None => Failures::Steps(number(Some(node), 0)),
            }),
            bake_minutes: number(part("gate", "bake_minutes"), default.bake_minutes),
            watched: match part("gate", "watch").and_then(Node::text) {
                Some("none") => Watched::None,
                Some("all") => Watched::All,
                _ => default.watched,
            },
            alarms: alarms.iter().map(|node| self.alarm(node)).collect(),
            pins: self.pins(node.get("pins")),
            catch_up: self.names(node.get("catch_up"), "tenant"),
            stack_sets: match node.get("stack_sets") {
                Some(node) if node.truth() == Some(false) => None,
                Some(node) => default.stack_sets.map(|sets| StackSets {
                    shards: number(node.get("shards"), sets.shards),
                    permissions: match node.get("permissions").and_then(Node::text) {
                        Some("self-managed") => Permissions::SelfManaged,
                        _ => sets.permissions,
                    },
                    accounts_per_operation: number(node.get("accounts"), sets.accounts_per_operation),
                }),
                None => default.stack_sets,
            },
            role: self.template(node.get("role"), &["account", "partition"]),
            template_bucket: self.template(node.get("template_bucket"), &["account", "region"]),
            management_account: self.account(part("management", "account")),
            management_region: part("management", "region").and_then(Node::text).map(str::to_owned),
            organization: truth(node.get("organization"), default.organization),
            parent: self.parent(node.get("parent")),
            account_units: self.account_units(node.get("account_units")),
            gone: default.gone,
        }
    }

    fn names(&mut self, node: Option<&Node>, what: &str) -> Vec<Named> {
        let mut names: Vec<Named> = Vec::new();
        for item in node.and_then(Node::items).unwrap_or_default() {
            let Some(name) = item.text() else { continue };
            if names.iter().any(|other| other.name == name) {
                self.wrong(&item.origin, format!("the {what} `{name}` stands here twice"), "leave one of them");
            }
            names.push(Named { name: name.to_owned(), origin: item.origin.clone() });
        }
        names
    }

    fn percentages(&mut self, node: &Node) -> Vec<u64> {
        let items = node.items().unwrap_or_default();
        let numbers: Vec<u64> =
            items.iter().filter_map(Node::integer).filter_map(|number| u64::try_from(number).ok()).collect();
        let ascending = numbers.is_sorted_by(|one, other| one < other);
        if !ascending || numbers.last() != Some(&100) {
            self.wrong(
                &node.origin,
                "percentages grow from wave to wave and end with 100".to_owned(),
                "write `[5, 25, 100]`, or `[100]` for one wave",
            );
        }
        numbers
    }

    fn pairs(&mut self, node: &Node) -> Vec<(Named, Named)> {
        let mut pairs = Vec::new();
        for item in node.items().unwrap_or_default() {
            let named =
                |node: &Node| node.text().map(|name| Named { name: name.to_owned(), origin: node.origin.clone() });
            let names: Vec<Named> = item.items().unwrap_or_default().iter().filter_map(named).collect();
            match <[Named; 2]>::try_from(names) {
                Ok([one, other]) if one.name != other.name => pairs.push((one, other)),
                _ => self.wrong(&item.origin, "a pair has two different cells".to_owned(), "write `[eu-1, eu-2]`"),
            }
        }
        pairs
    }

    fn alarm(&mut self, node: &Node) -> AlarmPattern {
        AlarmPattern {
            name: self.template(node.get("name"), &["cell", "tier", "account", "region"]).unwrap_or_default(),
            account: self.account(node.get("account")),
            region: node.get("region").and_then(Node::text).map(str::to_owned),
        }
    }

    /// A text with placeholders, all of which are known.
    fn template(&mut self, node: Option<&Node>, known: &[&str]) -> Option<String> {
        let (node, text) = (node?, node?.text()?);
        for part in text.split('{').skip(1) {
            let name = part.split('}').next().unwrap_or_default();
            if !part.contains('}') || !known.contains(&name) {
                let finding = Diagnostic::new(
                    &codes::ROLLOUT_SETTING,
                    node.origin.clone(),
                    format!("nobody knows what `{{{name}}}` stands for here"),
                );
                let all: Vec<String> = known.iter().map(|name| format!("`{{{name}}}`")).collect();
                let finding = finding.did_you_mean(name, known.iter().copied());
                self.sink.push(finding.help(format!("what is filled in is {}", all.join(", "))));
            }
        }
        Some(text.to_owned())
    }

    fn account(&mut self, node: Option<&Node>) -> Option<String> {
        let (node, text) = (node?, node?.text()?);
        if !is_account(text) {
            self.wrong(&node.origin, format!("`{text}` is not an account"), "write twelve digits, in quotes");
        }
        Some(text.to_owned())
    }

    fn parent(&mut self, node: Option<&Node>) -> Option<String> {
        let (node, text) = (node?, node?.text()?);
        if !text.starts_with("r-") && !text.starts_with("ou-") {
            self.wrong(
                &node.origin,
                format!("`{text}` is neither a root nor a unit"),
                "write its id: `r-…` or `ou-…-…`",
            );
        }
        Some(text.to_owned())
    }

    fn account_units(&mut self, node: Option<&Node>) -> BTreeMap<String, Named> {
        let mut units = BTreeMap::new();
        for Entry { key, key_origin, value } in node.and_then(Node::entries).unwrap_or_default() {
            if !is_account(key) {
                self.wrong(key_origin, format!("`{key}` is not an account"), "write twelve digits, in quotes");
            }
            let name = value.text().unwrap_or_default().to_owned();
            units.insert(key.clone(), Named { name, origin: value.origin.clone() });
        }
        units
    }

    fn pins(&mut self, node: Option<&Node>) -> Vec<Pin> {
        let mut pins = Vec::new();
        for item in node.and_then(Node::items).unwrap_or_default() {
            let text = |key: &str| item.get(key).and_then(Node::text).map(str::to_owned);
            let what = match (text("tenant"), text("cell")) {
                (Some(tenant), None) => Pinned::Tenant(tenant),
                (None, Some(cell)) => Pinned::Cell(cell),
                _ => {
                    self.wrong(
                        &item.origin,
                        "a pin is of a tenant or of a cell".to_owned(),
                        "write `tenant:` or `cell:`, and not both",
                    );
                    continue;
                }
            };
            let until = text("until").unwrap_or_default();
            if !is_date(&until) {
                let origin = item.get("until").map_or(&item.origin, |node| &node.origin);
                self.wrong(origin, format!("`{until}` is not a day"), "write it as `2027-01-31`");
            }
            pins.push(Pin { what, until, reason: text("reason").unwrap_or_default(), origin: item.origin.clone() });
        }
        pins
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is a day of the calendar, as `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) || text.bytes().any(|b| b != b'-' && !b.is_ascii_digit()) {
        return false;
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>()) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Finds pins whose last day is before `today` (`YYYY-MM-DD`). Days in this form sort like the calendar.
pub fn expired(settings: &Settings, today: &str, sink: &mut Sink) {
    for pin in settings.pins.iter().filter(|pin| pin.until.as_str() < today) {
        let (what, name) = match &pin.what {
            Pinned::Tenant(name) => ("tenant", name),
            Pinned::Cell(name) => ("cell", name),
        };
        sink.push(
            Diagnostic::new(
                &codes::ROLLOUT_PIN_EXPIRED,
                pin.origin.clone(),
                format!("the pin of {what} `{name}` ended on {}, and today is {today}", pin.until),
            )
            .help(match &pin.what {
                Pinned::Tenant(name) => {
                    format!("take the pin out and write `catch_up: [{name}]` once, or give it a later day")
                }
                Pinned::Cell(_) => "take the pin out and name the cell's tenants in `catch_up` once, or give it a \
                                    later day"
                    .to_owned(),
            }),
        );
    }
}
