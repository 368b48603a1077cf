//! Organizations: units, policies, and what stands where.
//!
//! No call here has a token. Each names what it makes, and a look shows whether it is there.
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html>.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{At, CALLS, Failure, Outcome, Told};
use crate::deploy::cloud::{Answer, Cloud, PolicyState};
use crate::deploy::journal::How;

/// The kinds of policies that a name is looked up among when the rollout does not make the policy itself.
pub(in crate::deploy) const KINDS: [&str; 2] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];

/// How deep units can be nested, with room: five levels below the root.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>
pub(in crate::deploy) const DEPTH: usize = 16;

/// The ids of units that were looked up, by name.
#[derive(Debug, Default)]
pub struct Units {
    known: Mutex<BTreeMap<String, String>>,
}

impl Units {
    fn get(&self, name: &str) -> Option<String> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn put(&self, name: &str, id: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), id.to_owned());
    }
}

/// Whether a text is an id of a root or unit. No name of ours looks like one.
pub(in crate::deploy) fn is_id(text: &str) -> bool {
    text.starts_with("r-") || text.starts_with("ou-")
}

fn done(answer: Answer<()>) -> Answer<String> {
    answer.map(|()| String::new())
}

/// The id of a unit; nothing if it is not there yet.
fn find<C: Cloud>(at: &At<'_, C>, name: &str, depth: usize) -> Outcome<Option<String>> {
    if is_id(name) {
        return Ok(Some(name.to_owned()));
    }
    if let Some(id) = at.site.units.get(name) {
        return Ok(Some(id));
    }
    let parent = match at.site.material.units.get(name) {
        Some(parent) if depth < DEPTH => parent,
        _ => {
            let message = format!("neither the rollout nor the assembly says where the unit `{name}` stands");
            return Err(Failure::new(message).into());
        }
    };
    let Some(parent) = find(at, parent, depth + 1)? else { return Ok(None) };
    let units = at.look(|cloud| cloud.units(&at.site.home, &parent))?;
    Ok(units.into_iter().find(|unit| unit.name == name).map(|unit| {
        at.site.units.put(name, &unit.id);
        unit.id
    }))
}

/// The id of a unit that has to be there.
pub(super) fn unit_id<C: Cloud>(at: &At<'_, C>, name: &str) -> Outcome<String> {
    match find(at, name, 0)? {
        Some(id) => Ok(id),
        None => Err(Failure::new(format!("there is no organizational unit `{name}`")).into()),
    }
}

/// A unit stands below its parent.
pub(super) fn unit<C: Cloud>(
    at: &At<'_, C>,
    name: &str,
    parent: &str,
    tags: &BTreeMap<String, String>,
) -> Outcome<How> {
    const CREATE: &str = "create-organizational-unit";
    let mut calls = at.waits(CALLS);
    let home = &at.site.home;
    let parent = unit_id(at, parent)?;
    loop {
        let units = at.look(|cloud| cloud.units(home, &parent))?;
        if let Some(unit) = units.iter().find(|unit| unit.name == name) {
            at.site.units.put(name, &unit.id);
            return Ok(ours(at, CREATE, How::Created));
        }
        let told = at.change(CREATE, name, &mut calls, |cloud| cloud.create_unit(home, &parent, name, tags))?;
        if let Told::Yes(id) = told {
            at.site.units.put(name, &id);
            return Ok(How::Created);
        }
    }
}

/// How a thing came to be there that a look shows: by this attempt, or before.
fn ours<C: Cloud>(at: &At<'_, C>, call: &str, how: How) -> How {
    if at.asked(call).is_some() { how } else { How::AlreadyThere }
}

/// The policy with a name, of a kind or of any.
fn find_policy<C: Cloud>(at: &At<'_, C>, kind: Option<&str>, name: &str) -> Outcome<Option<PolicyState>> {
    let known = kind.or_else(|| at.site.material.policies.get(name).map(String::as_str));
    let kinds = known.map_or_else(|| KINDS.to_vec(), |kind| vec![kind]);
    for kind in kinds {
        if let Some(found) = at.look(|cloud| cloud.policy(&at.site.home, kind, name))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether two documents say the same, whatever their blanks and the order of their keys.
pub(in crate::deploy) fn same(one: &str, other: &str) -> bool {
    match (serde_json::from_str::<Value>(one), serde_json::from_str::<Value>(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// A policy exists with the content of a file.
pub(super) fn policy<C: Cloud>(
    at: &At<'_, C>,
    name: &str,
    kind: &str,
    file: &str,
    description: &str,
    tags: &BTreeMap<String, String>,
) -> Outcome<How> {
    const CREATE: &str = "create-policy";
    const UPDATE: &str = "update-policy";
    let mut calls = at.waits(CALLS);
    let (home, content) = (&at.site.home, at.site.material.file(file));
    loop {
        match find_policy(at, Some(kind), name)? {
            None => {
                let told = at.change(CREATE, name, &mut calls, |cloud| {
                    cloud.create_policy(home, kind, name, description, content, tags)
                })?;
                if matches!(told, Told::Yes(_)) {
                    return Ok(How::Created);
                }
            }
            Some(found) if same(&found.content, content) && found.description == description => {
                let created = ours(at, CREATE, How::Created);
                return Ok(if created == How::Created { created } else { ours(at, UPDATE, How::Updated) });
            }
            Some(found) => {
                let told = at.change(UPDATE, &found.id, &mut calls, |cloud| {
                    done(cloud.update_policy(home, &found.id, description, content))
                })?;
                if matches!(told, Told::Yes(_)) {
                    return Ok(How::Updated);
                }
            }
        }
    }
}

/// A policy is attached to a unit, or taken from it.
pub(super) fn attach<C: Cloud>(at: &At<'_, C>, policy: &str, unit: &str, attached: bool) -> Outcome<How> {
    let call = if attached { "attach-policy" } else { "detach-policy" };
    let mut calls = at.waits(CALLS);
    let home = &at.site.home;
    let Some(unit) = (if attached { Some(unit_id(at, unit)?) } else { find(at, unit, 0)? }) else {
        return Ok(How::AlreadyThere);
    };
    loop {
        let Some(found) = find_policy(at, None, policy)? else {
            if attached {
                return Err(Failure::new(format!("there is no policy `{policy}`")).into());
            }
            return Ok(How::AlreadyThere);
        };
        let how = if attached { How::Created } else { How::Deleted };
        if found.targets.contains(&unit) == attached {
            return Ok(ours(at, call, how));
        }
        let told = at.change(call, &unit, &mut calls, |cloud| {
            done(if attached {
                cloud.attach_policy(home, &found.id, &unit)
            } else {
                cloud.detach_policy(home, &found.id, &unit)
            })
        })?;
        if matches!(told, Told::Yes(_)) {
            return Ok(how);
        }
    }
}

/// An account stands in a unit.
pub(super) fn account<C: Cloud>(at: &At<'_, C>, account: &str, unit: &str) -> Outcome<How> {
    const MOVE: &str = "move-account";
    let mut calls = at.waits(CALLS);
    let home = &at.site.home;
    let unit = unit_id(at, unit)?;
    loop {
        let parent = at.look(|cloud| cloud.parent(home, account))?;
        if parent == unit {
            return Ok(ours(at, MOVE, How::Updated));
        }
        let told =
            at.change(MOVE, &unit, &mut calls, |cloud| done(cloud.move_account(home, account, &parent, &unit)))?;
        if matches!(told, Told::Yes(_)) {
            return Ok(How::Updated);
        }
    }
}
