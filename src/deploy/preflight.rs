//! Whether a rollout can be carried out at all: everything that is in the way is said before anything is begun.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::clock::Clock;
use super::cloud::{Answer, Cloud, CloudError, CloudErrorKind, Target};
use super::material::Material;
use super::pace::{Pace, Waits};
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};

/// How many places are looked at at once.
const AT_ONCE: usize = 16;

/// How many places are told that have the same trouble.
const TOLD: usize = 20;

/// The pace of questions that were refused.
const AGAIN: Pace = Pace { first: 500, longest: 8_000, most: 60_000 };

/// What can be found out without AWS: templates that fit neither into a request nor into a bucket.
pub fn offline(material: &Material, at: &Origin, direct: usize, in_bucket: usize, findings: &mut Sink) {
    let stacks = material.stacks.values().map(|stack| stack.template.as_str());
    let sets = material.rollout.stack_sets.values().map(|set| set.template.as_str());
    let templates: BTreeSet<&str> = stacks.chain(sets).collect();
    let has_bucket = material.rollout.template_bucket.is_some();
    for path in templates {
        let size = material.file(path).len();
        let (limit, help) = match (size > direct, has_bucket) {
            (false, _) => continue,
            (true, false) => (direct, Some("name a bucket: `template_bucket` in the settings of `tenantry rollout`")),
            (true, true) if size > in_bucket => (in_bucket, None),
            (true, true) => continue,
        };
        let message = format!("`{path}` has {size} bytes, and CloudFormation takes {limit} this way");
        let finding = Diagnostic::new(&codes::DEPLOY_TEMPLATE_SIZE, at.clone(), message);
        findings.push(finding.help_if(help.map(str::to_owned)));
    }
}

/// Asks, and again if AWS was busy.
fn patient<T>(clock: &dyn Clock, key: &str, ask: impl Fn() -> Answer<T>) -> Answer<T> {
    let mut waits = Waits::new(AGAIN, key);
    loop {
        match ask() {
            Err(error)
                if matches!(
                    error.kind,
                    CloudErrorKind::Throttled | CloudErrorKind::Transient | CloudErrorKind::Busy
                ) =>
            {
                match waits.longer() {
                    Some(wait) => clock.sleep(wait),
                    None => return Err(error),
                }
            }
            answer => return answer,
        }
    }
}

/// The finding that an error of the caller's own credentials is.
#[must_use]
pub fn no_credentials(error: &CloudError) -> Diagnostic {
    let (code, help) = match error.kind {
        CloudErrorKind::Region => (&codes::DEPLOY_REGION, "set a region: `export AWS_REGION=eu-west-1`"),
        CloudErrorKind::Credentials => {
            (&codes::DEPLOY_CREDENTIALS, "sign in, such as with `aws sso login`, or name a profile with `--profile`")
        }
        _ => (&codes::DEPLOY_ACCESS, "look whether the endpoint and the network are what they should be"),
    };
    Diagnostic::new(code, Origin::Derived, error.to_string()).help(help)
}

/// Asks AWS whether there are credentials, and whether each place can be worked in. Returns the caller's account.
pub fn online<C: Cloud>(
    cloud: &C,
    clock: &dyn Clock,
    places: &BTreeSet<Target>,
    findings: &mut Sink,
) -> Option<String> {
    let caller = match patient(clock, "caller", || cloud.caller()) {
        Ok(caller) => caller,
        Err(error) => {
            findings.push(no_credentials(&error));
            return None;
        }
    };
    let places: Vec<&Target> = places.iter().collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(places.len()) {
            scope.spawn(|| {
                while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = patient(clock, &place.to_string(), || cloud.check(place)) {
                        wrong.lock().unwrap_or_else(PoisonError::into_inner).push(((*place).clone(), error));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    wrong.sort_by(|a, b| a.0.cmp(&b.0));
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, error) in &wrong {
        let Target { account, region } = place;
        let (code, help) = match error.kind {
            CloudErrorKind::Region => {
                let enable = format!("aws account enable-region --account-id {account} --region-name {region}");
                (&codes::DEPLOY_REGION, format!("enable it with `{enable}`, or place its tenants elsewhere"))
            }
            CloudErrorKind::Credentials => {
                (&codes::DEPLOY_CREDENTIALS, "sign in, such as with `aws sso login`".to_owned())
            }
            _ => (
                &codes::DEPLOY_ACCESS,
                format!("let the caller assume the deployment's role in {account}; docs/deploy.md says what it needs"),
            ),
        };
        let told = told.entry(code.name).or_default();
        *told += 1;
        if *told <= TOLD {
            let message = format!("{place} cannot be worked in: {error}");
            findings.push(Diagnostic::new(code, Origin::Derived, message).help(help));
        }
    }
    for (name, count) in told.iter().filter(|(_, count)| **count > TOLD) {
        let code = if *name == codes::DEPLOY_REGION.name { &codes::DEPLOY_REGION } else { &codes::DEPLOY_ACCESS };
        let message = format!("the same is so in {} more places", count - TOLD);
        findings.push(Diagnostic::new(code, Origin::Derived, message));
    }
    Some(caller)
}

/// Whether what the user named on the command line is there.
pub fn options(material: &Material, until: Option<&str>, accepted: &[String], findings: &mut Sink) {
    let waves = || material.rollout.waves.iter().map(|wave| wave.wave.as_str());
    if let Some(name) = until.filter(|name| !waves().any(|wave| wave == *name)) {
        let message = format!("the rollout has no wave `{name}`");
        let finding = Diagnostic::new(&codes::DEPLOY_ROLLOUT, Origin::Derived, message);
        findings.push(finding.did_you_mean(name, waves()));
    }
    for name in accepted {
        let stack = name.split_once('/').map(|(stack, _)| stack);
        if stack.is_none_or(|stack| !material.stacks.contains_key(stack)) {
            let message = format!("`{name}` names no resource of a stack of the rollout");
            let finding = Diagnostic::new(&codes::DEPLOY_ROLLOUT, Origin::Derived, message);
            let finding = finding.help("write it as `STACK/LOGICAL-ID`");
            findings.push(finding.did_you_mean(stack.unwrap_or(name), material.stacks.keys().map(String::as_str)));
        }
    }
}
