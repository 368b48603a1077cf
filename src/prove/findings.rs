//! What a proof found, as findings at the statements that are to be changed.
//!
//! One statement can break hundreds of obligations. It is one mistake, so it is one finding that says how many more.

use std::collections::BTreeMap;

use super::lint::Lint;
use super::policy::Place;
use super::proof::{Claim, Counterexample, Obligation, Obstacle, Proof, Verdict};
use crate::diagnostics::{Code, Diagnostic, Origin, codes};

/// How many of the obligations that a statement breaks besides the first are named.
const NAMED: usize = 5;

/// The findings of a proof, in its order; `locate` says where a place is in the user's files.
#[must_use]
pub fn findings(proof: &Proof, locate: &dyn Fn(&Place) -> Origin) -> Vec<Diagnostic> {
    let misspelt = proof.lints.iter().map(|lint| misspelt(lint, locate));
    if proof.obligations.is_empty() {
        let message = "nothing was asked, so nothing is proved";
        let help = "name the templates and whose the data in their resources is (`owners`) in the declaration";
        let nothing = Diagnostic::new(&codes::ISOLATION_UNKNOWN, Origin::Derived, message).help(help);
        return misspelt.chain([nothing]).collect();
    }
    let broken = groups(proof, broken_key).into_iter().filter_map(|group| refuted(&group, locate));
    let open = groups(proof, open_key).into_iter().filter_map(|group| unknown(&group, locate));
    misspelt.chain(broken).chain(open).collect()
}

fn misspelt(lint: &Lint, locate: &dyn Fn(&Place) -> Origin) -> Diagnostic {
    let problem = &lint.problem;
    let (origin, label) = at(&lint.place, "it is written here", locate);
    let finding = Diagnostic::new(problem.code(), origin, problem.message()).label(label);
    finding.help_if(problem.suggestion()).help(problem.help())
}

/// Obligations that one change would mend: those broken through the same statements, in order. Each group has at least
/// one.
pub(super) fn broken(proof: &Proof) -> Vec<Vec<&Obligation>> {
    groups(proof, broken_key)
}

/// Obligations that the same thing keeps from being decided, in order. Each group has at least one.
pub(super) fn open(proof: &Proof) -> Vec<Vec<&Obligation>> {
    groups(proof, open_key)
}

fn groups<'p, K: Ord>(proof: &'p Proof, key: impl Fn(&'p Obligation) -> Option<K>) -> Vec<Vec<&'p Obligation>> {
    let mut at: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<Vec<&Obligation>> = Vec::new();
    for asked in &proof.obligations {
        let Some(key) = key(asked) else { continue };
        let next = groups.len();
        match groups.get_mut(*at.entry(key).or_insert(next)) {
            Some(group) => group.push(asked),
            None => groups.push(vec![asked]),
        }
    }
    groups
}

/// What obligations have in common that one change would mend: the claim and the statements. Without statements every
/// obligation stands for itself.
fn broken_key(asked: &Obligation) -> Option<(Claim, Vec<&Place>, &str)> {
    let Verdict::Refuted(found) = &asked.verdict else { return None };
    let mut places: Vec<&Place> = found.granted_by.iter().map(|(place, _)| place).collect();
    places.sort_unstable();
    places.dedup();
    let own = if places.is_empty() { asked.id.as_str() } else { "" };
    Some((asked.claim, places, own))
}

fn open_key(asked: &Obligation) -> Option<(Claim, Option<&Place>, &str)> {
    let Verdict::Unknown(Obstacle { place, reason, .. }) = &asked.verdict else { return None };
    Some((asked.claim, place.as_ref(), reason))
}

fn refuted(group: &[&Obligation], locate: &dyn Fn(&Place) -> Origin) -> Option<Diagnostic> {
    let (first, rest) = group.split_first()?;
    let Verdict::Refuted(found) = &first.verdict else { return None };
    let (code, _) = codes_of(first.claim);
    let mut statements = found.granted_by.iter().map(|(place, sid)| at(place, &statement(first.claim, sid), locate));
    let mut finding = match statements.next() {
        Some((origin, label)) => Diagnostic::new(code, origin, &found.sentence).label(label),
        None => Diagnostic::new(code, Origin::Derived, &found.sentence),
    };
    for (origin, label) in statements {
        finding = finding.also(origin, label);
    }
    if !found.should_have.is_empty() {
        finding = finding.also(Origin::Derived, format!("what should have stopped it: {}", found.should_have));
    }
    for reading in &found.only_under {
        finding = finding.also(Origin::Derived, format!("only if AWS reads it so: {reading}"));
    }
    if !rest.is_empty() {
        finding = finding.also(Origin::Derived, more("broken through the same statements", rest));
    }
    Some(finding.help(help(first.claim, found)))
}

fn unknown(group: &[&Obligation], locate: &dyn Fn(&Place) -> Origin) -> Option<Diagnostic> {
    let (first, rest) = group.split_first()?;
    let Verdict::Unknown(obstacle) = &first.verdict else { return None };
    let (_, code) = codes_of(first.claim);
    let what = match first.claim {
        _ if first.id.starts_with("read/") => format!("{}; nothing is proved until that is known", obstacle.reason),
        Claim::Packing | Claim::Instance => format!("{}; so {} could not be compared", obstacle.reason, first.target),
        Claim::Data | Claim::Mint | Claim::Control | Claim::Lockout => {
            format!("{}; so it is not known whether {} may reach {}", obstacle.reason, first.principal, first.target)
        }
    };
    let mut finding = match &obstacle.place {
        Some(place) => {
            let (origin, label) = at(place, "this cannot be decided", locate);
            Diagnostic::new(code, origin, what).label(label)
        }
        None => Diagnostic::new(code, Origin::Derived, what),
    };
    if !rest.is_empty() {
        finding = finding.also(Origin::Derived, more("not decided for the same reason", rest));
    }
    Some(finding.help_if(Some(obstacle.help.clone()).filter(|help| !help.is_empty())))
}

/// Where a place is, and what stands there. In a file that is shown as a whole, the place is said in words.
fn at(place: &Place, label: &str, locate: &dyn Fn(&Place) -> Origin) -> (Origin, String) {
    match locate(place) {
        whole @ Origin::Path(_) if place.pointer.is_empty() => (whole, label.to_owned()),
        // Of a line it is good to know where in it.
        whole @ (Origin::Path(_) | Origin::Line { .. }) => (whole, format!("{label}, at `{}`", place.pointer)),
        origin => (origin, label.to_owned()),
    }
}

/// How many more there are, and the first of them by what is asked for.
fn more(what: &str, rest: &[&Obligation]) -> String {
    let things = if rest.len() == 1 { "obligation is" } else { "obligations are" };
    let named: Vec<String> = rest
        .iter()
        .take(NAMED)
        .map(|asked| {
            let actions: Vec<String> = asked.actions.iter().take(3).map(|action| format!("`{action}`")).collect();
            let and_more = if asked.actions.len() > 3 { ", …" } else { "" };
            format!("{}{and_more} on {}", actions.join(", "), asked.target)
        })
        .collect();
    let and_more = if rest.len() > NAMED { "; …" } else { "" };
    format!("{} more {things} {what}: {}{and_more}", rest.len(), named.join("; "))
}

fn statement(claim: Claim, sid: &Option<String>) -> String {
    let does = match claim {
        Claim::Data | Claim::Mint | Claim::Control => "allows it",
        Claim::Lockout => "denies it",
        Claim::Packing => "differs",
        Claim::Instance => return "this is deployed, and it is not what was proved".to_owned(),
    };
    sid.as_ref().map_or_else(|| format!("this statement {does}"), |sid| format!("statement `{sid}` {does}"))
}

/// Whether a finding of this code is an answer of the prover other than "proved".
#[must_use]
pub fn is_unproved(code: &Code) -> bool {
    [Claim::Data, Claim::Lockout, Claim::Packing, Claim::Instance].into_iter().any(|claim| {
        let (refuted, unknown) = codes_of(claim);
        code.name == refuted.name || code.name == unknown.name
    })
}

/// The codes of a claim that is refuted and of one that is unknown.
fn codes_of(claim: Claim) -> (&'static Code, &'static Code) {
    match claim {
        Claim::Data | Claim::Mint | Claim::Control => (&codes::ISOLATION_REFUTED, &codes::ISOLATION_UNKNOWN),
        Claim::Lockout => (&codes::LOCKOUT_REFUTED, &codes::LOCKOUT_UNKNOWN),
        Claim::Packing => (&codes::PACKING_REFUTED, &codes::PACKING_UNKNOWN),
        Claim::Instance => (&codes::INSTANCE_REFUTED, &codes::INSTANCE_UNKNOWN),
    }
}

/// What to write instead.
fn help(claim: Claim, found: &Counterexample) -> &'static str {
    match claim {
        Claim::Data if found.granted_by.is_empty() => "give the data a policy that names its owner",
        Claim::Data if found.should_have == super::targets::THROUGH => {
            "take the action or the resource out of the statement; if the role's code keeps tenants apart there, name the \
             role in `through` of the declaration"
        }
        Claim::Data => {
            "let the statement name the owner: `${aws:PrincipalTag/TenantId}` between delimiters such as `/` and `#` in its \
             resource or condition; if the data is meant for several tenants, say so in `owners` of the declaration"
        }
        Claim::Mint => {
            "let only the roles in `mintedBy` assume the role, and hold `aws:RequestTag/TenantId` to the language of ids \
             in its trust policy"
        }
        Claim::Control => {
            "take the action out of what tenants' roles may do, or deny it to them with a guardrail; roles that are not a \
             tenant's are declared with `platform` and a reason"
        }
        Claim::Lockout => {
            "exempt the operators' roles where the statement denies: `ArnNotLike` on `aws:PrincipalArn` with their ARNs"
        }
        Claim::Packing => {
            "make the policies anew with `tenantry synth`; if the finding stays, it is a mistake in tenantry that should be \
             reported"
        }
        Claim::Instance => {
            "make the assembly anew with `tenantry synth`, and change the blueprint, not what was written"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty, place, proved, refuted};
    use super::*;

    fn path(place: &Place) -> Origin {
        Origin::Path(place.file.as_str().into())
    }

    #[test]
    fn what_holds_is_no_finding_and_what_was_not_asked_is_one() {
        assert_eq!(findings(&proved(), &path), []);
        let nothing = findings(&empty(), &path);
        assert_eq!(nothing.len(), 1);
        assert_eq!(nothing[0].code.name, "isolation/unknown");
    }

    #[test]
    fn a_statement_is_one_finding_however_much_it_breaks() {
        let proof = refuted();
        let found = findings(&proof, &path);
        let codes: Vec<&str> = found.iter().map(|finding| finding.code.name).collect();
        assert_eq!(codes, ["isolation/refuted", "lockout/unknown"]);
        let finding = &found[0];
        assert!(finding.message.starts_with("a session of tenant `t-1` may do `s3:GetObject`"), "{}", finding.message);
        assert!(finding.primary.text.starts_with("statement `ReadInvoices` allows it, at `/Resources/"));
        assert!(finding.primary.text.ends_with("/Statement/1`"), "{}", finding.primary.text);
        let derived = findings(&proof, &|_| Origin::Derived);
        assert_eq!(derived[0].primary.text, "statement `ReadInvoices` allows it");
        let notes: Vec<&str> = finding.secondary.iter().map(|label| label.text.as_str()).collect();
        assert!(notes[0].starts_with("what should have stopped it: the session role's policy"), "{notes:?}");
        assert!(notes[1].starts_with("only if AWS reads it so: "), "{notes:?}");
        let more =
            "1 more obligation is broken through the same statements: `s3:PutObject` on objects of bucket `Invoices`";
        assert_eq!(notes[2], more);
        assert_eq!(finding.help.len(), 1);
        assert!(found[1].message.contains("the role `Deployer`") && found[1].help[0].starts_with("name the role"));
    }

    #[test]
    fn other_statements_other_claims_and_no_statements_are_findings_of_their_own() {
        let base = refuted();
        let with = |change: &dyn Fn(&mut Obligation, &mut Counterexample)| {
            let mut proof = base.clone();
            let asked =
                proof.obligations.iter_mut().rfind(|asked| matches!(asked.verdict, Verdict::Refuted(_))).unwrap();
            let Verdict::Refuted(mut found) = asked.verdict.clone() else { unreachable!() };
            change(asked, &mut found);
            asked.verdict = Verdict::Refuted(found);
            findings(&proof, &path).len()
        };
        assert_eq!(with(&|_, _| {}), 2);
        assert_eq!(with(&|_, found| found.granted_by.push((place("/Other"), None))), 3);
        assert_eq!(with(&|_, found| found.granted_by.clear()), 3);
        assert_eq!(with(&|asked, _| asked.claim = Claim::Mint), 3);
        assert_eq!(with(&|_, found| found.granted_by.push(found.granted_by[0].clone())), 2, "named twice is named");
    }

    #[test]
    fn every_claim_has_codes_of_its_own_kind_and_a_help() {
        for claim in Claim::ALL {
            let mut proof = refuted();
            proof.obligations.iter_mut().for_each(|asked| asked.claim = claim);
            let found = findings(&proof, &path);
            assert_eq!(found.len(), 2, "{claim:?}");
            let group = match claim {
                Claim::Data | Claim::Mint | Claim::Control => "isolation",
                _ => claim.as_str(),
            };
            assert_eq!(found[0].code.name, format!("{group}/refuted"));
            assert_eq!(found[1].code.name, format!("{group}/unknown"));
            for finding in found {
                assert!(!finding.help.is_empty() && !finding.message.ends_with('.'), "{finding:?}");
            }
        }
    }
}
