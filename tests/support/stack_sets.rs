//! What stack sets do on AWS and not in moto: an update of a set reaches the stacks of its instances, which keep their own
//! values; instances that it is not about are outdated then; and stacks are called `StackSet-NAME-ID`. Moto writes the update
//! down, gives the instances the set's values, says that all are current, and calls stacks `StackSet:NAME`, which is no name
//! that AWS takes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::engine::{MOTO_KEY, ask_form, element, elements, key_in};
use super::super::http::{Answer, Request};
use super::{Call, put};

/// The id in the names of stacks: one for all, since no account has two of one set here.
const ID: &str = "5e75ac5e-0000-4000-8000-000000000000";

/// An instance, with its own values.
pub(super) struct Instance {
    account: String,
    region: String,
    values: Vec<(String, String)>,
}

/// The set whose instance has a stack of this name.
fn set_of(stack: &str) -> Option<&str> {
    stack.strip_prefix("StackSet-")?.strip_suffix(ID)?.strip_suffix('-')
}

/// The texts of a list in a form.
fn members_of(call: &Call, name: &str) -> Vec<String> {
    (1..).map_while(|number| call.fields.get(&format!("{name}.member.{number}")).cloned()).collect()
}

/// The request with moto's name of a stack.
pub(super) fn asked(mut request: Request, call: &Call) -> Request {
    let name = call.stack();
    if let Some(set) = set_of(name).filter(|_| call.service == "cloudformation") {
        let text = String::from_utf8_lossy(&request.body).replace(name, &format!("StackSet%3A{set}"));
        request.body = text.into_bytes();
    }
    request
}

/// What is remembered of stack sets.
#[derive(Debug, Default)]
pub(super) struct Outdated {
    /// Set, account and region of instances.
    instances: BTreeSet<[String; 3]>,
    /// The accounts in which the next update fails, with the reason.
    failing: BTreeMap<String, String>,
    /// The values that instances were given later, by account and set: moto writes them down, but its stacks cannot have them,
    /// since it loses tables whose tags change.
    given: BTreeMap<(String, String), BTreeMap<String, String>>,
    /// The operations that failed somewhere, with account and reason.
    failed: BTreeMap<String, Vec<(String, String)>>,
}

/// A set before an update of it.
pub(super) struct Before {
    template: Option<String>,
    /// The instances that the update is about.
    instances: Vec<Instance>,
}

/// What is there before an update of a set; nothing for other calls.
pub(super) fn before(engine: u16, call: &Call) -> Option<Before> {
    if call.service != "cloudformation" || call.operation != "UpdateStackSet" {
        return None;
    }
    let ask = |action: &str, fields: &[(&str, &str)]| {
        ask_form(engine, MOTO_KEY, &call.region, "cloudformation", action, fields)
    };
    let list = |name: &str| members_of(call, name);
    let set = ("StackSetName", call.field("StackSetName"));
    let mut instances = Vec::new();
    for account in list("Accounts") {
        for region in list("Regions") {
            let place = [set, ("StackInstanceAccount", account.as_str()), ("StackInstanceRegion", region.as_str())];
            let found = ask("DescribeStackInstance", &place);
            let text = found.text();
            let values = elements(&text, "ParameterKey").into_iter().zip(elements(&text, "ParameterValue")).collect();
            if found.status == 200 {
                instances.push(Instance { account: account.clone(), region, values });
            }
        }
    }
    Some(Before { template: element(&ask("DescribeStackSet", &[set]).text(), "TemplateBody"), instances })
}

impl Outdated {
    pub(super) fn fail(&mut self, account: &str, reason: &str) {
        self.failing.insert(account.to_owned(), reason.to_owned());
    }

    /// Remembers which values instances are given.
    fn give(&mut self, call: &Call) {
        let list = |name: &str| members_of(call, name);
        let overrides = "ParameterOverrides.member.";
        let values: BTreeMap<String, String> = (1..)
            .map_while(|number| {
                let of = |what: &str| call.fields.get(&format!("{overrides}{number}.Parameter{what}")).cloned();
                Some((of("Key")?, of("Value")?))
            })
            .collect();
        for account in list("Accounts") {
            self.given.insert((account, call.field("StackSetName").to_owned()), values.clone());
        }
    }

    /// Carries out what moto only wrote down, and says in the answer what AWS says.
    pub(super) fn answered(&mut self, engine: u16, call: &Call, before: Option<Before>, mut answer: Answer) -> Answer {
        if call.service != "cloudformation" || answer.status >= 300 {
            return answer;
        }
        let set = call.field("StackSetName");
        let one = |account: &str, region: &str| [set, account, region].map(ToOwned::to_owned);
        if let Some(before) = before {
            if before.template.as_deref() != Some(call.field("TemplateBody")) {
                let fields = [("StackSetName", set)];
                let all = ask_form(engine, MOTO_KEY, &call.region, "cloudformation", "ListStackInstances", &fields);
                let text = all.text();
                let places = elements(&text, "Account").into_iter().zip(elements(&text, "Region"));
                self.instances.extend(places.map(|(account, region)| one(&account, &region)));
            }
            for instance in &before.instances {
                let place = one(&instance.account, &instance.region);
                let failing = self.failing.remove(&instance.account);
                if let Err(reason) = update(engine, call, instance, failing.is_none()) {
                    return call.error(500, "InternalFailure", &reason);
                }
                match failing {
                    None => drop(self.instances.remove(&place)),
                    Some(reason) => {
                        self.instances.insert(place);
                        let failed = self.failed.entry(call.field("OperationId").to_owned()).or_default();
                        failed.push((instance.account.clone(), reason));
                    }
                }
            }
        }
        if call.operation == "UpdateStackInstances" {
            self.give(call);
        }
        let mut text = answer.text();
        let failed = self.failed.get(call.field("OperationId"));
        match call.operation.as_str() {
            "ListStackInstances" => {
                text = members(&text, |part, account| {
                    let region = element(part, "Region")?;
                    self.instances.contains(&one(account, &region)).then(|| put(part, "Status", "OUTDATED"))
                });
            }
            "DescribeStacks" => {
                let own = set_of(call.stack()).and_then(|set| self.given.get(&(call.account.clone(), set.to_owned())));
                for (key, value) in own.into_iter().flatten() {
                    let (before, after) = (format!("<ParameterKey>{key}</ParameterKey>"), "</ParameterValue>");
                    if let Some((head, (_, tail))) =
                        text.split_once(&before).and_then(|(head, rest)| Some((head, rest.split_once(after)?)))
                    {
                        text = format!("{head}{before}<ParameterValue>{value}{after}{tail}");
                    }
                }
            }
            "DescribeStackSetOperation" if failed.is_some() => text = put(&text, "Status", "FAILED"),
            "ListStackSetOperationResults" => {
                text = members(&text, |part, account| {
                    let (_, reason) = failed?.iter().find(|(failed, _)| failed == account)?;
                    let status = format!("</Status><StatusReason>{reason}</StatusReason>");
                    Some(put(part, "Status", "FAILED").replacen("</Status>", &status, 1))
                });
            }
            _ => {}
        }
        answer.body = renamed(&text).into_bytes();
        answer
    }
}

/// The members of a list, of which some are to be others. The function gets each with its account.
fn members(text: &str, change: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut parts = text.split("<member>");
    let mut new = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        new += "<member>";
        let changed = element(part, "Account").and_then(|account| change(part, &account));
        new += changed.as_deref().unwrap_or(part);
    }
    new
}

/// Gives an instance its own values back, and its stack the template of the set.
fn update(engine: u16, call: &Call, instance: &Instance, whole: bool) -> Result<(), String> {
    let set = call.field("StackSetName");
    let mut values = Vec::new();
    for (number, (key, value)) in (1..).zip(&instance.values) {
        values.push((format!(".member.{number}.ParameterKey"), key.as_str()));
        values.push((format!(".member.{number}.ParameterValue"), value.as_str()));
    }
    let named = |list: &str| -> Vec<(String, &str)> {
        values.iter().map(|(name, value)| (format!("{list}{name}"), *value)).collect()
    };
    let ask = |key: &str, region: &str, action: &str, fields: &[(&str, &str)], values: &[(String, &str)]| {
        let values = values.iter().map(|(name, value)| (name.as_str(), *value));
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain(values).collect();
        ask_form(engine, key, region, "cloudformation", action, &fields)
    };
    let place = [
        ("StackSetName", set),
        ("Accounts.member.1", instance.account.as_str()),
        ("Regions.member.1", instance.region.as_str()),
    ];
    let kept = ask(MOTO_KEY, &call.region, "UpdateStackInstances", &place, &named("ParameterOverrides"));
    let mut answers = vec![kept];
    let key = key_in(engine, MOTO_KEY, &instance.account);
    let stack = format!("StackSet:{set}");
    let body = [("StackName", stack.as_str()), ("TemplateBody", call.field("TemplateBody"))];
    if whole {
        answers.push(ask(&key, &instance.region, "UpdateStack", &body, &named("Parameters")));
    }
    for answer in answers {
        let text = answer.text();
        // The stack of an instance that AWS manages the roles of is hidden in moto.
        if answer.status >= 300 && !text.contains("does not exist") && !text.contains("No updates") {
            return Err(element(&text, "Message").unwrap_or(text));
        }
    }
    Ok(())
}

/// `StackSet:NAME` and `StackSet-NAME:SET-ID`, both as AWS would call the stack.
fn renamed(text: &str) -> String {
    let mut parts = text.split("StackSet");
    let mut new = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        new += "StackSet";
        let name = |text: &str| text.chars().take_while(|char| char.is_ascii_alphanumeric() || *char == '-').count();
        match part.split_at_checked(1) {
            Some((":", rest)) if name(rest) > 0 => {
                let (name, rest) = rest.split_at(name(rest));
                new += &format!("-{name}-{ID}{rest}");
            }
            Some(("-", rest)) if rest[name(rest)..].starts_with(':') => {
                let (name, rest) = rest.split_at(name(rest));
                new += &format!("-{name}-{ID}{}", rest.get(37..).unwrap_or_default());
            }
            _ => new += part,
        }
    }
    new
}
