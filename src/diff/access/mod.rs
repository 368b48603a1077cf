//! Whether a change broadens or narrows what is possible.
//!
//! A change *broadens* access if there is a request — or a packet — that gets further than before: it is granted and was not,
//! or a policy no longer refuses it, so that another may grant. It *narrows* if only the reverse holds. `docs/access.md` says
//! what is decided, and how references to what only AWS knows are taken.

mod classes;
mod compare;
mod kinds;
mod network;
mod opaque;
mod request;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::compare::{Normal, Rise, contained, named_action, normal, rises};
use self::opaque::{Choices, Letters};
use super::change::Access;
use crate::prove::policy::{Place, read};

pub use self::kinds::is_relevant;

/// What kind of policy a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// Of a role, user or group; a boundary. It names no principal.
    Identity,
    /// Who may take a role on. It names no resource.
    Trust,
    /// Of a resource: a bucket, a key, a queue.
    Resource,
    /// A service control policy. It names no principal.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
}

/// A request that gets further after a change than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The action: `s3:GetObject`. One that ends in `…` is any that begins so.
    pub action: String,
    /// Who asks, if the policy says who may: an ARN, a service's domain name, `*` for somebody without credentials.
    pub principal: Option<String>,
    /// The resource and the condition keys that matter, by name; references of the template as `${…}`.
    pub strings: BTreeMap<String, String>,
}

/// What becomes of access when one policy document takes the place of another. `None` is no document.
///
/// Documents may be JSON values or texts that hold JSON, with intrinsic functions of templates in them.
#[must_use]
pub fn policy(old: Option<&Value>, new: Option<&Value>, kind: PolicyKind) -> Access {
    each_choice(old, new, |comparison, old, new| comparison.documents(old.as_slice(), new.as_slice(), kind))
}

/// A request that gets further with the new document than with the old, if there is one and it was found.
#[must_use]
pub fn witness(old: Option<&Value>, new: Option<&Value>, kind: PolicyKind) -> Option<Witness> {
    let choices = Choices::new();
    let mut comparison = Comparison::default();
    let mut of = |value: Option<&Value>| {
        let value = value.and_then(|value| opaque::resolve(value, &choices, &mut comparison.letters));
        statements(value.as_slice(), kind)
    };
    let (old, new) = (of(old)?, of(new)?);
    let Rise::Yes(found) = rises(&old, &new, &mut comparison.letters) else { return None };
    let show = |text: &str| comparison.letters.show(&text.replace(compare::FRESH, "…"));
    Some(Witness {
        action: show(&named_action(&found.action, &old, &new)),
        principal: found.principal.as_deref().map(show),
        strings: found.strings.iter().map(|(name, value)| (name.clone(), show(value))).collect(),
    })
}

/// What becomes of access when a resource of this CloudFormation type has the properties `new` instead of `old`. `None` is
/// no such resource. Parameters are replaced by their values before; references that are left are taken for texts that only
/// AWS knows, the same for the same reference.
#[must_use]
pub fn direction(kind: &str, old: Option<&Value>, new: Option<&Value>) -> Access {
    if old == new || !is_relevant(kind) {
        return Access::Same;
    }
    each_choice(old, new, |comparison, old, new| comparison.resources(kind, old.as_ref(), new.as_ref()))
}

/// The most conditions of `Fn::If` of which all outcomes are tried.
const MOST_CONDITIONS: usize = 4;

/// The widest of the answers, whatever conditions of the template turn out to be.
fn each_choice(
    old: Option<&Value>,
    new: Option<&Value>,
    compare: impl Fn(&mut Comparison, Option<Value>, Option<Value>) -> Access,
) -> Access {
    if old == new {
        return Access::Same;
    }
    let mut names = BTreeSet::new();
    old.iter().chain(&new).for_each(|value| opaque::conditions(value, &mut names));
    if names.len() > MOST_CONDITIONS {
        return Access::Undecided;
    }
    let mut widest = Access::Same;
    for outcome in 0..1_u32 << names.len() {
        let choices: Choices =
            names.iter().enumerate().map(|(at, name)| (name.clone(), outcome >> at & 1 == 1)).collect();
        let mut comparison = Comparison::default();
        let mut of =
            |value: Option<&Value>| value.and_then(|value| opaque::resolve(value, &choices, &mut comparison.letters));
        let (old, new) = (of(old), of(new));
        widest = widest.max(compare(&mut comparison, old, new));
    }
    widest
}

/// A comparison, with the letters of its references.
#[derive(Default)]
struct Comparison {
    letters: Letters,
}

impl Comparison {
    /// Documents that stand side by side, before and after.
    fn documents(&mut self, old: &[Value], new: &[Value], kind: PolicyKind) -> Access {
        if old == new {
            return Access::Same;
        }
        let (Some(old), Some(new)) = (statements(old, kind), statements(new, kind)) else { return Access::Undecided };
        if old == new {
            return Access::Same;
        }
        match rises(&old, &new, &mut self.letters) {
            Rise::Yes(_) => Access::Broadened,
            // What only adds grants or takes refusals away does not narrow; what it adds was asked for.
            Rise::Open if contained(&new, &old) => Access::Broadened,
            Rise::Open => Access::Undecided,
            Rise::No => match rises(&new, &old, &mut self.letters) {
                Rise::No => Access::Same,
                Rise::Yes(_) | Rise::Open => Access::Narrowed,
            },
        }
    }
}

/// The statements of documents that stand side by side; none if one cannot be read.
fn statements(documents: &[Value], kind: PolicyKind) -> Option<BTreeSet<Normal>> {
    let place = Place { file: String::new(), pointer: String::new() };
    let mut all = BTreeSet::new();
    for value in documents {
        let (mut document, defects) = read(&opaque::document(value), &place);
        if !defects.is_empty() {
            return None;
        }
        for statement in &mut document.statements {
            match kind {
                PolicyKind::Identity | PolicyKind::ServiceControl => statement.principals = None,
                PolicyKind::Trust => statement.resources = None,
                PolicyKind::Resource | PolicyKind::ResourceControl => {}
            }
        }
        all.extend(normal(&document));
    }
    Some(all)
}
