//! Rewrites that keep what policies mean, or grant less, stay proved.

use tenantry::prove::proof::Outcome;

use super::refuted::{prove_all, table};
use super::world::{SHIPPED, World, troubles};

#[test]
fn what_is_emitted_is_proved() {
    let mut wrong = Vec::new();
    for tier in ["pool", "bridge", "network", "account"] {
        wrong.extend(troubles(&World::tier(tier).prove()).into_iter().map(|trouble| format!("{tier}: {trouble}")));
    }
    for name in SHIPPED {
        wrong.extend(troubles(&World::shipped(name).prove()).into_iter().map(|trouble| format!("{name}: {trouble}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rewrites_stay_proved() {
    let mut table = table(include_str!("proved.txt"));
    assert!(table.len() >= 40, "{} rewrites", table.len());
    let guarded: Vec<bool> = table
        .iter_mut()
        .map(|edited| match edited.tier.strip_suffix(" guardrails") {
            Some(tier) => {
                edited.tier = tier.to_owned();
                true
            }
            None => false,
        })
        .collect();
    let results = prove_all(&table, |_, world| {
        let proof = world.prove();
        (proof.result(), proof.obligations.iter().any(|one| one.needs_guardrails), troubles(&proof))
    });
    let mut wrong = Vec::new();
    for ((edited, (result, needed, troubles)), guarded) in table.iter().zip(results).zip(guarded) {
        let what = format!("{}: {}", edited.tier, edited.what);
        if result != Outcome::Proved {
            wrong.push(format!("{what}: {} {:?}", troubles.len(), troubles.iter().take(2).collect::<Vec<_>>()));
        } else if needed != guarded {
            wrong.push(format!("{what}: guardrails needed: {needed}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

#[test]
fn what_cannot_be_known_is_said() {
    let table = table(include_str!("unknown.txt"));
    let results = prove_all(&table, |_, world| {
        let proof = world.prove();
        (proof.result(), troubles(&proof))
    });
    let mut wrong = Vec::new();
    for (edited, (result, troubles)) in table.iter().zip(results) {
        let told = |words: &String| troubles.iter().any(|trouble| trouble.contains(words));
        if result != Outcome::Unknown || !edited.words.iter().all(told) {
            let few: Vec<_> = troubles.iter().take(3).collect();
            wrong.push(format!("{}: {} {few:?}", edited.what, result.as_str()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
