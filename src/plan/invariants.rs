//! What holds of every plan, looked at again on each plan that is made: the planner does not trust itself.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Act, Carry, Kind, Plan, Step};

/// Everything that is wrong with a plan; empty for a plan that may be carried out.
#[must_use]
pub fn problems(plan: &Plan) -> Vec<String> {
    let mut problems = Vec::new();
    let order: BTreeMap<&str, usize> = plan.steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
    if order.len() != plan.steps.len() {
        problems.push("two steps have one id".to_owned());
    }
    let passed = plan.steps.iter().position(|step| step.point_of_no_return);
    for (at, step) in plan.steps.iter().enumerate() {
        for need in &step.needs {
            if order.get(need.as_str()).is_none_or(|before| *before >= at) {
                problems.push(format!("{} needs {need}, which does not come before it", step.id));
            }
        }
        let reversible = passed.is_none_or(|passed| at < passed);
        if reversible != step.rollback.is_some() {
            problems.push(format!(
                "{} is {} the point of no return and its rollback does not fit",
                step.id,
                if reversible { "before" } else { "after" }
            ));
        }
        if takes_away(step) {
            if reversible {
                problems.push(format!("{} takes something away before the point of no return", step.id));
            }
            let gate = plan.point_of_no_return.as_deref().unwrap_or("");
            if !reaches(plan, &order, at, gate) {
                problems.push(format!("{} does not wait for the decision", step.id));
            }
        }
    }
    if plan.steps.iter().filter(|step| step.point_of_no_return).count() > 1 {
        problems.push("there are two points of no return".to_owned());
    }
    stores(plan, &order, &mut problems);
    problems
}

/// Whether a step deletes something that cannot be had back.
fn takes_away(step: &Step) -> bool {
    matches!(step.action, Act::Erase { .. } | Act::EraseResidue { .. } | Act::DeleteStack { .. })
}

/// Whether a step waits, directly or not, for another.
fn reaches(plan: &Plan, order: &BTreeMap<&str, usize>, from: usize, wanted: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        let Some(step) = plan.steps.get(at).filter(|_| seen.insert(at)) else { continue };
        if step.id == wanted {
            return true;
        }
        open.extend(step.needs.iter().filter_map(|need| order.get(need.as_str()).copied()));
    }
    false
}

/// Every store of the old place is kept, or what is to be saved of it is saved before it goes; and what goes has a step.
fn stores(plan: &Plan, order: &BTreeMap<&str, usize>, problems: &mut Vec<String>) {
    let at = |wanted: &dyn Fn(&Act) -> bool| plan.steps.iter().position(|step| wanted(&step.action));
    for store in plan.stores.iter().filter(|store| store.id.starts_with("from/")) {
        let id = &store.id;
        let erased = at(&|act| matches!(act, Act::Erase { store, .. } if store == id));
        let left = at(&|act| matches!(act, Act::EraseResidue { store, .. } if store == id));
        if store.carry == Carry::Kept {
            if erased.is_some() || left.is_some() {
                problems.push(format!("{id} is kept and erased"));
            }
            continue;
        }
        if !plan.legal_hold || plan.kind == Kind::Erase {
            if erased.is_none() {
                problems.push(format!("{id} leaves and nothing erases it"));
            }
            if !store.residues.is_empty() && left.is_none() {
                problems.push(format!("something stays of {id} and nothing erases it"));
            }
        } else if erased.is_some() || left.is_some() {
            problems.push(format!("{id} is erased under legal hold"));
        }
        let saved = match store.carry {
            Carry::Copied => at(&|act| matches!(act, Act::Verify { store, .. } if store == id)),
            Carry::Drained => at(&|act| matches!(act, Act::Drain { store } if store == id)),
            Carry::Recreated => at(&|act| matches!(act, Act::Recreate { store, .. } if store == id)),
            _ => continue,
        };
        match (saved.and_then(|saved| plan.steps.get(saved)), erased) {
            (None, _) => problems.push(format!("what is in {id} is not saved")),
            (Some(saved), Some(erased)) if !reaches(plan, order, erased, &saved.id) => {
                problems.push(format!("{id} is erased without waiting until it is saved"));
            }
            _ => {}
        }
        if store.carry == Carry::Copied {
            let copied = at(&|act| matches!(act, Act::Copy { store, .. } if store == id));
            let verified = at(&|act| matches!(act, Act::Verify { store, .. } if store == id));
            let frozen = at(&|act| matches!(act, Act::Freeze { .. }));
            let routed = at(&|act| matches!(act, Act::Route));
            let waits =
                |later: Option<usize>, earlier: Option<usize>| match (later, earlier.and_then(|at| plan.steps.get(at)))
                {
                    (Some(later), Some(earlier)) => reaches(plan, order, later, &earlier.id),
                    _ => false,
                };
            if !waits(verified, copied) || !waits(verified, frozen) || (routed.is_some() && !waits(routed, verified)) {
                problems.push(format!("{id} is not copied, frozen, compared and switched in this order"));
            }
        }
    }
}
