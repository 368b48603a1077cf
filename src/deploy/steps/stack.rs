//! Stacks: a change set is made, looked at and executed.
//!
//! The name of the change set has the digest of everything that is deployed in it, and a stack remembers the change set
//! that made it what it is. So what is deployed can be read from the stack, and is not deployed twice.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html>,
//! statuses: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>.

use serde_json::Value;

use super::{At, CALLS, Failure, OTHERS, Outcome, Told, Waits};
use crate::cfn::schema;
use crate::deploy::cloud::{ChangeSetRequest, ChangeSetState, Cloud, PlannedChange, StackState, Target};
use crate::deploy::journal::{Asked, How};
use crate::deploy::material::StackItem;
use crate::deploy::names;
use crate::diagnostics::codes;

/// The calls, as the journal names them.
const CREATE: &str = "create-change-set";
const EXECUTE: &str = "execute-change-set";
const DELETE: &str = "delete-stack";
const DISCARD: &str = "delete-change-set";
/// The same call, after CloudFormation said that the change set would change nothing.
const NOTHING: &str = "delete-empty-change-set";

/// How often a look may show nothing of a call that AWS took, before the call is sent again.
const BLIND: u32 = 8;

/// What a status means for who wants to change the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is none, or only the shell that a change set has made.
    Absent,
    /// It is as its last change wanted it.
    Settled,
    /// Its last change was taken back. It can be changed.
    TakenBack,
    /// Its creation was taken back. All that can be done is to delete it.
    Shell,
    /// Something is being done to it.
    Moving,
    /// It needs a person.
    Stuck,
}

fn phase(found: Option<&StackState>) -> Phase {
    match found.map(|stack| stack.status.as_str()) {
        None | Some("REVIEW_IN_PROGRESS" | "DELETE_COMPLETE") => Phase::Absent,
        Some("CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE") => Phase::Settled,
        Some("UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE") => Phase::TakenBack,
        Some("ROLLBACK_COMPLETE") => Phase::Shell,
        Some(status) if status.ends_with("_IN_PROGRESS") => Phase::Moving,
        Some(_) => Phase::Stuck,
    }
}

/// What a person has to do about a stack that nothing else can be done to.
fn stuck(stack: &StackState, name: &str, target: &Target) -> Failure {
    let at = format!("--stack-name {name} --region {}", target.region);
    let help = match stack.status.as_str() {
        "UPDATE_ROLLBACK_FAILED" => format!(
            "correct what the stack's events name, then `aws cloudformation continue-update-rollback {at}`, and run the same \
             command again"
        ),
        "DELETE_FAILED" => format!("correct what keeps its resources, then `aws cloudformation delete-stack {at}`"),
        "CREATE_FAILED" | "ROLLBACK_FAILED" => format!(
            "look at what is left of it (`aws cloudformation describe-stack-resources {at}`), delete it with \
             `aws cloudformation delete-stack {at}`, and run the same command again"
        ),
        _ => format!("look at `aws cloudformation describe-stack-events {at}`"),
    };
    let reason = stack.reason.clone().into_iter().collect();
    Failure::stuck(format!("the stack `{name}` in {target} is in `{}`", stack.status), help).because(reason)
}

/// Makes a stack what its record says.
pub(super) fn deploy<C: Cloud>(at: &At<'_, C>, item: &StackItem) -> Outcome<How> {
    let (version, target) = (item.version(), &item.target);
    let set_name = names::change_set(&version);
    let (mut waits, mut others, mut calls) = (at.work(), at.waits(OTHERS), at.waits(CALLS));
    let mut unseen = at.unseen();
    let mut blind = 0;
    loop {
        let found = at.look(|cloud| cloud.stack(target, &item.name))?;
        if let Some(executed) = at.asked(EXECUTE) {
            match follow(at, item, &set_name, found.as_ref(), &executed, &mut calls, &mut blind)? {
                Followed::Ended(how) => return Ok(how),
                Followed::Runs => at.wait(&mut waits, &format!("the stack `{}` is being changed", item.name))?,
                Followed::Asked => {}
                Followed::Unseen => {
                    let Some(wait) = unseen.longer() else {
                        return Err(not_begun(item, &set_name, unseen.minutes()).into());
                    };
                    at.site.clock.sleep(wait);
                }
            }
            continue;
        }
        let ours = found.as_ref().and_then(|stack| stack.change_set.as_deref()).and_then(names::version_of);
        let create = match phase(found.as_ref()) {
            Phase::Settled if ours == Some(&version) => return Ok(How::AlreadyThere),
            Phase::Moving => {
                at.wait_for_others(&mut others, &format!("something else changes the stack `{}`", item.name))?;
                continue;
            }
            Phase::Shell => {
                // Its creation was taken back, so it holds nothing, and can only be deleted.
                let token = at.token(DELETE);
                at.change(DELETE, &token, &mut calls, |cloud| done(cloud.delete_stack(target, &item.name, &token)))?;
                let what = format!("CloudFormation took `DeleteStack` for what is left of the stack `{}`", item.name);
                at.wait(&mut unseen, &what)?;
                continue;
            }
            Phase::Stuck => {
                let stack = found.as_ref().map(|stack| stuck(stack, &item.name, target));
                return Err(stack.unwrap_or_else(|| Failure::new("the stack is gone")).into());
            }
            Phase::Absent => true,
            Phase::Settled | Phase::TakenBack => false,
        };
        let Some(set) = at.look(|cloud| cloud.change_set(target, &item.name, &set_name))? else {
            if at.asked(NOTHING).is_some() {
                return Ok(How::AlreadyThere);
            }
            match propose(at, item, &set_name, create, &mut calls)? {
                Told::Nothing => return Ok(How::AlreadyThere),
                Told::Yes(_) => {
                    at.wait(
                        &mut unseen,
                        &format!("CloudFormation took a change set of `{}` and shows none", item.name),
                    )?;
                }
                Told::Look => {}
            }
            continue;
        };
        let current = found.as_ref().and_then(|stack| stack.change_set.as_deref());
        match (set.status.as_str(), set.execution.as_str()) {
            ("FAILED", _) if is_empty(&set) => {
                discard(at, item, NOTHING, &set_name, &mut calls)?;
            }
            ("FAILED", _) if at.asked(CREATE).is_some() => {
                let message = format!("CloudFormation cannot change the stack `{}` in {target}", item.name);
                return Err(Failure::new(message).because(set.reason.into_iter().collect()).into());
            }
            // Somebody's run ended between executing it and writing that down, on another computer.
            ("CREATE_COMPLETE", "EXECUTE_COMPLETE")
                if phase(found.as_ref()) == Phase::Settled && current.is_none_or(|arn| arn == set.id) =>
            {
                return Ok(How::AlreadyThere);
            }
            ("CREATE_COMPLETE", "AVAILABLE") => {
                if !create {
                    refuse_loss(at, item, &set)?;
                }
                execute(at, item, &set_name, &set.id, &mut calls)?;
                // However long the change set took, the stack has only now begun to change.
                waits.reset();
            }
            ("CREATE_COMPLETE", "UNAVAILABLE" | "EXECUTE_IN_PROGRESS")
            | ("CREATE_PENDING" | "CREATE_IN_PROGRESS" | "DELETE_PENDING" | "DELETE_IN_PROGRESS", _) => {
                at.wait(&mut waits, &format!("the change set of `{}` is in `{}`", item.name, set.status))?;
            }
            _ if at.asked(CREATE).is_some_and(|asked| asked.taken) => {
                let message =
                    format!("the change set of `{}` is in `{}` and `{}`", item.name, set.status, set.execution);
                return Err(Failure::new(message).because(set.reason.into_iter().collect()).into());
            }
            // From an earlier attempt, or made for what the stack was before somebody else changed it.
            _ => {
                discard(at, item, DISCARD, &set_name, &mut calls)?;
                at.wait(&mut waits, &format!("an old change set of `{}` is being deleted", item.name))?;
            }
        }
    }
}

/// Asks for the change set.
fn propose<C: Cloud>(
    at: &At<'_, C>,
    item: &StackItem,
    set_name: &str,
    create: bool,
    calls: &mut Waits,
) -> Outcome<Told> {
    let sent = at.template(&item.target, &item.template, item.sha256)?;
    let template = sent.source(at.site.material.file(&item.template));
    let token = at.token(CREATE);
    at.change(CREATE, &token, calls, |cloud| {
        let request = ChangeSetRequest {
            stack: &item.name,
            name: set_name,
            token: &token,
            create,
            template,
            parameters: &item.parameters,
            tags: &item.tags,
        };
        cloud.create_change_set(&item.target, &request)
    })
}

/// Executes the change set with this ARN. The journal has the ARN, by which the stack shows later whether it happened.
fn execute<C: Cloud>(at: &At<'_, C>, item: &StackItem, set_name: &str, arn: &str, calls: &mut Waits) -> Outcome<Told> {
    let token = at.token(EXECUTE);
    at.change(EXECUTE, arn, calls, |cloud| done(cloud.execute_change_set(&item.target, &item.name, set_name, &token)))
}

fn discard<C: Cloud>(at: &At<'_, C>, item: &StackItem, call: &str, set_name: &str, calls: &mut Waits) -> Outcome<Told> {
    at.change(call, set_name, calls, |cloud| done(cloud.delete_change_set(&item.target, &item.name, set_name)))
}

/// An answer that names nothing.
fn done(answer: crate::deploy::cloud::Answer<()>) -> crate::deploy::cloud::Answer<String> {
    answer.map(|()| String::new())
}

/// What became of a change set that this attempt has executed, or was about to.
enum Followed {
    /// The stack is as the change set wants it.
    Ended(How),
    /// The stack is being changed, or that is not known yet.
    Runs,
    /// It was asked for just now.
    Asked,
    /// CloudFormation has taken the call, was asked once more, and shows nothing of it.
    Unseen,
}

/// CloudFormation took a change set's execution, and neither the stack nor the change set shows it.
fn not_begun(item: &StackItem, set_name: &str, minutes: u64) -> Failure {
    let StackItem { name, target, .. } = item;
    let message = format!(
        "CloudFormation took `ExecuteChangeSet` for the stack `{name}` in {target} and has not begun after {minutes} minutes"
    );
    let help = format!(
        "look at `aws cloudformation describe-change-set --stack-name {name} --change-set-name {set_name} --region {}`; the \
         same command asks with another token",
        target.region
    );
    Failure { help: Some(help), ..Failure::new(message) }
}

/// Looks what became of a change set.
fn follow<C: Cloud>(
    at: &At<'_, C>,
    item: &StackItem,
    set_name: &str,
    found: Option<&StackState>,
    executed: &Asked,
    calls: &mut Waits,
    blind: &mut u32,
) -> Outcome<Followed> {
    let target = &item.target;
    let phase = phase(found);
    if phase == Phase::Moving {
        return Ok(Followed::Runs);
    }
    let seen = found.is_some_and(|stack| stack.change_set.as_deref() == Some(executed.token.as_str()));
    if !seen || phase == Phase::Absent {
        let set = at.look(|cloud| cloud.change_set(target, &item.name, set_name))?;
        match set.filter(|set| set.id == executed.token) {
            Some(set) if set.execution == "AVAILABLE" => {
                // The call did not go out, or is not seen yet. With the same token it takes effect once.
                execute(at, item, set_name, &set.id, calls)?;
                return Ok(if executed.taken { Followed::Unseen } else { Followed::Asked });
            }
            Some(set) if set.execution == "EXECUTE_IN_PROGRESS" => return Ok(Followed::Runs),
            Some(set) if set.execution == "OBSOLETE" || set.execution == "EXECUTE_FAILED" => {
                let message = format!("the change set of `{}` could not be executed: `{}`", item.name, set.execution);
                let mut why: Vec<String> = set.reason.into_iter().collect();
                if set.execution == "EXECUTE_FAILED" {
                    why.extend(reasons(at, target, &item.name));
                }
                return Err(Failure::new(message).because(why).into());
            }
            // Executed; CloudFormation may have deleted it since.
            Some(_) | None if phase == Phase::Absent => {
                let message = format!("the stack `{}` in {target} was not created and is gone", item.name);
                return Err(Failure::new(message).into());
            }
            // The stack names another change set as its last. It may not know yet.
            None if found.is_some_and(|stack| stack.change_set.is_some()) => {
                *blind += 1;
                if *blind < BLIND {
                    return Ok(Followed::Runs);
                }
                let message = format!("the change set of `{}` is gone, and the stack is as it was before", item.name);
                return Err(Failure::new(message).into());
            }
            Some(_) | None => {}
        }
    }
    match phase {
        Phase::Settled => {
            let updated = found.is_some_and(|stack| stack.status.starts_with("UPDATE"));
            Ok(Followed::Ended(if updated { How::Updated } else { How::Created }))
        }
        Phase::Stuck if found.is_some_and(|stack| stack.status != "CREATE_FAILED") => {
            let mut failure = found.map_or_else(|| Failure::new(""), |stack| stuck(stack, &item.name, target));
            failure.reasons.extend(reasons(at, target, &item.name));
            Err(failure.into())
        }
        _ => {
            let status = found.map_or("DELETE_COMPLETE", |stack| stack.status.as_str());
            let message = format!("the stack `{}` in {target} ended in `{status}`", item.name);
            Err(Failure::new(message).because(reasons(at, target, &item.name)).into())
        }
    }
}

/// Why the last change failed, as far as that can be learned now.
fn reasons<C: Cloud>(at: &At<'_, C>, target: &Target, stack: &str) -> Vec<String> {
    let token = at.token(EXECUTE);
    at.site.cloud.failures(target, stack, &token).unwrap_or_default()
}

/// Whether a change set failed because nothing would change. CloudFormation has no status of its own for that.
fn is_empty(set: &ChangeSetState) -> bool {
    let reason = set.reason.as_deref().unwrap_or_default();
    set.changes.is_empty()
        && ["didn't contain changes", "No updates are to be performed", "no changes"]
            .iter()
            .any(|text| reason.contains(text))
}

/// The changes that take a stateful resource away, or put another in its place.
///
/// `keeps` says of a logical id whether the template that is deployed keeps the resource when it leaves the stack.
#[must_use]
pub fn expected_loss<'a>(changes: &'a [PlannedChange], keeps: &dyn Fn(&str) -> bool) -> Vec<&'a PlannedChange> {
    let loses = |change: &&PlannedChange| {
        let stateful = schema::find(&change.kind).is_some_and(|facts| facts.is_stateful());
        let replaced = change.action == "Modify" && change.replacement.as_deref() == Some("True");
        stateful && (replaced || change.action == "Remove" && !keeps(&change.logical_id))
    };
    changes.iter().filter(loses).collect()
}

/// Fails if CloudFormation would take data away that nobody said may go.
fn refuse_loss<C: Cloud>(at: &At<'_, C>, item: &StackItem, set: &ChangeSetState) -> Outcome<()> {
    if expected_loss(&set.changes, &|_| false).is_empty() {
        return Ok(());
    }
    let deployed = at.look(|cloud| cloud.template(&item.target, &item.name))?;
    let deployed: Option<Value> = serde_json::from_str(&deployed).ok();
    let keeps = |id: &str| {
        let policy = deployed.as_ref().and_then(|template| template.get("Resources")?.get(id)?.get("DeletionPolicy"));
        matches!(policy.and_then(Value::as_str), Some("Retain" | "RetainExceptOnCreate" | "Snapshot"))
    };
    let lost: Vec<&PlannedChange> = expected_loss(&set.changes, &keeps)
        .into_iter()
        .filter(|change| !at.site.accepted.contains(&format!("{}/{}", item.name, change.logical_id)))
        .collect();
    let Some(first) = lost.first() else { return Ok(()) };
    let what = |change: &PlannedChange| if change.action == "Remove" { "remove" } else { "replace" };
    let more = if lost.len() > 1 { format!(" and {} more", lost.len() - 1) } else { String::new() };
    let message = format!(
        "CloudFormation would {} `{}` ({}){more} in the stack `{}` in {}",
        what(first),
        first.logical_id,
        first.kind,
        item.name,
        item.target
    );
    let reasons =
        lost.iter().map(|change| format!("{} `{}`, {}", what(change), change.logical_id, change.kind)).collect();
    let accept: Vec<String> =
        lost.iter().map(|change| format!("--accept-replacement {}/{}", item.name, change.logical_id)).collect();
    let help = format!("if its data may go: `tenantry deploy {}`", accept.join(" "));
    let failure = Failure { code: &codes::DEPLOY_UNEXPECTED_REPLACEMENT, help: Some(help), ..Failure::new(message) };
    Err(failure.because(reasons).into())
}

/// Deletes a stack.
pub(super) fn delete<C: Cloud>(at: &At<'_, C>, target: &Target, name: &str) -> Outcome<How> {
    let (mut waits, mut others, mut calls) = (at.work(), at.waits(OTHERS), at.waits(CALLS));
    let mut unseen = at.unseen();
    let mut blind = 0;
    let token = at.token(DELETE);
    loop {
        let found = at.look(|cloud| cloud.stack(target, name))?.filter(|stack| stack.status != "DELETE_COMPLETE");
        let asked = at.asked(DELETE);
        let Some(stack) = found else {
            return Ok(if asked.is_some() { How::Deleted } else { How::AlreadyThere });
        };
        let taken = asked.is_some_and(|asked| asked.taken);
        match stack.status.as_str() {
            "DELETE_IN_PROGRESS" => at.wait(&mut waits, &format!("the stack `{name}` is being deleted"))?,
            "DELETE_FAILED" if taken => {
                let events = at.site.cloud.failures(target, name, &token).unwrap_or_default();
                return Err(stuck(&stack, name, target).because(events).into());
            }
            status if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" => {
                at.wait_for_others(&mut others, &format!("something else changes the stack `{name}`"))?;
            }
            _ if taken && blind < BLIND => {
                blind += 1;
                at.wait(
                    &mut unseen,
                    &format!("CloudFormation took `DeleteStack` for `{name}` and shows nothing of it"),
                )?;
            }
            _ => {
                blind = 0;
                at.change(DELETE, &token, &mut calls, |cloud| done(cloud.delete_stack(target, name, &token)))?;
            }
        }
    }
}
