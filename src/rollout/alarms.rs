//! The alarms a gate looks at: those that the templates make, with a stack's values filled in, and those of the settings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::changes::{Shared, Stack, Tenant, Way};
use super::document::Alarm;
use super::settings::{Settings, Watched};
use crate::assembly::Assembly;

/// Collects the alarms of one wave after another.
#[derive(Debug)]
pub(super) struct Alarms<'a> {
    assembly: &'a Assembly,
    settings: &'a Settings,
    /// The alarms' names in each template, with `${…}`.
    templates: BTreeMap<String, Vec<String>>,
    /// The account and region of each cell.
    cells: BTreeMap<&'a str, (Option<&'a str>, &'a str)>,
    found: BTreeSet<Alarm>,
}

impl<'a> Alarms<'a> {
    pub(super) fn new(assembly: &'a Assembly, settings: &'a Settings) -> Self {
        let cells = assembly.manifest().cells.iter();
        Self {
            assembly,
            settings,
            templates: BTreeMap::new(),
            cells: cells.map(|cell| (cell.cell.as_str(), (cell.account.as_deref(), cell.region.as_str()))).collect(),
            found: BTreeSet::new(),
        }
    }

    /// A shared stack changes.
    pub(super) fn shared(&mut self, shared: &Shared) {
        if self.settings.watched != Watched::None {
            self.of_template(&shared.stack);
        }
        self.of_cell(&shared.cell, &shared.tier);
    }

    /// A tenant's stack changes.
    pub(super) fn tenant(&mut self, tenant: &Tenant, stack: &Stack) {
        if self.settings.watched == Watched::All {
            self.of_template(stack);
        }
        self.of_cell(&tenant.cell, &tenant.tier);
    }

    /// What was collected since the last time.
    pub(super) fn take(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.found).into_iter().collect()
    }

    fn of_cell(&mut self, cell: &str, tier: &str) {
        let (account, region) = self.cells.get(cell).copied().unwrap_or_default();
        for pattern in &self.settings.alarms {
            let Some(account) = pattern.account.as_deref().or(account) else { continue };
            let region = pattern.region.as_deref().unwrap_or(region);
            let values = [("{cell}", cell), ("{tier}", tier), ("{account}", account), ("{region}", region)];
            let name = values.into_iter().fold(pattern.name.clone(), |name, (key, value)| name.replace(key, value));
            self.found.insert(Alarm { name, account: account.to_owned(), region: region.to_owned() });
        }
    }

    fn of_template(&mut self, stack: &Stack) {
        if !self.templates.contains_key(stack.template.as_ref()) {
            let names = self.assembly.file(&stack.template).ok().map(|bytes| names(&bytes)).unwrap_or_default();
            self.templates.insert(stack.template.to_string(), names);
        }
        for pattern in self.templates.get(stack.template.as_ref()).into_iter().flatten() {
            if let Some(name) = filled(pattern, stack) {
                let (account, region) = (stack.account.clone(), stack.region.to_string());
                self.found.insert(Alarm { name, account, region });
            }
        }
    }
}

/// The names of the alarms in a template. What is not JSON, or is made by other functions than `Fn::Sub`, has none.
fn names(template: &[u8]) -> Vec<String> {
    let template: Value = serde_json::from_slice(template).unwrap_or_default();
    let resources = template.get("Resources").and_then(Value::as_object).into_iter().flatten();
    let alarms = resources.filter(|(_, resource)| {
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        matches!(kind, "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm")
    });
    alarms
        .filter_map(|(_, alarm)| {
            let name = alarm.pointer("/Properties/AlarmName")?;
            name.as_str().or_else(|| name.get("Fn::Sub").and_then(Value::as_str)).map(str::to_owned)
        })
        .collect()
}

/// A name with the values of a stack's parameters; nothing if it says something else.
fn filled(pattern: &str, stack: &Stack) -> Option<String> {
    let mut name = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let (key, after) = after.split_once('}')?;
        name.push_str(before);
        name.push_str(match key {
            "AWS::AccountId" => &stack.account,
            "AWS::Region" => &stack.region,
            // A stack set names its stacks itself.
            "AWS::StackName" if stack.way == Way::Direct => &stack.name,
            key => stack.parameters.get(key)?,
        });
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}
