//! Each mutation is refuted with a request, and the public simulator allows that request too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tenantry::prove::proof::Outcome;

use super::simulator::simulate;
use super::world::{World, counterexamples, troubles};

/// One paragraph of a table.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) tier: String,
    pub(crate) what: String,
    pub(crate) edits: String,
    pub(crate) words: Vec<String>,
    /// The reading that it needs.
    pub(crate) reading: Option<String>,
}

/// The paragraphs of a table.
pub(crate) fn table(text: &str) -> Vec<Edited> {
    let mut found: Vec<Edited> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        match (line.strip_prefix("    "), found.last_mut()) {
            (Some(line), Some(last)) => match line.strip_prefix("! ") {
                Some(words) => last.words.extend(words.split(" & ").map(str::to_owned)),
                None => match line.strip_prefix("~ ") {
                    Some(reading) => last.reading = Some(reading.to_owned()),
                    None => last.edits.extend([line, "\n"]),
                },
            },
            _ => {
                let (tier, what) = line.split_once(": ").unwrap();
                let (tier, what) = (tier.to_owned(), what.to_owned());
                found.push(Edited { tier, what, edits: String::new(), words: Vec::new(), reading: None });
            }
        }
    }
    found
}

/// Proves all of a table, on two threads.
pub(crate) fn prove_all<T: Send>(table: &[Edited], look: impl Fn(&Edited, &World) -> T + Sync) -> Vec<T> {
    let half = table.len().div_ceil(2);
    let look = &look;
    std::thread::scope(|scope| {
        let parts: Vec<_> = table
            .chunks(half)
            .map(|part| {
                scope.spawn(move || {
                    let of = |edited: &Edited| look(edited, &World::tier(&edited.tier).edited(&edited.edits));
                    part.iter().map(of).collect::<Vec<T>>()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// What the simulator says of a counterexample, where it does not allow the request, and why we do.
const DIFFERENCES: &[(&str, &str)] = &[];

#[test]
fn mutations_are_refuted_with_requests_that_the_simulator_allows() {
    let table = table(include_str!("refuted.txt"));
    assert!(table.len() >= 120, "{} mutations", table.len());
    let names: BTreeSet<(&str, &str)> = table.iter().map(|one| (one.tier.as_str(), one.what.as_str())).collect();
    assert_eq!(names.len(), table.len(), "each mutation has a name");
    let results = prove_all(&table, |edited, world| {
        let proof = world.prove();
        let mut wrong = Vec::new();
        if proof.result() != Outcome::Refuted {
            let known: Vec<String> = troubles(&proof).into_iter().take(2).collect();
            wrong.push(format!("{}: {known:?}", proof.result().as_str()));
        }
        wrong.extend(troubles(&proof).into_iter().filter(|trouble| trouble.contains("an error of the prover")));
        let found = counterexamples(&proof);
        let told = |words: &String| found.iter().any(|one| one.sentence.contains(words));
        for words in edited.words.iter().filter(|words| !told(words)) {
            wrong
                .push(format!("`{words}` in: {:?}", found.iter().map(|one| &one.sentence).take(3).collect::<Vec<_>>()));
        }
        // One request of each asker is enough, and one that needs no reading if there is one.
        let plain = found.iter().any(|one| one.only_under.is_empty());
        let needed = found.iter().flat_map(|one| &one.only_under);
        match &edited.reading {
            None if !plain && !found.is_empty() => wrong.push(format!("only under {:?}", found[0].only_under)),
            Some(reading) if plain || !needed.clone().any(|needed| needed == reading) => {
                wrong.push(format!("it does not need the reading `{reading}`"));
            }
            _ => {}
        }
        let mut cases: BTreeMap<String, Value> = BTreeMap::new();
        for one in found.iter().filter(|one| one.only_under.is_empty()) {
            let asker = one.sentence.split(" may call ").next().unwrap_or_default().to_owned();
            cases.entry(asker).or_insert_with(|| one.case.clone());
        }
        (wrong, cases.into_values().take(3).collect::<Vec<Value>>())
    });
    let mut wrong = Vec::new();
    let mut cases = Vec::new();
    let mut names = Vec::new();
    for (edited, (troubles, found)) in table.iter().zip(results) {
        wrong.extend(troubles.into_iter().map(|trouble| format!("{}: {}: {trouble}", edited.tier, edited.what)));
        for case in found {
            names.push(edited.what.as_str());
            cases.push(case);
        }
    }
    let mut used = BTreeSet::new();
    if let Some(answers) = simulate(&cases) {
        for ((answer, what), case) in answers.iter().zip(&names).zip(&cases) {
            let listed = DIFFERENCES.iter().any(|(listed, _)| listed == what);
            match (answer.decision() == "Allowed", listed) {
                (true, _) => {}
                (false, true) => _ = used.insert(*what),
                (false, false) => wrong.push(format!("{what}: the simulator: {answer}: {case}")),
            }
        }
        let stale: Vec<&str> = DIFFERENCES.iter().map(|(what, _)| *what).filter(|what| !used.contains(what)).collect();
        assert!(stale.is_empty(), "no difference any more: {stale:?}");
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
