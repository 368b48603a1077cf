//! Tenants, from a blueprint or from a file of any length, in the order of their ids.
//!
//! A file is streamed: every line is checked once and put into a [`Spool`], which sorts by id and spills to disk
//! when it grows. So the memory that a million tenants take is that of the spool, and duplicates lie side by side.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::components;
use super::lower::{entitlements, items, misnamed};
use super::shapes::TENANT;
use crate::diagnostics::{Diagnostic, Origin, Sink, closest, codes};
use crate::model::{
    AccountId, Body, CellName, ComponentName, IdLanguage, Model, NameError, Region, Sharing, State, Tenant, TenantId,
    Tenants, Tier, TierName,
};
use crate::source::shape::check_record;
use crate::source::{Node, Sorted, Spool, World, why};

/// How many findings about lines of a file are kept before reading stops.
const MOST_FINDINGS: usize = 1_000;

/// What some programs begin a UTF-8 file with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where tenants go that do not fit into memory.
#[derive(Debug, Clone, Copy)]
pub struct Spill<'a> {
    /// A folder for a temporary file, made only when it is needed.
    pub folder: &'a Path,
    /// Bytes that are kept in memory.
    pub budget: usize,
}

/// All tenants in the order of their ids, without duplicates.
#[derive(Debug)]
pub enum TenantSet {
    /// They are at hand.
    Inline(Vec<Tenant>),
    /// They are read again, line by line.
    Spooled {
        /// The lines in order.
        lines: Sorted,
        /// The file they came from.
        file: Arc<str>,
    },
}

impl TenantSet {
    /// Hands every tenant to the function, in the order of ids.
    ///
    /// # Errors
    /// If the spool cannot be read back, or the function says so.
    pub fn for_each<E: From<std::io::Error>>(
        &self,
        model: &Model,
        mut visit: impl FnMut(&Tenant) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Inline(tenants) => tenants.iter().try_for_each(visit),
            Self::Spooled { lines, file } => {
                let mut cursor = lines.cursor()?;
                while let Some((_, payload)) = cursor.next()? {
                    let Some((line, json)) = split_payload(payload) else { continue };
                    let origin = Origin::Line { file: Arc::clone(file), line };
                    // Every line was read without a finding when it went into the spool.
                    if let Ok(record) = serde_json::from_slice::<Record<'_>>(json)
                        && let Some(tenant) = record.lower(&model.ids, &model.tiers, &origin, &mut Sink::new())
                    {
                        visit(&tenant)?;
                    }
                }
                Ok(())
            }
        }
    }
}

fn split_payload(payload: &[u8]) -> Option<(u64, &[u8])> {
    let (line, json) = payload.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*line), json))
}

/// A tenant as a line of a file says it. The same keys as in a blueprint.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record<'a> {
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    #[serde(borrow)]
    tier: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    state: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    cell: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    region: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    residency: Vec<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    geography: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    compliance: Vec<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    owner: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    cost_center: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overrides: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entitlements: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    legal_hold: bool,
}

/// Where the parts of a record stand: everything on one line, or each key at its own place.
struct Places<'a> {
    whole: &'a Origin,
    node: Option<&'a Node>,
}

impl Places<'_> {
    fn of(&self, key: &str) -> Origin {
        self.node.and_then(|node| node.get(key)).map_or_else(|| self.whole.clone(), |node| node.origin.clone())
    }
}

/// The parts of a record that have keys of the author's choice.
#[derive(Clone, Copy)]
struct Settings<'a> {
    overrides: Option<&'a Node>,
    entitlements: Option<&'a Node>,
}

impl Record<'_> {
    fn lower(&self, ids: &IdLanguage, tiers: &[Tier], origin: &Origin, sink: &mut Sink) -> Option<Tenant> {
        let tree = |entries: &serde_json::Map<String, serde_json::Value>| {
            Node::from_json(&serde_json::Value::Object(entries.clone()), origin)
        };
        let overrides = self.overrides.as_ref().map(tree);
        let entitlements = self.entitlements.as_ref().map(tree);
        let settings = Settings { overrides: overrides.as_ref(), entitlements: entitlements.as_ref() };
        self.lower_at(ids, tiers, &[], &Places { whole: origin, node: None }, settings, sink)
    }

    fn lower_at(
        &self,
        ids: &IdLanguage,
        tiers: &[Tier],
        unread: &[&str],
        places: &Places<'_>,
        settings: Settings<'_>,
        sink: &mut Sink,
    ) -> Option<Tenant> {
        let id = parsed(&self.tenant, &places.of("tenant"), &codes::ID_TENANT, |text| ids.parse(text), sink);
        let tier = parsed(&self.tier, &places.of("tier"), &codes::ID_NAME, TierName::new, sink);
        let known = tier.as_ref().and_then(|name| tiers.iter().find(|tier| tier.name == *name));
        if known.is_none()
            && let Some(tier) = &tier
            && !unread.contains(&tier.as_str())
        {
            sink.push(
                Diagnostic::new(
                    &codes::TENANT_UNKNOWN_TIER,
                    places.of("tier"),
                    format!("tenant `{}` is in tier `{tier}`, which the blueprint does not have", self.tenant),
                )
                .did_you_mean(tier.as_str(), tiers.iter().map(|tier| tier.name.as_str()))
                .help("name a tier that stands under `tiers:`"),
            );
        }
        let optional = |text: &Option<Cow<'_, str>>| text.as_ref().map(|text| text.to_string());
        let state = match self.state.as_deref() {
            None | Some("active") => State::Active,
            Some("suspended") => State::Suspended,
            Some(other) => {
                sink.push(
                    Diagnostic::new(
                        &codes::SHAPE_UNKNOWN_VALUE,
                        places.of("state"),
                        format!("`{other}` is not a state of a tenant"),
                    )
                    .help("write `active` or `suspended`"),
                );
                State::Active
            }
        };
        let account = self
            .account
            .as_ref()
            .and_then(|text| parsed(text, &places.of("account"), &codes::ID_ACCOUNT, AccountId::new, sink));
        let cell =
            self.cell.as_ref().and_then(|text| parsed(text, &places.of("cell"), &codes::ID_NAME, CellName::new, sink));
        let mut residency: Vec<Region> = Vec::new();
        for region in &self.residency {
            residency.extend(parsed(region, &places.of("residency"), &codes::ID_REGION, Region::new, sink));
        }
        let region = self
            .region
            .as_ref()
            .and_then(|region| parsed(region, &places.of("region"), &codes::ID_REGION, Region::new, sink));
        if let Some(region) = region {
            if !residency.is_empty() && !residency.contains(&region) {
                sink.push(
                    Diagnostic::new(
                        &codes::PLACEMENT_NO_CELL,
                        places.of("region"),
                        format!("tenant `{}` must be in `{region}`, where its data may not be", self.tenant),
                    )
                    .also(places.of("residency"), "its data may only be here")
                    .help(format!("add `{region}` to `residency:`, or name one of its regions")),
                );
            }
            residency = vec![region];
        }
        let overrides = match (settings.overrides, known) {
            (Some(node), Some(tier)) => lower_overrides(node, tier, sink),
            _ => BTreeMap::new(),
        };
        let entitled = settings.entitlements.map(|node| entitlements(node, sink)).unwrap_or_default();
        known?;
        Some(Tenant {
            id: id?,
            display_name: optional(&self.name),
            tier: tier?,
            state,
            account,
            cell,
            residency,
            geography: optional(&self.geography),
            compliance: self.compliance.iter().map(|text| text.to_string()).collect(),
            owner: optional(&self.owner),
            cost_center: optional(&self.cost_center),
            overrides,
            entitlements: entitled,
            legal_hold: self.legal_hold,
            origin: places.of("tenant"),
        })
    }
}

fn parsed<T>(
    text: &str,
    origin: &Origin,
    code: &'static crate::diagnostics::Code,
    make: impl FnOnce(&str) -> Result<T, NameError>,
    sink: &mut Sink,
) -> Option<T> {
    make(text).map_err(|error| sink.push(misnamed(error, code, origin))).ok()
}

fn lower_overrides(node: &Node, tier: &Tier, sink: &mut Sink) -> BTreeMap<ComponentName, Body> {
    let mut overrides = BTreeMap::new();
    for entry in node.entries().unwrap_or_default() {
        let member = tier.members.iter().find(|member| member.component.name.as_str() == entry.key);
        match member {
            None => sink.push(
                Diagnostic::new(
                    &codes::OVERRIDE_UNKNOWN,
                    entry.key_origin.clone(),
                    format!("tier `{}` has no component `{}`", tier.name, entry.key),
                )
                .did_you_mean(&entry.key, tier.members.iter().map(|member| member.component.name.as_str()))
                .help("name a component of the tenant's tier"),
            ),
            Some(member) if member.sharing == Some(Sharing::Pooled) => sink.push(
                Diagnostic::new(
                    &codes::OVERRIDE_POOLED,
                    entry.key_origin.clone(),
                    format!("`{}` is shared by all tenants of tier `{}`", entry.key, tier.name),
                )
                .help("one tenant cannot change it: set it for the tier, or make the component siloed"),
            ),
            Some(member) => {
                // An override that says what the tier says already is none, and makes no variant.
                if let Some(body) = components::overridden(&member.component.body, &entry.value, sink)
                    && body != member.component.body
                {
                    overrides.insert(member.component.name.clone(), body);
                }
            }
        }
    }
    overrides
}

/// The tenants that stand in a blueprint.
pub(super) fn inline(node: &Node, ids: &IdLanguage, tiers: &[Tier], unread: &[&str], sink: &mut Sink) -> Vec<Tenant> {
    let text = |entry: &Node, key: &str| entry.get(key).and_then(Node::text).map(|text| Cow::Owned(text.to_owned()));
    let texts = |entry: &Node, key: &str| {
        items(entry, key).iter().filter_map(|item| item.text().map(|text| Cow::Owned(text.to_owned()))).collect()
    };
    node.items()
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| {
            let record = Record {
                tenant: text(entry, "tenant")?,
                tier: text(entry, "tier")?,
                name: text(entry, "name"),
                state: text(entry, "state"),
                account: text(entry, "account"),
                cell: text(entry, "cell"),
                region: text(entry, "region"),
                residency: texts(entry, "residency"),
                geography: text(entry, "geography"),
                compliance: texts(entry, "compliance"),
                owner: text(entry, "owner"),
                cost_center: text(entry, "cost_center"),
                overrides: None,
                entitlements: None,
                legal_hold: entry.get("legal_hold").and_then(Node::truth).unwrap_or(false),
            };
            let places = Places { whole: &entry.origin, node: Some(entry) };
            let settings = Settings { overrides: entry.get("overrides"), entitlements: entry.get("entitlements") };
            record.lower_at(ids, tiers, unread, &places, settings, sink)
        })
        .collect()
}

/// All tenants of a model in the order of their ids. What is wrong with a line or an id goes to the sink.
///
/// # Errors
/// If the spool cannot be written.
pub fn collect(model: &Model, world: &dyn World, spill: &Spill<'_>, sink: &mut Sink) -> std::io::Result<TenantSet> {
    match &model.tenants {
        Tenants::Inline(tenants) => {
            let mut tenants = tenants.clone();
            tenants.sort_by(|one, other| one.id.cmp(&other.id));
            for pair in tenants.windows(2) {
                if let [first, again] = pair
                    && first.id == again.id
                {
                    sink.push(duplicate(&first.id, &again.origin, first.origin.clone()));
                }
            }
            Ok(TenantSet::Inline(tenants))
        }
        Tenants::File { path, origin } => from_file(model, path, origin, world, spill, sink),
    }
}

fn duplicate(id: &TenantId, again: &Origin, first: Origin) -> Diagnostic {
    Diagnostic::new(&codes::ID_DUPLICATE_TENANT, again.clone(), format!("the tenant `{id}` stands twice"))
        .label("again here")
        .also(first, "first here")
        .help("an id belongs to one tenant: take one of them out, or give it an id of its own")
}

fn from_file(
    model: &Model,
    path: &str,
    origin: &Origin,
    world: &dyn World,
    spill: &Spill<'_>,
    sink: &mut Sink,
) -> std::io::Result<TenantSet> {
    let file: Arc<str> = path.into();
    let mut spool = Spool::new(spill.folder, spill.budget);
    let csv = match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("jsonl" | "ndjson") => false,
        Some("csv") => true,
        _ => {
            sink.push(
                Diagnostic::new(
                    &codes::TENANT_FILE,
                    origin.clone(),
                    format!("`{path}` is neither `.jsonl` nor `.csv`"),
                )
                .help("name the file for its format: one JSON object to a line, or CSV with a header"),
            );
            return Ok(TenantSet::Spooled { lines: spool.finish()?, file });
        }
    };
    match world.open(Path::new(path)) {
        Err(error) => sink.push(
            Diagnostic::new(
                &codes::TENANT_FILE,
                origin.clone(),
                format!("the tenants' file `{path}` cannot be read: {}", why(&error)),
            )
            .help("the path counts from the blueprint's folder"),
        ),
        Ok(reader) => {
            let mut reading =
                Reading { model, file: Arc::clone(&file), spool: &mut spool, sink, found: 0, payload: Vec::new() };
            if csv { reading.csv(reader)? } else { reading.jsonl(reader)? }
        }
    }
    let lines = spool.finish()?;
    report_duplicates(&lines, &file, sink)?;
    Ok(TenantSet::Spooled { lines, file })
}

fn report_duplicates(lines: &Sorted, file: &Arc<str>, sink: &mut Sink) -> std::io::Result<()> {
    let mut previous: Option<(String, u64)> = None;
    let mut found = 0;
    let mut cursor = lines.cursor()?;
    while let Some((key, payload)) = cursor.next()? {
        let line = split_payload(payload).map_or(0, |(line, _)| line);
        match &mut previous {
            Some((id, first)) if id == key => {
                let at = |line| Origin::Line { file: Arc::clone(file), line };
                sink.push(
                    Diagnostic::new(&codes::ID_DUPLICATE_TENANT, at(line), format!("the tenant `{key}` stands twice"))
                        .also(at(*first), "first here")
                        .help("an id belongs to one tenant: take one of them out, or give it an id of its own"),
                );
                found += 1;
                if found >= MOST_FINDINGS {
                    break;
                }
            }
            Some((id, first)) => {
                id.clear();
                id.push_str(key);
                *first = line;
            }
            None => previous = Some((key.to_owned(), line)),
        }
    }
    Ok(())
}

struct Reading<'a> {
    model: &'a Model,
    file: Arc<str>,
    spool: &'a mut Spool,
    sink: &'a mut Sink,
    found: usize,
    /// Reused for every record: its line, then its JSON.
    payload: Vec<u8>,
}

impl Reading<'_> {
    fn origin(&self, line: u64) -> Origin {
        Origin::Line { file: Arc::clone(&self.file), line }
    }

    /// Whether reading goes on.
    fn report(&mut self, line: u64, problem: &str, help: &str) -> bool {
        let origin = self.origin(line);
        self.sink.push(
            Diagnostic::new(&codes::TENANT_RECORD, origin, format!("this line is not a tenant: {problem}")).help(help),
        );
        self.found += 1;
        self.goes_on(line)
    }

    /// Says what is wrong with the line that names the columns.
    fn header(&mut self, problem: &str, help: &str) {
        let origin = self.origin(1);
        self.sink.push(
            Diagnostic::new(
                &codes::TENANT_RECORD,
                origin,
                format!("the first line does not name columns of tenants: {problem}"),
            )
            .help(help),
        );
        self.found += 1;
    }

    /// Says what is wrong with a line that is not a record, in the words that a blueprint's tenants are judged with.
    fn refuse(&mut self, line: u64, json: &[u8], error: &serde_json::Error) -> bool {
        const HELP: &str = r#"a line is one JSON object, such as `{"tenant": "acme", "tier": "basic"}`"#;
        let value = match serde_json::from_slice::<serde_json::Value>(json) {
            Ok(value) => value,
            Err(_) if std::str::from_utf8(json).is_err() => return self.report(line, "it is not UTF-8", HELP),
            Err(error) => {
                let problem = match error.classify() {
                    serde_json::error::Category::Eof => "the JSON ends before it is complete".to_owned(),
                    _ => format!("it is not JSON at column {}", error.column()),
                };
                return self.report(line, &problem, HELP);
            }
        };
        let serde_json::Value::Object(entries) = &value else {
            return self.report(line, "it is not a JSON object", HELP);
        };
        let mut found = Sink::new();
        check_record(&Node::from_json(&value, &self.origin(line)), &TENANT, &mut found);
        if !found.is_empty() {
            self.found += found.len();
            self.sink.append(found);
            return self.goes_on(line);
        }
        let scalar = |value: &serde_json::Value| value.is_number() || value.is_boolean();
        let bare = entries.iter().find(|(key, value)| {
            (scalar(value) && *key != "legal_hold") || value.as_array().is_some_and(|items| items.iter().any(scalar))
        });
        match bare {
            Some((key, value)) if value.is_array() => {
                self.report(line, &format!("`{key}` holds something else than text"), "put each item in quotes")
            }
            Some((key, value)) => self.report(
                line,
                &format!("`{key}` is {value} and has to be text"),
                &format!(r#"put it in quotes: `"{key}": "{value}"`"#),
            ),
            // What is left is a key that stands twice, which a parsed object no longer shows.
            None => {
                self.report(line, &plain(&error.to_string()).replace("duplicate field", "it has twice the key"), HELP)
            }
        }
    }

    fn goes_on(&mut self, line: u64) -> bool {
        if self.found < MOST_FINDINGS {
            return true;
        }
        let origin = self.origin(line);
        self.sink.push(
            Diagnostic::new(
                &codes::TENANT_FILE,
                origin,
                format!("reading stopped after {MOST_FINDINGS} findings about lines of this file"),
            )
            .help("mend the first ones: they are usually all of one kind"),
        );
        false
    }

    /// Checks a record and spools it. Whether reading goes on.
    fn take(&mut self, record: &Record<'_>, json: &[u8], line: u64) -> std::io::Result<bool> {
        let origin = self.origin(line);
        let before = self.sink.len();
        let tenant = record.lower(&self.model.ids, &self.model.tiers, &origin, self.sink);
        if self.sink.len() > before {
            self.found += self.sink.len() - before;
            return Ok(self.goes_on(line));
        }
        if let Some(tenant) = tenant {
            self.payload.clear();
            self.payload.extend_from_slice(&line.to_be_bytes());
            self.payload.extend_from_slice(json);
            self.spool.push(tenant.id.as_str(), &self.payload)?;
        }
        Ok(true)
    }

    fn jsonl(&mut self, mut reader: Box<dyn BufRead + Send>) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        let mut line = 0;
        loop {
            bytes.clear();
            line += 1;
            if reader.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(());
            }
            let text = if line == 1 { bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes) } else { &bytes };
            let json = text.trim_ascii();
            if json.is_empty() {
                continue;
            }
            let goes_on = match serde_json::from_slice::<Record<'_>>(json) {
                Ok(record) => self.take(&record, json, line)?,
                Err(error) => self.refuse(line, json, &error),
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    fn csv(&mut self, reader: Box<dyn BufRead + Send>) -> std::io::Result<()> {
        let mut csv = csv::ReaderBuilder::new().flexible(false).trim(csv::Trim::All).from_reader(reader);
        let header: Vec<String> = match csv.headers() {
            Ok(header) => header.iter().map(str::to_owned).collect(),
            Err(error) => {
                self.header(&csv_problem(&error), "the first line names the columns, such as `tenant,tier,account`");
                return Ok(());
            }
        };
        let before = self.found;
        let mut meant = Vec::new();
        for (index, column) in header.iter().enumerate() {
            let close = closest(column, COLUMNS);
            if !COLUMNS.contains(&column.as_str()) {
                meant.extend(close);
                let close = close.map(|close| format!("did you mean `{close}`? ")).unwrap_or_default();
                let columns: Vec<String> = COLUMNS.iter().map(|column| format!("`{column}`")).collect();
                self.header(
                    &format!("the column `{column}` is not known"),
                    &format!("{close}the columns are {}", columns.join(", ")),
                );
            } else if header.iter().take(index).any(|earlier| earlier == column) {
                self.header(&format!("the column `{column}` stands twice"), "take one of them out");
            }
        }
        for needed in ["tenant", "tier"] {
            if !header.iter().any(|column| column == needed) && !meant.contains(&needed) {
                self.header(
                    &format!("the column `{needed}` is missing"),
                    "the first line names the columns, such as `tenant,tier,account`",
                );
            }
        }
        if self.found > before {
            return Ok(());
        }
        let mut row = csv::StringRecord::new();
        let mut json = Vec::new();
        loop {
            let line = csv.position().line();
            match csv.read_record(&mut row) {
                Ok(false) => return Ok(()),
                Err(error) => {
                    let line = error.position().map_or(line, csv::Position::line);
                    if !self.report(line, &csv_problem(&error), "a line has as many columns as the first one") {
                        return Ok(());
                    }
                }
                Ok(true) => {
                    let line = row.position().map_or(line, csv::Position::line);
                    let held = header.iter().position(|name| name == LEGAL_HOLD).and_then(|index| row.get(index));
                    if let Some(other) = held.filter(|text| !["", "true", "false"].contains(text)) {
                        let problem = format!("`{LEGAL_HOLD}` is `{other}`, which is neither `true` nor `false`");
                        if !self.report(line, &problem, "write `true`, `false`, or nothing, which is `false`") {
                            return Ok(());
                        }
                        continue;
                    }
                    let record = from_row(&header, &row);
                    json.clear();
                    serde_json::to_writer(&mut json, &record).map_err(std::io::Error::from)?;
                    if !self.take(&record, &json, line)? {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// The columns of a CSV file. Lists are separated by `;`. Overrides and entitlements need JSON lines.
const COLUMNS: [&str; 13] = [
    "tenant",
    "tier",
    "name",
    "state",
    "account",
    "cell",
    "region",
    "residency",
    "geography",
    "compliance",
    "owner",
    "cost_center",
    LEGAL_HOLD,
];

/// The column that holds a truth value.
const LEGAL_HOLD: &str = "legal_hold";

fn from_row<'a>(header: &[String], row: &'a csv::StringRecord) -> Record<'a> {
    let cell = |column: &str| {
        let position = header.iter().position(|name| name == column)?;
        row.get(position).filter(|text| !text.is_empty())
    };
    let text = |column: &str| cell(column).map(Cow::Borrowed);
    let list = |column: &str| {
        cell(column).map(|text| text.split(';').map(|item| Cow::Borrowed(item.trim())).collect()).unwrap_or_default()
    };
    Record {
        tenant: text("tenant").unwrap_or_default(),
        tier: text("tier").unwrap_or_default(),
        name: text("name"),
        state: text("state"),
        account: text("account"),
        cell: text("cell"),
        region: text("region"),
        residency: list("residency"),
        geography: text("geography"),
        compliance: list("compliance"),
        owner: text("owner"),
        cost_center: text("cost_center"),
        overrides: None,
        entitlements: None,
        legal_hold: cell(LEGAL_HOLD) == Some("true"),
    }
}

fn csv_problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} columns, and the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it cannot be read as CSV".to_owned(),
    }
}

/// The parser's message without its position: the line is known, and there is one line.
fn plain(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}
