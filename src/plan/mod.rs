//! The ordered plan for a change in one tenant's life, from its first day to its erasure.
//!
//! In go a tenant as the assembly has it that is deployed, and as the assembly has it that is wanted ([`Seen`]); out comes a
//! [`Plan`]. What kind of change it is follows from the two. Nothing here touches the world: templates, the declaration of
//! who owns what and the schemas of resource types say which stores there are, and `data/tenant-data-stores.json` says
//! how each type of them keeps data and how it is erased. A type that is in no list is an error, so that a plan for an
//! erasure is complete or says that it is not.

pub mod catalogue;
mod changes;
pub mod document;
pub mod invariants;
mod page;
mod seen;
mod steps;
mod survey;

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use self::catalogue::Catalogue;
use self::document::{Carry, Downtime, DowntimeClass, Gone, How, Kind, Residue, Share, VERSION};
pub use self::document::{PLAN_SCHEMA, Plan};
pub use self::page::{markdown, text};
pub use self::seen::{Seen, SeenStack};
use self::steps::{Inputs, Steps};
use self::survey::{Found, Survey, survey};
use crate::assembly::{Boundary, State};
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::prove::template::Resolved;

/// Days for which the old place is kept after a move, and everything before an erasure, unless told otherwise.
pub const KEEP_DAYS: u64 = 14;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whether the tenant's data is to go.
    pub erase: bool,
    /// Days for which the old place is kept.
    pub keep_days: u64,
    /// Whether no lock on its data stands any more.
    pub locks_ended: bool,
    /// Components whose data may be lost.
    pub let_go: Vec<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self { erase: false, keep_days: KEEP_DAYS, locks_ended: false, let_go: Vec::new() }
    }
}

/// Makes the plan from where a tenant is to where it will be. What is in the way goes to the sink; with an error among it
/// there is no plan, except for what may still be read: the plan is returned when it could be made.
///
/// With neither side there is nothing to plan.
#[must_use]
pub fn plan(
    from: Option<&Seen>,
    to: Option<&Seen>,
    request: &Request,
    catalogue: &Catalogue,
    sink: &mut Sink,
) -> Option<Plan> {
    let any = to.or(from)?;
    let kind = kind(from, to, request);
    let old = from.map(|seen| survey(seen, "from", catalogue, request.locks_ended, sink)).unwrap_or_default();
    let new = match to {
        Some(seen) if !request.erase => {
            let mut found = Sink::new();
            let survey = survey(seen, "to", catalogue, request.locks_ended, &mut found);
            // What is the same on both sides is told once.
            let told: Vec<Diagnostic> = sink.iter().cloned().collect();
            found.into_sorted().into_iter().filter(|one| !told.contains(one)).for_each(|one| sink.push(one));
            survey
        }
        _ => Survey::default(),
    };
    let Survey { stores: mut old_stores, empty: mut empties } = old;
    let Survey { stores: mut new_stores, empty: new_empties } = new;
    let resources = changes::resources(from, if request.erase { None } else { to });
    carry(kind, &mut old_stores, &mut new_stores);
    let held = from.or(to).is_some_and(|seen| seen.record.legal_hold) || to.is_some_and(|seen| seen.record.legal_hold);
    refuse(kind, from, to, held, &old_stores, &resources, request, sink);

    let empty_policies = BTreeMap::new();
    let policies = |seen: Option<&Seen>| seen.map_or(&empty_policies, |seen| &seen.policies).clone();
    let guardrails = match kind {
        Kind::Erase | Kind::Offboard | Kind::Suspend | Kind::Resume | Kind::Nothing => Vec::new(),
        _ => changes::guardrails(&policies(from), &policies(to)),
    };
    let beyond: Vec<Residue> = match kind {
        Kind::Erase => catalogue.beyond.iter().map(|fact| fact.told(&Resolved::Map(Vec::new()), true)).collect(),
        _ => Vec::new(),
    };
    let key = idempotency_key(any, from, to, kind);
    let told: Vec<String> = beyond.iter().map(|residue| format!("{}: {}", residue.what, residue.action)).collect();
    let own_account = |seen: &Seen| seen.tier.boundary == Boundary::Account;
    let inputs = Inputs {
        tenant: &any.record.tenant,
        key: &key,
        from,
        to,
        old: &old_stores,
        new: &new_stores,
        held,
        keep_days: request.keep_days,
        guardrails: to.or(from).is_some_and(own_account)
            && match (from, to) {
                (Some(from), Some(to)) => {
                    from.record.account != to.record.account
                        || from.record.tier != to.record.tier
                        || from.record.state != to.record.state
                }
                _ => true,
            },
        rerouted: matches!(kind, Kind::MoveTier | Kind::MoveCell),
        beyond_hours: beyond
            .iter()
            .map(|residue| steps::hours(&residue.gone))
            .filter(|hours| *hours < u64::MAX)
            .max()
            .unwrap_or(0),
        beyond: &told,
    };
    let steps = steps_of(kind, &inputs, &resources);
    let point_of_no_return = steps.steps.iter().find(|step| step.point_of_no_return).map(|step| step.id.clone());
    let (class, why) = match kind {
        Kind::Resume => (DowntimeClass::None, "the tenant is served again".to_owned()),
        Kind::Onboard => (DowntimeClass::None, "there was nothing before".to_owned()),
        _ => steps::downtime(&steps.steps),
    };
    let quotas = changes::quotas(from, to, kind);
    let entitlements = changes::entitlements(from, to, kind);
    empties.extend(new_empties);
    let stores = old_stores.into_iter().chain(new_stores).map(|found| found.store).collect();
    Some(Plan {
        format: VERSION,
        blueprint: any.blueprint.clone(),
        environment: any.environment.clone(),
        tenant: any.record.tenant.to_string(),
        name: any.record.name.as_ref().map(ToString::to_string),
        kind,
        from: from.map(Seen::place),
        to: to.filter(|_| !request.erase).map(Seen::place),
        legal_hold: held,
        downtime: Downtime { class, why },
        resources,
        stores,
        empty: empties,
        beyond,
        entitlements,
        quotas,
        guardrails,
        steps: steps.steps,
        point_of_no_return,
        notes: notes(kind, to, held),
        facts: [("tenant-data-stores".to_owned(), catalogue.date.clone())].into(),
    })
}

/// What kind of change leads from one side to the other.
fn kind(from: Option<&Seen>, to: Option<&Seen>, request: &Request) -> Kind {
    match (from, to) {
        (Some(_), _) if request.erase => Kind::Erase,
        (None, None) => Kind::Nothing,
        (None, Some(_)) => Kind::Onboard,
        (Some(_), None) => Kind::Offboard,
        (Some(from), Some(to)) => {
            let (before, after) = (&from.record, &to.record);
            if before.tier != after.tier {
                Kind::MoveTier
            } else if (&before.cell, &before.region, &before.account) != (&after.cell, &after.region, &after.account)
                // An account that was not known yet is no other account.
                && !(before.account.is_none() && before.cell == after.cell && before.region == after.region)
            {
                Kind::MoveCell
            } else if before.state != after.state {
                if after.state == State::Suspended { Kind::Suspend } else { Kind::Resume }
            } else if before.stacks == after.stacks
                && before.entitlements == after.entitlements
                && before.legal_hold == after.legal_hold
                && before.residency == after.residency
            {
                Kind::Nothing
            } else {
                Kind::Update
            }
        }
    }
}

/// Decides what becomes of every store, and finds its counterpart.
fn carry(kind: Kind, old: &mut [Found<'_>], new: &mut [Found<'_>]) {
    for found in new.iter_mut() {
        found.store.carry = Carry::New;
    }
    for found in old.iter_mut() {
        found.store.carry = match kind {
            Kind::Erase => Carry::Erased,
            Kind::Nothing | Kind::Onboard | Kind::Suspend | Kind::Resume | Kind::Offboard => Carry::Kept,
            Kind::Update | Kind::MoveTier | Kind::MoveCell => {
                let same = |other: &&mut Found<'_>| {
                    let (one, other) = (&found.store, &other.store);
                    (&one.stack, &one.logical_id, &one.account, &one.region)
                        == (&other.stack, &other.logical_id, &other.account, &other.region)
                };
                if let Some(other) = new.iter_mut().find(same) {
                    other.store.carry = Carry::Kept;
                    found.store.becomes = Some(other.store.id.clone());
                    Carry::Kept
                } else {
                    let heir =
                        new.iter().find(|other| other.store.kind == found.store.kind && other.stem == found.stem);
                    found.store.becomes = heir.map(|heir| heir.store.id.clone());
                    match found.facts.carry {
                        catalogue::Carriage::Copied { .. } if heir.is_some() => Carry::Copied,
                        catalogue::Carriage::Copied { .. } => Carry::Erased,
                        catalogue::Carriage::Drained { .. } => Carry::Drained,
                        catalogue::Carriage::Recreated { .. } => Carry::Recreated,
                        catalogue::Carriage::Left { .. } => Carry::Left,
                    }
                }
            }
        };
    }
    if matches!(kind, Kind::Suspend | Kind::Resume | Kind::Nothing) {
        for found in new.iter_mut() {
            found.store.carry = Carry::Kept;
        }
    }
}

fn steps_of(kind: Kind, inputs: &Inputs<'_, '_>, resources: &[document::ResourceFate]) -> Steps {
    let changed: Vec<String> = resources
        .iter()
        .filter(|resource| resource.fate != document::Fate::Kept)
        .map(|resource| resource.stack.clone())
        .collect();
    match (kind, inputs.from, inputs.to) {
        (Kind::Onboard, _, Some(to)) => steps::onboard(inputs, to),
        (Kind::Update, Some(from), Some(to)) => {
            if inputs.old.iter().any(|found| found.store.carry != Carry::Kept) {
                steps::relocate(inputs, from, to, &[])
            } else {
                steps::update(inputs, from, to, &changed)
            }
        }
        (Kind::MoveTier | Kind::MoveCell, Some(from), Some(to)) => {
            let gone: Vec<&SeenStack> =
                from.own.iter().filter(|stack| to.stack(&stack.record.name).is_none()).collect();
            steps::relocate(inputs, from, to, &gone)
        }
        (Kind::Suspend, Some(from), Some(to)) => steps::suspend(inputs, from, to, &changed),
        (Kind::Resume, Some(from), Some(to)) => steps::resume(inputs, from, to, &changed),
        (Kind::Offboard, Some(from), _) => steps::offboard(inputs, from),
        (Kind::Erase, Some(from), _) => steps::erase(inputs, from),
        _ => Steps::default(),
    }
}

/// Whether the plan takes data away.
fn erases(kind: Kind, stores: &[Found<'_>]) -> bool {
    kind == Kind::Erase
        || matches!(kind, Kind::Update | Kind::MoveTier | Kind::MoveCell)
            && stores.iter().any(|found| found.store.carry != Carry::Kept)
}

#[expect(clippy::too_many_arguments, reason = "everything that can be in the way of a plan is looked at in one place")]
fn refuse(
    kind: Kind,
    from: Option<&Seen>,
    to: Option<&Seen>,
    held: bool,
    stores: &[Found<'_>],
    resources: &[document::ResourceFate],
    request: &Request,
    sink: &mut Sink,
) {
    let Some(from) = from else { return };
    let tenant = &from.record.tenant;
    if kind == Kind::Erase && held {
        sink.push(
            Diagnostic::new(
                &codes::PLAN_LEGAL_HOLD,
                Origin::Derived,
                format!("tenant `{tenant}` is under legal hold: its data must not be erased"),
            )
            .help("once the hold is lifted, take `legal_hold` out of the blueprint and make the assembly again"),
        );
    }
    for found in stores {
        let store = &found.store;
        if let (Kind::Erase, Gone::NotBefore { hours, because }) = (kind, &store.gone) {
            sink.push(
                Diagnostic::new(
                    &codes::PLAN_LEGAL_HOLD,
                    place(found),
                    format!(
                        "{} of `{}` cannot be erased before {} days after the last write: {because}",
                        store.keeps,
                        store.component,
                        hours.div_ceil(24)
                    ),
                )
                .help("offboard the tenant now and erase it then; `--locks-ended` says that the last lock has ended"),
            );
        }
        if let (true, Gone::Never { because }) = (erases(kind, stores) && store.carry != Carry::Kept, &store.gone) {
            sink.push(
                Diagnostic::new(
                    &codes::PLAN_NO_EXPIRY,
                    place(found),
                    format!("{} of `{}` never end: {because}", store.keeps, store.component),
                )
                .help("set how long they are kept, deploy that, and make the plan again"),
            );
        }
        let copies = matches!(found.facts.carry, catalogue::Carriage::Copied { .. });
        if copies && kind != Kind::Erase && store.carry == Carry::Erased && !request.let_go.contains(&store.component) {
            let tier = to.map_or("", |to| to.record.tier.as_ref());
            sink.push(
                Diagnostic::new(
                    &codes::PLAN_NO_HOME,
                    place(found),
                    format!("tier `{tier}` has no place for {} of `{}`", store.keeps, store.component),
                )
                .help(format!(
                    "give the tier a component `{0}` of the same kind, or say that its data may go: `--let-go {0}`",
                    store.component
                )),
            );
        }
        let replaced = |one: &&document::ResourceFate| {
            one.fate == document::Fate::Replaced && one.stack == store.stack && one.logical_id == store.logical_id
        };
        if copies && store.share == Share::Own && kind != Kind::Erase && resources.iter().any(|one| replaced(&one)) {
            sink.push(
                Diagnostic::new(
                    &codes::PLAN_REPLACES_STORE,
                    place(found),
                    format!("the new template replaces `{}`, and its {} do not come along", store.component, store.keeps),
                )
                .help("take the change back, or give the component another name: then there is a new one beside it to copy to"),
            );
        }
    }
    if let Some(to) = to.filter(|_| kind != Kind::Erase) {
        residency(from, to, sink);
    }
}

/// A region that the tenant was not promised, or that its guardrails deny.
fn residency(from: &Seen, to: &Seen, sink: &mut Sink) {
    let (tenant, region) = (&to.record.tenant, &to.record.region);
    for (seen, which) in [(from, "deployed"), (to, "wanted")] {
        let allowed = &seen.record.residency;
        if !allowed.is_empty() && !allowed.contains(region) {
            let allowed: Vec<String> = allowed.iter().map(|region| format!("`{region}`")).collect();
            sink.push(
                Diagnostic::new(
                    &codes::PLAN_RESIDENCY,
                    Origin::Derived,
                    format!("tenant `{tenant}` would go to `{region}`, where its data may not be"),
                )
                .label(format!("the {which} assembly allows {}", allowed.join(", ")))
                .help(format!(
                    "name a cell in {}, or change its `residency` first, alone, and deploy that",
                    allowed.join(", ")
                )),
            );
            return;
        }
        if from.record.region != to.record.region && changes::denies_region(&seen.policies, region) {
            sink.push(
                Diagnostic::new(
                    &codes::PLAN_RESIDENCY,
                    Origin::Derived,
                    format!(
                        "the guardrails of tier `{}` deny `{region}`, where tenant `{tenant}` would go",
                        seen.record.tier
                    ),
                )
                .help("add the region to the guardrail `regions` first, alone, and deploy that"),
            );
            return;
        }
    }
}

fn place(found: &Found<'_>) -> Origin {
    Origin::Path(format!("{}#{}", found.store.stack, found.store.logical_id).into())
}

/// What makes the writes of a change count once: the same for the same change.
fn idempotency_key(any: &Seen, from: Option<&Seen>, to: Option<&Seen>, kind: Kind) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{}/{}/{}/{kind:?}", any.blueprint, any.environment, any.record.tenant));
    for seen in [from, to] {
        hash.update(b"/");
        if let Some(seen) = seen {
            // Writing to memory cannot fail.
            let mut line = Vec::new();
            let _ = seen.record.write_line(&mut line);
            hash.update(&line);
        }
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn notes(kind: Kind, to: Option<&Seen>, held: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if held && kind != Kind::Erase {
        notes.push(
            "the tenant is under legal hold: what is left at an old place is kept, and no step erases anything"
                .to_owned(),
        );
    }
    if let Some(to) = to.filter(|to| to.tier.boundary == Boundary::Account && to.record.account.is_none())
        && kind != Kind::Erase
    {
        notes.push(format!(
            "the account of `{}` is not known yet: make it, and write it into the blueprint",
            to.record.tenant
        ));
    }
    if matches!(kind, Kind::MoveTier | Kind::MoveCell) {
        notes.push("the application has to find the tenant's place in the registry or from the router: nothing may hold it in a cache for longer than the steps wait".to_owned());
    }
    if kind == Kind::Erase {
        notes.push("complete for what is in the templates and in the declaration; what code sends elsewhere is only found by whoever knows the code".to_owned());
    }
    notes
}

impl How {
    /// The words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::DeleteResource => "delete the resource",
            Self::DeleteByKey => "delete by key",
            Self::DeleteByPrefix => "delete by prefix",
            Self::DeleteMembers => "delete one by one",
            Self::DeleteCopies => "delete copies",
            Self::CryptoShred => "crypto-shred",
            Self::Expires => "expires by itself",
            Self::Locked => "locked",
            Self::Nothing => "nothing to erase",
        }
    }
}
