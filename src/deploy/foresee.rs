//! What each step of a rollout would do to what is there now. Nothing is changed, and no journal is read.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Clock;
use super::cloud::{Answer, Cloud, InstanceState, PolicyState, Target, UnitState};
use super::fleet::{FleetStack, Owner, each};
use super::material::Material;
use super::names;
use super::status::{self, Standing, patient};
use super::steps::{DEPTH, KINDS, is_current, is_id, says_the_same};
use crate::rollout::{Step, Work};

/// How many things are looked at at once.
const AT_ONCE: usize = 8;

/// What a step would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Will {
    /// It would make what is not there.
    Create,
    /// It would change what is there.
    Update,
    /// It would wait for what is being done to it, and then change it if it has to.
    Wait,
    /// Its last change failed; whether the step can go on from there is not certain.
    Repair,
    /// It would take away what is there.
    Delete,
    /// There is nothing to do.
    Leave,
}

/// What a step would do, as far as that can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// What; none if that is not known.
    pub will: Option<Will>,
    /// For an operation on instances in several accounts: in how many of them something would be done.
    pub accounts: Option<usize>,
    /// Why it is not known.
    pub problem: Option<String>,
}

impl From<Will> for Foreseen {
    fn from(will: Will) -> Self {
        Self { will: Some(will), accounts: None, problem: None }
    }
}

impl Foreseen {
    fn unknown(problem: String) -> Self {
        Self { will: None, accounts: None, problem: Some(problem) }
    }
}

/// A stack set as it is, and its instances.
struct SetNow {
    /// Whether it has the template and values that it is to have.
    current: bool,
    instances: BTreeMap<Target, InstanceState>,
}

/// Answers by what they are about. An error stands for what could not be seen.
type Seen<T> = BTreeMap<String, Result<Option<T>, String>>;

/// What is there.
struct Now<'a> {
    material: &'a Material,
    stacks: BTreeMap<String, Foreseen>,
    sets: Seen<SetNow>,
    policies: Seen<PolicyState>,
    parents: Seen<String>,
    gone: Seen<()>,
    /// The values of instances that are as their set is, by [`instance_key`].
    values: Seen<BTreeMap<String, String>>,
    /// The ids of units that are there.
    units: Seen<String>,
}

/// Looks what each step would do, by its id. `home` is where Organizations and StackSets are called.
pub fn foresee<C: Cloud>(
    cloud: &C,
    clock: &dyn Clock,
    material: &Material,
    home: &Target,
) -> BTreeMap<String, Foreseen> {
    let eyes = Eyes { cloud, clock, material, home };
    let steps: Vec<&Step> = material.rollout.waves.iter().flat_map(|wave| &wave.steps).collect();
    let now = eyes.look(&steps);
    steps.into_iter().map(|step| (step.id.clone(), now.step(&step.work))).collect()
}

/// Who looks.
struct Eyes<'a, C: Cloud> {
    cloud: &'a C,
    clock: &'a dyn Clock,
    material: &'a Material,
    home: &'a Target,
}

impl<'a, C: Cloud> Eyes<'a, C> {
    fn look(&self, steps: &[&Step]) -> Now<'a> {
        let (mut sets, mut policies, mut accounts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let (mut gone, mut units) = (BTreeMap::new(), BTreeSet::new());
        for step in steps {
            match &step.work {
                Work::StackSet { set }
                | Work::Instance { set, .. }
                | Work::UpdateInstances { set, .. }
                | Work::DeleteInstance { set, .. } => _ = sets.insert(set.clone()),
                Work::Policy { policy, .. } => _ = policies.insert(policy.clone()),
                Work::Attach { policy, unit } | Work::Detach { policy, unit } => {
                    policies.insert(policy.clone());
                    units.insert(unit.clone());
                }
                Work::Unit { unit, .. } => _ = units.insert(unit.clone()),
                Work::Account { account, unit } => {
                    accounts.insert(account.clone());
                    units.insert(unit.clone());
                }
                Work::DeleteStack { stack, account, region } => {
                    gone.insert(stack.clone(), Target { account: account.clone(), region: region.clone() });
                }
                Work::Stack { .. } => {}
            }
        }
        let gone: Vec<(String, Target)> = gone.into_iter().collect();
        let gone = each(&gone, AT_ONCE, |(name, target)| {
            let found = self.ask(name, || self.cloud.stack(target, name));
            (name.clone(), found.map(|found| found.filter(|stack| stack.status != "DELETE_COMPLETE").map(|_| ())))
        });
        let sets = self.all(&sets, |name| self.set(name));
        Now {
            material: self.material,
            stacks: self.stacks(),
            values: self.values(steps, &sets),
            sets,
            policies: self.all(&policies, |name| self.policy(name)),
            parents: self
                .all(&accounts, |account| self.ask(account, || self.cloud.parent(self.home, account)).map(Some)),
            gone: gone.into_iter().collect(),
            units: self.units(&units),
        }
    }

    fn ask<T>(&self, key: &str, ask: impl Fn() -> Answer<T>) -> Result<T, String> {
        patient(self.clock, key, ask).map_err(|error| error.to_string())
    }

    fn all<T: Send>(
        &self,
        names: &BTreeSet<String>,
        look: impl Fn(&str) -> Result<Option<T>, String> + Sync,
    ) -> Seen<T> {
        let names: Vec<&String> = names.iter().collect();
        each(&names, AT_ONCE, |name| ((*name).clone(), look(name))).into_iter().collect()
    }

    /// What would become of stacks that change sets deploy.
    fn stacks(&self) -> BTreeMap<String, Foreseen> {
        let fleet: Vec<FleetStack> = self
            .material
            .stacks
            .values()
            .map(|item| FleetStack {
                owner: Owner::Tenant(String::new()),
                tier: String::new(),
                item: item.clone(),
                set: None,
            })
            .collect();
        let template = |path: &str| self.material.files.get(path).map(ToString::to_string);
        let seen = status::look(self.cloud, self.clock, &fleet, &template).into_iter().map(|stack| {
            let will = match stack.standing {
                Standing::Current => Will::Leave,
                Standing::Absent => Will::Create,
                Standing::Behind => Will::Update,
                Standing::Changing => Will::Wait,
                Standing::Failed => Will::Repair,
                Standing::Unknown => {
                    return (stack.stack, Foreseen::unknown(stack.problem.unwrap_or_default()));
                }
            };
            (stack.stack, will.into())
        });
        seen.collect()
    }

    fn set(&self, name: &str) -> Result<Option<SetNow>, String> {
        let found = self.ask(name, || self.cloud.stack_set(self.home, name))?;
        let Some(found) = found.filter(|set| set.status != "DELETED") else { return Ok(None) };
        let wanted = self.material.rollout.stack_sets.get(name);
        let wanted = wanted.map(|set| names::set_version(name, set.sha256, &set.parameters, &set.tags));
        let instances = self.ask(name, || self.cloud.instances(self.home, name, None))?;
        Ok(Some(SetNow {
            current: wanted.is_some() && names::described_version(&found.description) == wanted.as_deref(),
            instances: instances.into_iter().map(|instance| (instance.target.clone(), instance)).collect(),
        }))
    }

    /// The values of instances that need nothing else.
    fn values(&self, steps: &[&Step], sets: &Seen<SetNow>) -> Seen<BTreeMap<String, String>> {
        let settled = steps.iter().filter_map(|step| {
            let Work::Instance { set, account, region, .. } = &step.work else { return None };
            let target = Target { account: account.clone(), region: region.clone() };
            let now = sets.get(set)?.as_ref().ok()?.as_ref()?;
            let instance = now.instances.get(&target)?;
            (will_become(now, instance) == Will::Leave).then(|| (set.clone(), target))
        });
        let settled: Vec<(String, Target)> = settled.collect();
        let values = each(&settled, AT_ONCE, |(set, target)| {
            let values = self.ask(set, || self.cloud.instance_values(self.home, set, target));
            (instance_key(set, target), values)
        });
        values.into_iter().collect()
    }

    fn policy(&self, name: &str) -> Result<Option<PolicyState>, String> {
        let kinds = match self.material.policies.get(name) {
            Some(kind) => vec![kind.as_str()],
            None => KINDS.to_vec(),
        };
        for kind in kinds {
            if let Some(found) = self.ask(name, || self.cloud.policy(self.home, kind, name))? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The ids of units. Each is looked for below its parent, so one after the other, and each parent once.
    fn units(&self, names: &BTreeSet<String>) -> Seen<String> {
        let mut below: BTreeMap<String, Vec<UnitState>> = BTreeMap::new();
        names.iter().map(|name| (name.clone(), self.unit(name, &mut below, 0))).collect()
    }

    fn unit(
        &self,
        name: &str,
        below: &mut BTreeMap<String, Vec<UnitState>>,
        depth: usize,
    ) -> Result<Option<String>, String> {
        if is_id(name) {
            return Ok(Some(name.to_owned()));
        }
        let parent = match self.material.units.get(name) {
            Some(parent) if depth < DEPTH => parent,
            _ => return Err(format!("neither the rollout nor the assembly says where the unit `{name}` stands")),
        };
        let Some(parent) = self.unit(parent, below, depth + 1)? else { return Ok(None) };
        let found = match below.get(&parent) {
            Some(found) => found,
            None => {
                let found = self.ask(&parent, || self.cloud.units(self.home, &parent))?;
                below.entry(parent).or_insert(found)
            }
        };
        Ok(found.iter().find(|unit| unit.name == name).map(|unit| unit.id.clone()))
    }
}

/// What was seen of one thing.
fn seen<'a, T>(all: &'a Seen<T>, name: &str) -> Result<Option<&'a T>, String> {
    match all.get(name) {
        Some(Ok(found)) => Ok(found.as_ref()),
        Some(Err(problem)) => Err(problem.clone()),
        None => Ok(None),
    }
}

impl Now<'_> {
    fn step(&self, work: &Work) -> Foreseen {
        self.foreseen(work).unwrap_or_else(Foreseen::unknown)
    }

    fn foreseen(&self, work: &Work) -> Result<Foreseen, String> {
        let there = |there: bool, then: Will, otherwise: Will| if there { then } else { otherwise };
        let will = match work {
            Work::Stack { stack, .. } => {
                return self.stacks.get(stack).cloned().ok_or_else(|| "the assembly has no such stack".to_owned());
            }
            Work::DeleteStack { stack, .. } => there(seen(&self.gone, stack)?.is_some(), Will::Delete, Will::Leave),
            Work::Unit { unit, .. } => there(seen(&self.units, unit)?.is_some(), Will::Leave, Will::Create),
            Work::Policy { policy, file, description, .. } => match seen(&self.policies, policy)? {
                None => Will::Create,
                Some(found) => {
                    let same = says_the_same(&found.content, self.material.file(file));
                    there(same && found.description == *description, Will::Leave, Will::Update)
                }
            },
            Work::Attach { policy, unit } => there(self.is_attached(policy, unit)?, Will::Leave, Will::Create),
            Work::Detach { policy, unit } => there(self.is_attached(policy, unit)?, Will::Delete, Will::Leave),
            Work::Account { account, unit } => {
                let (parent, unit) = (seen(&self.parents, account)?, seen(&self.units, unit)?);
                there(parent.is_some() && parent == unit, Will::Leave, Will::Update)
            }
            Work::StackSet { set } => there(seen(&self.sets, set)?.is_some(), Will::Leave, Will::Create),
            Work::Instance { set, account, region, parameters } => {
                let target = Target { account: account.clone(), region: region.clone() };
                let now = seen(&self.sets, set)?;
                match now.and_then(|now| Some(will_become(now, now.instances.get(&target)?))) {
                    None => Will::Create,
                    Some(Will::Leave) => {
                        let values = seen(&self.values, &instance_key(set, &target))?;
                        there(values == Some(&parameters.to_map()), Will::Leave, Will::Update)
                    }
                    Some(will) => will,
                }
            }
            Work::UpdateInstances { set, accounts, regions } => {
                let Some(now) = seen(&self.sets, set)? else {
                    return Err(format!("there is no stack set `{set}`"));
                };
                let is_done = |account: &&String| {
                    regions.iter().all(|region| {
                        let target = Target { account: (*account).clone(), region: region.clone() };
                        now.current && now.instances.get(&target).is_some_and(is_current)
                    })
                };
                let behind = accounts.len() - accounts.iter().filter(is_done).count();
                let will = there(behind == 0, Will::Leave, Will::Update);
                return Ok(Foreseen { accounts: Some(behind), ..will.into() });
            }
            Work::DeleteInstance { set, account, region } => {
                let target = Target { account: account.clone(), region: region.clone() };
                let is_there = seen(&self.sets, set)?.is_some_and(|set| set.instances.contains_key(&target));
                there(is_there, Will::Delete, Will::Leave)
            }
        };
        Ok(will.into())
    }

    fn is_attached(&self, policy: &str, unit: &str) -> Result<bool, String> {
        let (policy, unit) = (seen(&self.policies, policy)?, seen(&self.units, unit)?);
        Ok(policy.zip(unit).is_some_and(|(policy, unit)| policy.targets.contains(unit)))
    }
}

/// What tells an instance from others.
fn instance_key(set: &str, target: &Target) -> String {
    format!("{set} {target}")
}

/// What would become of an instance that is to have what its set has.
fn will_become(set: &SetNow, instance: &InstanceState) -> Will {
    match (instance.status.as_str(), instance.detailed.as_deref()) {
        ("INOPERABLE", _) => Will::Repair,
        (_, Some("PENDING" | "RUNNING")) => Will::Wait,
        _ if set.current && is_current(instance) => Will::Leave,
        _ => Will::Update,
    }
}
