//! Stack sets and their instances.
//!
//! An operation has an id of our choice, which is a function of rollout, step and attempt: an id that AWS knows is one
//! that this attempt has asked for. A set's description has the digest of what it deploys in it.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/what-is-cfnstacksets.html>.

use std::collections::BTreeMap;

use super::{At, CALLS, Failure, OTHERS, Outcome, Sent, Told};
use crate::deploy::cloud::{Cloud, InstanceState, InstancesRequest, InstancesWork, StackSetRequest, Target};
use crate::deploy::journal::How;
use crate::deploy::names;
use crate::deploy::steps::organization::unit_id;
use crate::diagnostics::counted;
use crate::rollout::StackSet;

/// The calls, as the journal names them.
const CREATE_SET: &str = "create-stack-set";
const CREATE: &str = "create-stack-instances";
const UPDATE: &str = "update-stack-set";
const VALUES: &str = "update-stack-instances";
const DELETE: &str = "delete-stack-instances";

/// A stack set as it is to be, with what its requests are made from.
struct Wanted<'a> {
    name: &'a str,
    set: &'a StackSet,
    version: String,
    description: String,
    sent: Sent,
    text: &'a str,
    unit: Option<String>,
}

impl<'a> Wanted<'a> {
    fn new<C: Cloud>(at: &At<'a, C>, name: &'a str) -> Outcome<Self> {
        let material = at.site.material;
        let Some(set) = material.rollout.stack_sets.get(name) else {
            return Err(Failure::new(format!("the rollout does not describe the stack set `{name}`")).into());
        };
        let version = names::set_version(name, set.sha256, &set.parameters, &set.tags);
        Ok(Self {
            name,
            description: names::set_description(&set.tier, &version),
            sent: at.template(&at.site.home, &set.template, set.sha256)?,
            text: material.file(&set.template),
            unit: set.unit.as_deref().map(|unit| unit_id(at, unit)).transpose()?,
            version,
            set,
        })
    }

    fn request<'b>(&'b self, token: &'b str) -> StackSetRequest<'b> {
        StackSetRequest {
            name: self.name,
            description: &self.description,
            service_managed: self.set.unit.is_some(),
            template: self.sent.source(self.text),
            parameters: &self.set.parameters,
            tags: &self.set.tags,
            token,
        }
    }

    /// Whether the set has the template and values that it is to have. It has to be there.
    fn is_current<C: Cloud>(&self, at: &At<'_, C>) -> Outcome<bool> {
        match at.look(|cloud| cloud.stack_set(&at.site.home, self.name))? {
            Some(found) => Ok(names::described_version(&found.description) == Some(&self.version)),
            None => Err(Failure::new(format!("there is no stack set `{}`", self.name)).into()),
        }
    }
}

/// A stack set exists. What its instances deploy, operations on them change.
pub(super) fn set<'a, C: Cloud>(at: &At<'a, C>, name: &'a str) -> Outcome<How> {
    let mut calls = at.waits(CALLS);
    let token = at.token(CREATE_SET);
    let wanted = Wanted::new(at, name)?;
    loop {
        let found = at.look(|cloud| cloud.stack_set(&at.site.home, name))?;
        if found.is_some_and(|found| found.status != "DELETED") {
            return Ok(if at.asked(CREATE_SET).is_some() { How::Created } else { How::AlreadyThere });
        }
        let told = at.change(CREATE_SET, &token, &mut calls, |cloud| {
            cloud.create_stack_set(&at.site.home, &wanted.request(&token)).map(|()| String::new())
        })?;
        if matches!(told, Told::Yes(_)) {
            return Ok(How::Created);
        }
    }
}

/// Whether an instance has what its set had when it was last updated.
pub(in crate::deploy) fn is_current(instance: &InstanceState) -> bool {
    instance.status == "CURRENT" && instance.detailed.as_deref().is_none_or(|detailed| detailed == "SUCCEEDED")
}

/// What an operation is about.
struct Scope<'a> {
    set: &'a str,
    unit: Option<&'a str>,
    accounts: Vec<String>,
    regions: Vec<String>,
}

/// Carries an operation out: asks for it unless AWS knows it, and waits for its end.
///
/// Returns the targets that failed, with the reasons.
fn operate<C: Cloud>(
    at: &At<'_, C>,
    call: &str,
    scope: &Scope<'_>,
    work: &InstancesWork<'_>,
) -> Outcome<Vec<(Target, String)>> {
    let (mut waits, mut others, mut calls) = (at.work(), at.waits(OTHERS), at.waits(CALLS));
    let home = &at.site.home;
    let id = at.operation(call);
    // AWS takes the id that it is given; an engine that stands for it may give the operation another.
    let mut given = at.asked(call).and_then(|asked| asked.value);
    loop {
        let known = given.as_deref().unwrap_or(&id);
        let Some(found) = at.look(|cloud| cloud.operation(home, scope.set, known))? else {
            let request = InstancesRequest {
                set: scope.set,
                unit: scope.unit,
                accounts: &scope.accounts,
                regions: &scope.regions,
                concurrency: at.wave.concurrency.max(1),
                failures: at.wave.tolerance.failures,
                operation: &id,
            };
            match at.change(call, &id, &mut calls, |cloud| cloud.change_instances(home, &request, work))? {
                Told::Yes(value) => given = Some(value).filter(|value| !value.is_empty()),
                Told::Nothing => return Ok(Vec::new()),
                Told::Look => {
                    at.wait(&mut others, &format!("another operation works on the stack set `{}`", scope.set))?
                }
            }
            continue;
        };
        match found.status.as_str() {
            "SUCCEEDED" => return Ok(found.failed),
            "FAILED" | "STOPPED" => {
                if found.failed.is_empty() {
                    let target = Target { account: "?".to_owned(), region: "?".to_owned() };
                    return Ok(vec![(target, format!("the operation ended in `{}`", found.status))]);
                }
                return Ok(found.failed);
            }
            _ => at.wait(&mut waits, &format!("the operation `{known}` of the stack set `{}` runs", scope.set))?,
        }
    }
}

/// The failure of an operation, which counts once for each target.
fn failed(set: &str, failed: &[(Target, String)]) -> Failure {
    let reasons = failed.iter().map(|(target, reason)| format!("{target}: {reason}")).collect();
    let count = failed.len() as u64;
    let what = format!("{} of the stack set `{set}` failed", counted(count, "instance"));
    Failure { count, ..Failure::new(what).because(reasons) }
}

/// A stack set has an instance in an account and region, with the tenant's values.
pub(super) fn create<'a, C: Cloud>(
    at: &At<'a, C>,
    set: &'a str,
    target: &Target,
    parameters: &BTreeMap<String, String>,
) -> Outcome<How> {
    let wanted = Wanted::new(at, set)?;
    let scope = Scope {
        set,
        unit: wanted.unit.as_deref(),
        accounts: vec![target.account.clone()],
        regions: vec![target.region.clone()],
    };
    let find = || -> Outcome<Option<InstanceState>> {
        let found = at.look(|cloud| cloud.instances(&at.site.home, set, Some(&target.account)))?;
        Ok(found.into_iter().find(|instance| instance.target == *target))
    };
    let mut found = find()?;
    // An operation of this attempt that AWS knows has to end first, whatever it shows of the instance by now.
    if found.is_none() || at.asked(CREATE).is_some() {
        let bad = operate(at, CREATE, &scope, &InstancesWork::Create(parameters))?;
        if !bad.is_empty() {
            return Err(failed(set, &bad).into());
        }
        found = find()?;
    }
    let Some(instance) = found else {
        return Err(Failure::new(format!("the stack set `{set}` made no instance in {target}")).into());
    };
    if instance.status == "INOPERABLE" {
        let message = format!("the instance of the stack set `{set}` in {target} is in `INOPERABLE`");
        let help = format!(
            "take it from the set with `aws cloudformation delete-stack-instances --retain-stacks --stack-set-name {set} \
             --accounts {} --regions {}`, delete its stack, and run the same command again",
            target.account, target.region
        );
        return Err(Failure::stuck(message, help).because(instance.reason.into_iter().collect()).into());
    }
    let mut how = if at.asked(CREATE).is_some() { How::Created } else { How::AlreadyThere };
    // An operation of this attempt that gives it its values comes after this, and shows it as outdated while it runs.
    if at.asked(VALUES).is_none() && !(is_current(&instance) && wanted.is_current(at)?) {
        // It was made from an earlier template of the set, or not to its end.
        let token = at.token(UPDATE);
        let bad = operate(at, UPDATE, &scope, &InstancesWork::Update(&wanted.request(&token)))?;
        if !bad.is_empty() {
            return Err(failed(set, &bad).into());
        }
        how = How::Updated;
    }
    // One that was there may have the values of another time.
    let has_them = how == How::Created
        || at.asked(VALUES).is_none()
            && at.look(|cloud| cloud.instance_values(&at.site.home, set, target))?.as_ref() == Some(parameters);
    if !has_them {
        let bad = operate(at, VALUES, &scope, &InstancesWork::Values(parameters))?;
        if !bad.is_empty() {
            return Err(failed(set, &bad).into());
        }
        how = How::Updated;
    }
    Ok(how)
}

/// Instances of a stack set get its present template.
pub(super) fn update<'a, C: Cloud>(
    at: &At<'a, C>,
    set: &'a str,
    accounts: &[String],
    regions: &[String],
) -> Outcome<How> {
    let wanted = Wanted::new(at, set)?;
    let asked = at.asked(UPDATE).is_some();
    let mut behind: Vec<String> = accounts.to_vec();
    if !asked && wanted.is_current(at)? {
        // What an earlier attempt has updated is left alone.
        let found = at.look(|cloud| cloud.instances(&at.site.home, set, None))?;
        let current = |account: &String| {
            let own: Vec<&InstanceState> = found
                .iter()
                .filter(|instance| instance.target.account == *account && regions.contains(&instance.target.region))
                .collect();
            own.len() == regions.len() && own.into_iter().all(is_current)
        };
        behind.retain(|account| !current(account));
    }
    if behind.is_empty() {
        return Ok(How::AlreadyThere);
    }
    let scope = Scope { set, unit: wanted.unit.as_deref(), accounts: behind, regions: regions.to_vec() };
    let token = at.token(UPDATE);
    let bad = operate(at, UPDATE, &scope, &InstancesWork::Update(&wanted.request(&token)))?;
    if bad.is_empty() { Ok(How::Updated) } else { Err(failed(set, &bad).into()) }
}

/// An instance of a stack set is gone, with its stack.
pub(super) fn delete<'a, C: Cloud>(at: &At<'a, C>, set: &'a str, target: &Target) -> Outcome<How> {
    if at.look(|cloud| cloud.stack_set(&at.site.home, set))?.is_none() {
        return Ok(How::AlreadyThere);
    }
    let found = at.look(|cloud| cloud.instances(&at.site.home, set, Some(&target.account)))?;
    let there = found.iter().any(|instance| instance.target == *target);
    if !there {
        // The instance may be gone before the operation that deletes it has ended.
        let id = at.operation(DELETE);
        if at.asked(DELETE).is_none() || at.look(|cloud| cloud.operation(&at.site.home, set, &id))?.is_none() {
            return Ok(How::AlreadyThere);
        }
    }
    let unit = at.site.material.rollout.stack_sets.get(set).and_then(|set| set.unit.as_deref());
    let unit = unit.map(|unit| unit_id(at, unit)).transpose()?;
    let scope = Scope {
        set,
        unit: unit.as_deref(),
        accounts: vec![target.account.clone()],
        regions: vec![target.region.clone()],
    };
    let bad = operate(at, DELETE, &scope, &InstancesWork::Delete)?;
    if bad.is_empty() { Ok(How::Deleted) } else { Err(failed(set, &bad).into()) }
}
