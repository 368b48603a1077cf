//! The steps of a plan, in order. Each kind of change is one function that reads from top to bottom as the runbook does.

use super::catalogue::Carriage;
use super::document::{Act, Carry, DowntimeClass, Gone, How, Phase, Step, Transition};
use super::seen::{Seen, SeenStack};
use super::survey::Found;

/// What the steps are made from.
pub(super) struct Inputs<'a, 'c> {
    pub(super) tenant: &'a str,
    /// What makes writes of this change count once.
    pub(super) key: &'a str,
    pub(super) from: Option<&'a Seen>,
    pub(super) to: Option<&'a Seen>,
    /// The stores of the old place.
    pub(super) old: &'a [Found<'c>],
    /// The stores of the new place.
    pub(super) new: &'a [Found<'c>],
    /// Whether the data must not be deleted.
    pub(super) held: bool,
    /// Days for which the old place is kept.
    pub(super) keep_days: u64,
    /// Whether guardrails or the account change.
    pub(super) guardrails: bool,
    /// Whether requests arrive somewhere else.
    pub(super) rerouted: bool,
    /// How long what is beyond the templates stays at most, in hours.
    pub(super) beyond_hours: u64,
    /// What has to be looked for beyond the templates.
    pub(super) beyond: &'a [String],
}

/// The steps so far.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    passed: bool,
}

/// A step that is being said.
struct Said<'a> {
    phase: Phase,
    title: String,
    how: Option<String>,
    action: Act,
    needs: &'a [String],
    done_when: String,
    rollback: &'a str,
    gone: Option<Gone>,
}

impl Steps {
    fn add(&mut self, said: Said<'_>) -> String {
        let id = format!("s{:02}", self.steps.len() + 1);
        self.steps.push(Step {
            id: id.clone(),
            phase: said.phase,
            title: said.title,
            how: said.how,
            action: said.action,
            needs: said.needs.to_vec(),
            done_when: said.done_when,
            rollback: (!self.passed).then(|| said.rollback.to_owned()),
            point_of_no_return: false,
            gone: said.gone,
        });
        id
    }

    /// From here on nothing can be taken back.
    fn point_of_no_return(&mut self, title: String, how: String, needs: &[String]) -> String {
        self.passed = true;
        let id = self.add(Said {
            phase: Phase::Erase,
            title,
            how: Some(how),
            action: Act::Decide,
            needs,
            done_when: "somebody who may decide it has said so, and it is written down who and when".to_owned(),
            rollback: "",
            gone: None,
        });
        if let Some(step) = self.steps.last_mut() {
            step.point_of_no_return = true;
        }
        id
    }

    /// The ids of all steps so far.
    fn all(&self) -> Vec<String> {
        self.steps.iter().map(|step| step.id.clone()).collect()
    }

    fn registry(
        &mut self,
        inputs: &Inputs<'_, '_>,
        phase: Phase,
        from: Option<&'static str>,
        to: &'static str,
        needs: &[String],
    ) -> String {
        let condition = match from {
            None => "there is no entry of this tenant".to_owned(),
            Some(from) => format!("state = `{from}` AND version = the version that was read; then version + 1"),
        };
        let transition = Transition { from, to, condition, idempotency_key: format!("{}-{to}", inputs.key) };
        let title = match from {
            None => format!("write the registry's entry of `{}` with state `{to}`", inputs.tenant),
            Some(from) => format!("set the registry's entry of `{}` from `{from}` to `{to}`", inputs.tenant),
        };
        let rollback = match from {
            None => "delete the entry, on the condition that its state is still the one that was written".to_owned(),
            Some(from) => format!(
                "set the state from `{to}` back to `{from}`, on the same condition; after a failure by way of `failed`"
            ),
        };
        self.add(Said {
            phase,
            title,
            how: Some(
                "a conditional write; whoever loses the race reads again and stops if the state is another".to_owned(),
            ),
            action: Act::Registry(transition),
            needs,
            done_when: format!("a consistent read shows `{to}`"),
            rollback: &rollback,
            gone: None,
        })
    }

    fn deploy(&mut self, stack: &SeenStack, updated: bool, needs: &[String]) -> String {
        let record = &stack.record;
        let what = if updated { "update" } else { "create" };
        self.add(Said {
            phase: Phase::Provision,
            title: format!("{what} the stack `{}` in {}", record.name, spot(record.account.as_deref(), &record.region)),
            how: Some(format!(
                "template `{}` of the new assembly, through a change set; see `tenantry deploy`",
                record.template
            )),
            action: Act::DeployStack {
                stack: record.name.to_string(),
                template: record.template.to_string(),
                account: record.account.as_ref().map(ToString::to_string),
                region: record.region.to_string(),
            },
            needs,
            done_when: format!("the stack is in `{}`", if updated { "UPDATE_COMPLETE" } else { "CREATE_COMPLETE" }),
            rollback: if updated {
                "deploy the template of the old assembly"
            } else {
                "delete the stack, and the stores it leaves behind, which are empty or hold copies"
            },
            gone: None,
        })
    }

    fn freeze(&mut self, reads: bool, needs: &[String]) -> String {
        self.add(Said {
            phase: Phase::Freeze,
            title: if reads { "stop all requests of the tenant" } else { "stop writes of the tenant; reads go on" }.to_owned(),
            how: Some(
                "in the router and in every worker: the application refuses by the tenant's id; consumers of queues and streams go on until they are empty"
                    .to_owned(),
            ),
            action: Act::Freeze { reads },
            needs,
            done_when: "a write as the tenant is refused, and metrics of its stores show no more writes".to_owned(),
            rollback: "let the requests go on",
            gone: None,
        })
    }

    fn drain(&mut self, found: &Found<'_>, why: &str, needs: &[String]) -> String {
        self.add(Said {
            phase: Phase::Drain,
            title: format!("let {} of {} be worked off", found.store.keeps, shown(found)),
            how: Some(why.to_owned()),
            action: Act::Drain { store: found.store.id.clone() },
            needs,
            done_when: "nothing of the tenant is waiting, in flight or delayed there".to_owned(),
            rollback: "nothing to take back: work that is done is done",
            gone: None,
        })
    }

    fn erase(&mut self, found: &Found<'_>, needs: &[String]) -> String {
        let store = &found.store;
        let mut how: Vec<String> = found.guards.clone();
        how.push(store.erase.clone());
        let title = match store.how {
            How::CryptoShred => format!("shred the key {}: what it encrypted is unreadable after that", shown(found)),
            How::Expires => format!("let {} in {} end", store.keeps, shown(found)),
            How::Locked => format!("wait for the locks of {}, then erase its {}", shown(found), store.keeps),
            _ => format!("erase {} in {}", store.keeps, shown(found)),
        };
        self.add(Said {
            phase: Phase::Erase,
            title,
            how: Some(how.join("; ")),
            action: Act::Erase { store: store.id.clone(), how: store.how },
            needs,
            done_when: match store.how {
                How::DeleteResource => "it is not found any more".to_owned(),
                How::CryptoShred => "its state is `PendingDeletion`, and after the window it is not found".to_owned(),
                How::Expires => "its retention is over since the last write of the tenant".to_owned(),
                How::Locked => "the last lock has ended, and nothing is found any more".to_owned(),
                _ => "looking for the tenant's data there finds nothing, twice".to_owned(),
            },
            rollback: "",
            gone: Some(store.gone.clone()),
        })
    }

    fn residues(&mut self, found: &Found<'_>, needs: &[String]) -> Option<String> {
        let residues = &found.store.residues;
        if residues.is_empty() {
            return None;
        }
        let told = residues.iter().map(|residue| format!("{}: {}", residue.what, residue.action));
        let how =
            if residues.iter().all(|residue| residue.how == How::Expires) { How::Expires } else { How::DeleteCopies };
        Some(self.add(Said {
            phase: Phase::Erase,
            title: format!("erase what stays of {}", shown(found)),
            how: Some(told.collect::<Vec<_>>().join("; ")),
            action: Act::EraseResidue {
                store: found.store.id.clone(),
                what: residues.iter().map(|residue| residue.what.clone()).collect::<Vec<_>>().join("; "),
                how,
            },
            needs,
            done_when: "none of them is found, or the day on which the last one ends is written down".to_owned(),
            rollback: "",
            gone: residues.iter().map(|residue| &residue.gone).max_by_key(|gone| hours(gone)).cloned(),
        }))
    }

    /// Erases stores, what stays of them, the keys, and the stacks, in this order.
    fn erase_all(&mut self, stores: &[&Found<'_>], stacks: &[&SeenStack], needs: &[String]) -> Vec<String> {
        let mut done = Vec::new();
        let (keys, others): (Vec<&Found<'_>>, Vec<&Found<'_>>) =
            stores.iter().copied().partition(|found| found.store.how == How::CryptoShred);
        for found in others {
            let erased = self.erase(found, needs);
            done.extend(self.residues(found, std::slice::from_ref(&erased)));
            done.push(erased);
        }
        let mut before = done.clone();
        before.extend(needs.iter().cloned());
        for found in keys {
            let erased = self.erase(found, &before);
            done.extend(self.residues(found, std::slice::from_ref(&erased)));
            done.push(erased);
        }
        for stack in stacks {
            let record = &stack.record;
            let leaves: Vec<String> = stores
                .iter()
                .filter(|found| found.store.stack == record.name)
                .map(|found| found.store.logical_id.clone())
                .collect();
            let mut before = done.clone();
            before.extend(needs.iter().cloned());
            let id = self.add(Said {
                phase: Phase::Erase,
                title: format!("delete the stack `{}` in {}", record.name, spot(record.account.as_deref(), &record.region)),
                how: Some("switch its termination protection off first; what holds data has `DeletionPolicy: Retain` and was erased by the steps above".to_owned()),
                action: Act::DeleteStack {
                    stack: record.name.to_string(),
                    account: record.account.as_ref().map(ToString::to_string),
                    region: record.region.to_string(),
                    leaves,
                },
                needs: &before,
                done_when: "the stack is in `DELETE_COMPLETE`, and what it left behind is gone".to_owned(),
                rollback: "",
                gone: Some(Gone::AtOnce),
            });
            done.push(id);
        }
        done
    }

    fn guardrails(&mut self, how: &str, done_when: &str, rollback: &str, phase: Phase, needs: &[String]) -> String {
        self.add(Said {
            phase,
            title: "put the tenant's account under the guardrails of its place".to_owned(),
            how: Some(how.to_owned()),
            action: Act::Guardrails,
            needs,
            done_when: done_when.to_owned(),
            rollback,
            gone: None,
        })
    }

    fn check(&mut self, phase: Phase, title: String, done_when: String, needs: &[String]) -> String {
        self.add(Said {
            phase,
            title,
            how: None,
            action: Act::Check,
            needs,
            done_when,
            rollback: "nothing to take back: it only looks",
            gone: None,
        })
    }

    fn wait(&mut self, phase: Phase, title: String, days: u64, rollback: &str, needs: &[String]) -> String {
        self.add(Said {
            phase,
            title,
            how: None,
            action: Act::Wait { days },
            needs,
            done_when: format!("{days} days have passed, and nobody has asked for the old state"),
            rollback,
            gone: None,
        })
    }
}

/// How long something stays at most, in hours; the longest for what has no end.
pub(super) fn hours(gone: &Gone) -> u64 {
    match gone {
        Gone::AtOnce => 0,
        Gone::Within { hours } | Gone::NotBefore { hours, .. } => *hours,
        Gone::Never { .. } | Gone::Unknown { .. } => u64::MAX,
    }
}

fn spot(account: Option<&str>, region: &str) -> String {
    match account {
        Some(account) => format!("account {account}, {region}"),
        None => format!("the account that is not known yet, {region}"),
    }
}

fn shown(found: &Found<'_>) -> String {
    let store = &found.store;
    match &store.name {
        Some(name) => format!("`{}` (`{name}`)", store.component),
        None => format!("`{}` (`{}` in stack `{}`)", store.component, store.logical_id, store.stack),
    }
}

fn state(seen: &Seen) -> &'static str {
    seen.record.state.as_str()
}

/// The steps of a tenant that comes.
pub(super) fn onboard(inputs: &Inputs<'_, '_>, to: &Seen) -> Steps {
    let mut steps = Steps::default();
    let requested = steps.registry(inputs, Phase::Reserve, None, "requested", &[]);
    let room = steps.check(
        Phase::Reserve,
        format!("look that cell `{}` has room, and that its stacks are deployed", to.record.cell),
        match to.shared.as_slice() {
            [] => format!("the tenants of cell `{}` in the registry are fewer than its capacity", to.record.cell),
            shared => format!(
                "the registry has room in the cell, and {} deployed",
                listed(shared.iter().map(|stack| stack.record.name.as_ref()))
            ),
        },
        std::slice::from_ref(&requested),
    );
    let mut before =
        vec![steps.registry(inputs, Phase::Provision, Some("requested"), "provisioning", &[requested, room])];
    if inputs.guardrails {
        before.push(account(&mut steps, to, &before.clone()));
    }
    let mut deployed = Vec::new();
    for stack in &to.own {
        deployed.push(steps.deploy(stack, false, &before));
    }
    deployed.extend(before);
    let first = steps.add(Said {
        phase: Phase::Provision,
        title: "make the first user, who is the tenant's administrator".to_owned(),
        how: Some(
            "with the tenant's id in the attribute that tokens carry; nobody but the platform may write it".to_owned(),
        ),
        action: Act::Recreate {
            store: inputs
                .new
                .iter()
                .find(|found| found.store.kind == "AWS::Cognito::UserPool")
                .map_or_else(String::new, |found| found.store.id.clone()),
            to: None,
        },
        needs: &deployed,
        done_when: "the administrator signs in, and the token has the tenant's id".to_owned(),
        rollback: "delete the user",
        gone: None,
    });
    let checked = steps.check(
        Phase::Verify,
        "make a request as the tenant, and one for another tenant's data".to_owned(),
        "the first is answered, and the second is refused".to_owned(),
        std::slice::from_ref(&first),
    );
    let routed = route(&mut steps, to, &[checked], "take the tenant out of the router");
    steps.registry(inputs, Phase::Close, Some("provisioning"), state(to), &[routed]);
    steps
}

fn account(steps: &mut Steps, to: &Seen, needs: &[String]) -> String {
    let policies: Vec<&str> = to.policies.keys().map(String::as_str).collect();
    steps.guardrails(
        &format!(
            "move account {} into the organizational unit of tier `{}` before anything is deployed to it; its policies are {}",
            to.record.account.as_deref().unwrap_or("(not known yet: make it first)"),
            to.record.tier,
            listed(policies.iter().copied())
        ),
        "`organizations list-parents` names the unit, and the unit's effective policies are these",
        "move the account back to the unit it came from",
        Phase::Provision,
        needs,
    )
}

fn route(steps: &mut Steps, to: &Seen, needs: &[String], rollback: &str) -> String {
    steps.add(Said {
        phase: Phase::Switch,
        title: format!("send the tenant's requests to cell `{}`, tier `{}`", to.record.cell, to.record.tier),
        how: Some("one write in the router; wait for as long as its answers are cached".to_owned()),
        action: Act::Route,
        needs,
        done_when: "requests of the tenant arrive at the new place, and none at the old one".to_owned(),
        rollback,
        gone: None,
    })
}

/// The steps of a tenant that stays where it is.
pub(super) fn update(inputs: &Inputs<'_, '_>, from: &Seen, to: &Seen, changed: &[String]) -> Steps {
    let mut steps = Steps::default();
    let begun = steps.registry(inputs, Phase::Reserve, Some(state(from)), "updating", &[]);
    let mut done = vec![begun.clone()];
    for stack in to.own.iter().filter(|stack| changed.iter().any(|name| *name == stack.record.name)) {
        done.push(steps.deploy(stack, from.stack(&stack.record.name).is_some(), std::slice::from_ref(&begun)));
    }
    let checked = steps.check(
        Phase::Verify,
        "make a request as the tenant".to_owned(),
        "it is answered, and the tenant's entitlements are the new ones".to_owned(),
        &done,
    );
    steps.registry(inputs, Phase::Close, Some("updating"), state(to), &[checked]);
    steps
}

/// The steps of a tenant that goes to another place: everything new is made beside the old, and the old is kept until
/// somebody decides that it goes.
pub(super) fn relocate(inputs: &Inputs<'_, '_>, from: &Seen, to: &Seen, gone_stacks: &[&SeenStack]) -> Steps {
    let mut steps = Steps::default();
    let room = steps.check(
        Phase::Reserve,
        format!("look that cell `{}` has room, and that its stacks are deployed", to.record.cell),
        match to.shared.as_slice() {
            [] => "the registry has room in the cell".to_owned(),
            shared => format!(
                "the registry has room in the cell, and {} deployed",
                listed(shared.iter().map(|stack| stack.record.name.as_ref()))
            ),
        },
        &[],
    );
    let begun = steps.registry(inputs, Phase::Reserve, Some(state(from)), "updating", &[room]);
    let mut before = vec![begun.clone()];
    if inputs.guardrails {
        before.push(account(&mut steps, to, &[begun]));
    }
    let mut ready = Vec::new();
    for stack in &to.own {
        ready.push(steps.deploy(stack, from.stack(&stack.record.name).is_some(), &before));
    }
    ready.extend(before);

    let becomes = |found: &Found<'_>| inputs.new.iter().find(|new| Some(&new.store.id) == found.store.becomes.as_ref());
    let mut remade = Vec::new();
    for found in inputs.old.iter().filter(|found| found.store.carry == Carry::Recreated) {
        let Carriage::Recreated { why } = &found.facts.carry else { continue };
        remade.push(steps.add(Said {
            phase: Phase::Copy,
            title: match becomes(found) {
                Some(new) => format!("make {} of {} anew in {}", found.store.keeps, shown(found), shown(new)),
                None => format!("make {} of {} anew where the new place keeps it", found.store.keeps, shown(found)),
            },
            how: Some(why.clone()),
            action: Act::Recreate { store: found.store.id.clone(), to: found.store.becomes.clone() },
            needs: &ready,
            done_when: found.facts.check.clone().unwrap_or_else(|| "the new one does what the old one did".to_owned()),
            rollback: "delete what was made; the old one was not touched",
            gone: None,
        }));
    }
    let copied: Vec<(&Found<'_>, &Found<'_>)> = inputs
        .old
        .iter()
        .filter(|found| found.store.carry == Carry::Copied)
        .filter_map(|found| Some((found, becomes(found)?)))
        .collect();
    let mut copies = Vec::new();
    for (old, new) in &copied {
        let Carriage::Copied { own, shared, .. } = &old.facts.carry else { continue };
        let (text, key) = match &old.store.share {
            super::document::Share::Own => (own, inputs.tenant),
            super::document::Share::Keyed { key } => (shared, key.as_str()),
            super::document::Share::Application { .. } => (shared, inputs.tenant),
        };
        let encrypted = new.store.encrypted_with.is_some() || old.store.encrypted_with.is_some();
        let mut how = text.replace("{key}", &format!("`{key}`")).replace("{tenant}", &format!("`{}`", inputs.tenant));
        if encrypted {
            how += "; whoever copies needs the old key to read, and what is written is encrypted with the key of the new place";
        }
        copies.push(steps.add(Said {
            phase: Phase::Copy,
            title: format!("copy {} of {} to {}", old.store.keeps, shown(old), shown(new)),
            how: Some(how),
            action: Act::Copy { store: old.store.id.clone(), to: new.store.id.clone() },
            needs: &ready,
            done_when: "the first full copy is there, and only what changed since is missing".to_owned(),
            rollback: "delete the copies at the new place; the old one was not touched",
            gone: None,
        }));
    }
    let mut safe: Vec<String> = ready.iter().chain(&remade).chain(&copies).cloned().collect();
    if !copied.is_empty() {
        let frozen = steps.freeze(false, &safe.clone());
        for ((old, new), copy) in copied.iter().zip(&copies) {
            let Carriage::Copied { check, .. } = &old.facts.carry else { continue };
            safe.push(steps.add(Said {
                phase: Phase::Verify,
                title: format!("copy what changed since in {}, and compare it with {}", shown(old), shown(new)),
                how: Some(check.clone()),
                action: Act::Verify { store: old.store.id.clone(), to: new.store.id.clone() },
                needs: &[copy.clone(), frozen.clone()],
                done_when: "numbers and checksums of both sides are the same".to_owned(),
                rollback: "let writes go on at the old place, and begin the copy again",
                gone: None,
            }));
        }
        safe.push(frozen);
    }
    let rollback = "freeze again, copy back what was written at the new place since, and send requests to the old place: that is possible until the old copies are erased";
    let routed = if inputs.rerouted {
        route(&mut steps, to, &safe, rollback)
    } else {
        steps.check(
            Phase::Switch,
            "look that the tenant works with what is new".to_owned(),
            "a request as the tenant is answered from the new stores".to_owned(),
            &safe,
        )
    };
    let mut after = vec![routed.clone()];
    if !copied.is_empty() {
        after.push(steps.add(Said {
            phase: Phase::Switch,
            title: "let writes go on, at the new place".to_owned(),
            how: None,
            action: Act::Thaw,
            needs: std::slice::from_ref(&routed),
            done_when: "a write as the tenant is found at the new place and not at the old one".to_owned(),
            rollback,
            gone: None,
        }));
    }
    let active = steps.registry(inputs, Phase::Switch, Some("updating"), state(to), &after);
    after.push(active);
    for found in inputs.old.iter().filter(|found| found.store.carry == Carry::Drained) {
        let Carriage::Drained { why } = &found.facts.carry else { continue };
        after.push(steps.drain(found, why, std::slice::from_ref(&routed)));
    }
    let leaving: Vec<&Found<'_>> = inputs.old.iter().filter(|found| found.store.carry != Carry::Kept).collect();
    if leaving.is_empty() && gone_stacks.is_empty() {
        return steps;
    }
    let kept = steps.wait(
        Phase::Retain,
        format!("keep the old place for {} days, with nobody writing to it", inputs.keep_days),
        inputs.keep_days,
        rollback,
        &after,
    );
    if inputs.held {
        steps.check(
            Phase::Retain,
            "keep the old place until the legal hold is lifted; then make this plan again, with the same two assemblies".to_owned(),
            "the registry says that the hold is lifted".to_owned(),
            &[kept],
        );
        return steps;
    }
    let all = steps.all();
    let decided = steps.point_of_no_return(
        "decide that the old copies go".to_owned(),
        "look again that the comparison of every copy was without a difference, and that no hold was placed meanwhile"
            .to_owned(),
        &all,
    );
    let done = steps.erase_all(&leaving, gone_stacks, std::slice::from_ref(&decided));
    let mut needs = done;
    needs.push(decided);
    finish(&mut steps, &leaving, 0, "look for the tenant's data at the old place", &needs);
    steps
}

/// Waits for what ends by itself, and looks once more.
fn finish(steps: &mut Steps, stores: &[&Found<'_>], beyond: u64, title: &str, needs: &[String]) -> String {
    let residues = stores.iter().flat_map(|found| found.store.residues.iter().map(|residue| &residue.gone));
    let longest = stores
        .iter()
        .map(|found| &found.store.gone)
        .chain(residues)
        .map(hours)
        .filter(|hours| *hours < u64::MAX)
        .max()
        .unwrap_or(0)
        .max(beyond);
    let mut needs = needs.to_vec();
    if longest > 0 {
        let days = longest.div_ceil(24);
        needs.push(steps.wait(Phase::Close, format!("wait {days} days for what ends by itself"), days, "", &needs));
    }
    steps.check(
        Phase::Close,
        title.to_owned(),
        "nothing is found, and the findings of this search are kept as proof".to_owned(),
        &needs,
    )
}

/// Stops the service of a tenant and keeps its data.
pub(super) fn suspend(inputs: &Inputs<'_, '_>, from: &Seen, to: &Seen, changed: &[String]) -> Steps {
    let mut steps = Steps::default();
    let begun = steps.registry(inputs, Phase::Reserve, Some(state(from)), "suspended", &[]);
    let mut before = vec![steps.freeze(true, std::slice::from_ref(&begun))];
    before.push(sessions(&mut steps, inputs, &before.clone()));
    for found in inputs.old.iter() {
        if let Carriage::Drained { why } = &found.facts.carry {
            before.push(steps.drain(found, why, &before.clone()));
        }
    }
    if inputs.guardrails {
        before.push(steps.guardrails(
            "move the account into the unit of suspended tenants, below its tier's: its policies deny everything but audit and deployment",
            "a call with a role of the tenant is denied",
            "move the account back into its tier's unit",
            Phase::Switch,
            &before.clone(),
        ));
    }
    for stack in to.own.iter().filter(|stack| changed.iter().any(|name| *name == stack.record.name)) {
        before.push(steps.deploy(stack, true, &before.clone()));
    }
    steps.check(
        Phase::Close,
        "make a request as the tenant, and look that its data is still there".to_owned(),
        "the request is refused, and the stores are as they were".to_owned(),
        &before,
    );
    steps
}

fn sessions(steps: &mut Steps, inputs: &Inputs<'_, '_>, needs: &[String]) -> String {
    let keys = inputs.old.iter().any(|found| found.store.kind == "AWS::ApiGateway::ApiKey");
    steps.add(Said {
        phase: Phase::Freeze,
        title: "end the tenant's sessions".to_owned(),
        how: Some(format!(
            "disable its users and sign them out everywhere{}; tokens that were issued work until they end",
            if keys { ", disable its API key" } else { "" }
        )),
        action: Act::Check,
        needs,
        done_when: "a sign-in is refused, and so is a request with an old token once it has ended".to_owned(),
        rollback: "enable the users and the key again",
        gone: None,
    })
}

/// Serves a tenant again.
pub(super) fn resume(inputs: &Inputs<'_, '_>, from: &Seen, to: &Seen, changed: &[String]) -> Steps {
    let mut steps = Steps::default();
    let checked = steps.check(
        Phase::Reserve,
        "look that the reason for the suspension is gone".to_owned(),
        "whoever suspended it has said so".to_owned(),
        &[],
    );
    let mut before = vec![checked];
    if inputs.guardrails {
        before.push(steps.guardrails(
            "move the account out of the unit of suspended tenants into its tier's",
            "a call with a role of the tenant is allowed",
            "move the account back into the unit of suspended tenants",
            Phase::Provision,
            &before.clone(),
        ));
    }
    for stack in to.own.iter().filter(|stack| changed.iter().any(|name| *name == stack.record.name)) {
        before.push(steps.deploy(stack, true, &before.clone()));
    }
    before.push(steps.add(Said {
        phase: Phase::Switch,
        title: "enable the tenant's users and keys, and let its requests in".to_owned(),
        how: None,
        action: Act::Thaw,
        needs: &before.clone(),
        done_when: "a request as the tenant is answered".to_owned(),
        rollback: "disable them again",
        gone: None,
    }));
    steps.registry(inputs, Phase::Close, Some(state(from)), state(to), &before);
    steps
}

/// Stops the service for good, and keeps the data.
pub(super) fn offboard(inputs: &Inputs<'_, '_>, from: &Seen) -> Steps {
    let mut steps = Steps::default();
    let begun = steps.registry(inputs, Phase::Reserve, Some(state(from)), "offboarding", &[]);
    let frozen = steps.freeze(true, std::slice::from_ref(&begun));
    let mut before = vec![sessions(&mut steps, inputs, std::slice::from_ref(&frozen)), frozen];
    for found in inputs.old.iter() {
        if let Carriage::Drained { why } = &found.facts.carry {
            before.push(steps.drain(found, why, &before.clone()));
        }
    }
    let handed = steps.add(Said {
        phase: Phase::Retain,
        title: "hand the tenant a copy of its data, if it is owed one".to_owned(),
        how: Some(format!(
            "of {}",
            listed(
                inputs
                    .old
                    .iter()
                    .filter(|found| matches!(found.facts.carry, Carriage::Copied { .. }))
                    .map(|found| found.store.component.as_str())
            )
        )),
        action: Act::HandOver,
        needs: &before,
        done_when: "the tenant has said that it can read the copy".to_owned(),
        rollback: "delete the copy",
        gone: None,
    });
    let routed = steps.add(Said {
        phase: Phase::Retain,
        title: "take the tenant out of the router".to_owned(),
        how: None,
        action: Act::Route,
        needs: std::slice::from_ref(&handed),
        done_when: "its address leads nowhere".to_owned(),
        rollback: "put the route back, enable the users, and let requests in",
        gone: None,
    });
    steps.registry(inputs, Phase::Retain, Some("offboarding"), "retained", &[handed, routed]);
    steps
}

/// Stops the service and erases everything.
pub(super) fn erase(inputs: &Inputs<'_, '_>, from: &Seen) -> Steps {
    let mut steps = offboard(inputs, from);
    let noted = steps.check(
        Phase::Retain,
        "write down the physical id of every resource of the tenant's stacks: keys have no name to find them by later"
            .to_owned(),
        "the list has every store of this plan".to_owned(),
        &steps.all(),
    );
    let kept = steps.wait(
        Phase::Retain,
        format!("keep everything for {} days", inputs.keep_days),
        inputs.keep_days,
        "set the registry back from `retained`, put the route back, enable the users, and let requests in",
        &[noted],
    );
    let mut needs = steps.all();
    needs.retain(|id| *id != kept);
    needs.push(kept);
    let decided = steps.point_of_no_return(
        "decide that the tenant's data goes".to_owned(),
        "look again that no hold was placed meanwhile, in the registry and with whoever may place one".to_owned(),
        &needs,
    );
    let stores: Vec<&Found<'_>> = inputs.old.iter().collect();
    let stacks: Vec<&SeenStack> = from.own.iter().collect();
    let mut done = steps.erase_all(&stores, &stacks, std::slice::from_ref(&decided));
    done.push(decided);
    let beyond = steps.add(Said {
        phase: Phase::Erase,
        title: "erase what stands in no template".to_owned(),
        how: Some(inputs.beyond.join("; ")),
        action: Act::Check,
        needs: &done,
        done_when: "each of them is erased, or the day on which it ends is written down".to_owned(),
        rollback: "",
        gone: Some(Gone::Within { hours: inputs.beyond_hours }),
    });
    done.push(beyond);
    let searched = finish(
        &mut steps,
        &stores,
        inputs.beyond_hours,
        "search every account and region for the tenant's id, its label and its digest",
        &done,
    );
    steps.registry(inputs, Phase::Close, Some("retained"), "deleted", &[searched]);
    steps
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.dedup();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// How much of the service a plan's tenant is without.
pub(super) fn downtime(steps: &[Step]) -> (DowntimeClass, String) {
    let freeze = steps.iter().find_map(|step| match &step.action {
        Act::Freeze { reads } => Some((*reads, step)),
        _ => None,
    });
    match freeze {
        Some((true, step)) => {
            (DowntimeClass::Full, format!("requests are stopped in {}: that is what was asked for", step.id))
        }
        Some((false, step)) => {
            let thaw = steps.iter().find(|step| matches!(step.action, Act::Thaw)).map_or("", |step| step.id.as_str());
            (
                DowntimeClass::ReadOnly,
                format!(
                    "writes are stopped from {} to {thaw}, while what changed since the first copy is copied and compared",
                    step.id
                ),
            )
        }
        None => (DowntimeClass::None, "nothing is copied, and nothing that the tenant uses is replaced".to_owned()),
    }
}
