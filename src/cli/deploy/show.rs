//! Version skew and drift as text.

use std::collections::BTreeMap;

use crate::deploy::drift::{Found, StackDrift};
use crate::deploy::status::{Group, StackStatus, Standing, groups};
use crate::diagnostics::counted;

/// How many names stand in a line.
const IN_A_LINE: usize = 8;

/// Rows under each other, each cell as wide as the widest of its column.
fn table(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(at) {
                Some(widest) => *widest = (*widest).max(width),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// Who has which version: one line for all that stand alike.
pub(super) fn status(stacks: &[StackStatus], names: bool) -> String {
    let found = groups(stacks);
    let mut text = String::new();
    for (shared, title) in [(true, "cells"), (false, "tenants")] {
        let own: Vec<&Group> = found.iter().filter(|group| group.shared == shared).collect();
        if own.is_empty() {
            continue;
        }
        let mut rows = vec![vec!["tier".to_owned(), "version".to_owned(), title.to_owned()]];
        for group in own {
            rows.push(vec![group.tier.clone(), group.standing.to_string(), group.count.to_string()]);
            if names && (group.standing != Standing::Current || group.count <= IN_A_LINE) {
                let lines = group.names.chunks(IN_A_LINE).map(|names| names.join(" "));
                rows.extend(lines.map(|line| vec![String::new(), String::new(), line]));
            }
        }
        text += &table(&rows);
        text.push('\n');
    }
    // Which versions there are beside the assembly's, so that one sees whether those behind are behind alike.
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for stack in stacks.iter().filter(|stack| stack.standing == Standing::Behind) {
        *versions
            .entry(if stack.deployed.is_some() { "an earlier rollout's" } else { "another tool's" })
            .or_default() += 1;
    }
    for (whose, number) in versions {
        text += &format!("behind: {} of {whose} version\n", counted(number as u64, "stack"));
    }
    for stack in stacks.iter().filter(|stack| matches!(stack.standing, Standing::Failed | Standing::Unknown)) {
        let why = stack.problem.clone().or_else(|| stack.status.clone()).unwrap_or_default();
        text += &format!("{}: `{}` in {}/{}: {why}\n", stack.standing, stack.stack, stack.account, stack.region);
    }
    text
}

/// The same for programs: groups, and every stack.
pub(super) fn status_json(stacks: &[StackStatus]) -> serde_json::Result<String> {
    let value = serde_json::json!({ "groups": groups(stacks), "stacks": stacks });
    serde_json::to_string_pretty(&value).map(|text| text + "\n")
}

/// What has drifted, and how much was looked at.
pub(super) fn drift(stacks: &[StackDrift]) -> String {
    let mut text = String::new();
    for stack in stacks {
        let place = format!("`{}` in {}/{}", stack.stack, stack.account, stack.region);
        match stack.drift {
            Found::InSync => {}
            Found::Absent => text += &format!("absent: {place}\n"),
            Found::Unknown => {
                text += &format!("unknown: {place}: {}\n", stack.problem.as_deref().unwrap_or("no reason is given"));
            }
            Found::Drifted => {
                text += &format!("drifted: {place}\n");
                for resource in &stack.resources {
                    let properties = if resource.properties.is_empty() {
                        String::new()
                    } else {
                        format!(" at {}", resource.properties.join(", "))
                    };
                    let status = resource.status.to_lowercase();
                    text += &format!("  {} ({}) is {status}{properties}\n", resource.logical_id, resource.kind);
                }
            }
        }
    }
    let number = |wanted: Found| stacks.iter().filter(|stack| stack.drift == wanted).count();
    text + &format!(
        "{}: {} in sync, {} drifted, {} absent, {} unknown\n",
        counted(stacks.len() as u64, "stack"),
        number(Found::InSync),
        number(Found::Drifted),
        number(Found::Absent),
        number(Found::Unknown)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloud::ResourceDrift;

    fn stack(name: &str, standing: Standing) -> StackStatus {
        StackStatus {
            stack: format!("orders-{name}"),
            account: "111111111111".to_owned(),
            region: "eu-west-1".to_owned(),
            tenant: (!name.starts_with("eu-")).then(|| name.to_owned()),
            cell: name.starts_with("eu-").then(|| name.to_owned()),
            tier: "basic".to_owned(),
            standing,
            deployed: (standing == Standing::Current).then(|| "a".to_owned()),
            wanted: "a".to_owned(),
            status: Some("UPDATE_COMPLETE".to_owned()),
            problem: None,
        }
    }

    #[test]
    fn who_stands_alike_is_one_line_and_a_tenant_stands_as_its_worst_stack() {
        let stacks = [
            stack("eu-1", Standing::Current),
            stack("acme", Standing::Current),
            stack("globex", Standing::Current),
            stack("globex", Standing::Behind),
            stack("initech", Standing::Failed),
        ];
        assert_eq!(
            status(&stacks, true),
            "tier   version  cells\n\
             basic  current  1\n                eu-1\n\n\
             tier   version  tenants\n\
             basic  current  1\n                acme\n\
             basic  behind   1\n                globex\n\
             basic  failed   1\n                initech\n\n\
             behind: 1 stack of another tool's version\n\
             failed: `orders-initech` in 111111111111/eu-west-1: UPDATE_COMPLETE\n"
        );
    }

    #[test]
    fn drift_names_resources_and_what_could_not_be_found_out() {
        let one = |name: &str, found: Found, resources: Vec<ResourceDrift>| StackDrift {
            stack: name.to_owned(),
            account: "1".to_owned(),
            region: "eu-west-1".to_owned(),
            tenant: None,
            drift: found,
            resources,
            problem: None,
        };
        let resource = ResourceDrift {
            logical_id: "Table".to_owned(),
            kind: "AWS::DynamoDB::Table".to_owned(),
            status: "MODIFIED".to_owned(),
            properties: vec!["/BillingMode".to_owned()],
        };
        let stacks = [
            one("a", Found::InSync, Vec::new()),
            one("b", Found::Drifted, vec![resource]),
            one("c", Found::Unknown, vec![]),
        ];
        assert_eq!(
            drift(&stacks),
            "drifted: `b` in 1/eu-west-1\n  Table (AWS::DynamoDB::Table) is modified at /BillingMode\n\
             unknown: `c` in 1/eu-west-1: no reason is given\n\
             3 stacks: 1 in sync, 1 drifted, 0 absent, 1 unknown\n"
        );
    }
}
