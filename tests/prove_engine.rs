//! The engine of proofs against brute force: in tiny universes every text can be tried.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/problems.rs"]
mod problems;

use problems::{Concrete, Facts, Random, Tiny, facts, fill, holds, is_of, satisfied};
use tenantry::prove::formula::{Answer, Witness};

/// What came out of many problems.
#[derive(Debug, Default)]
struct Tally {
    never: usize,
    certain: usize,
    uncertain: usize,
    /// Those of the uncertain for which a concrete request was found.
    real: usize,
}

/// How much is tried.
struct Effort {
    problems: usize,
    assignments: usize,
    free_letters: usize,
    /// Whether it is measured how many of the uncertain answers are real.
    measure: bool,
}

fn compare(seed: u64, effort: &Effort) -> Tally {
    let mut random = Random::new(seed);
    let mut tally = Tally::default();
    for at in 0..effort.problems {
        let tiny = Tiny::new(&mut random);
        let problem = &tiny.problem;
        let concrete = |random: &mut Random| {
            tiny.assignments(random, effort.assignments).into_iter().find_map(|values| {
                satisfied(problem, &values, &tiny.letters, effort.free_letters).map(|texts| (values, texts))
            })
        };
        let context = |what: &str| {
            let symbols: Vec<_> = tiny.symbols.iter().map(|(_, symbol)| symbol).collect();
            format!("{what}\nseed {seed}, problem {at}\n{problem:#?}\n{symbols:#?}")
        };
        match problem.decide(&tiny.symbols) {
            Answer::Never => {
                tally.never += 1;
                if let Some(found) = concrete(&mut random) {
                    panic!("{}", context(&format!("never, says the engine, but {found:?} does it")));
                }
            }
            Answer::Perhaps(Witness { certain: true, values: witness }) => {
                tally.certain += 1;
                for values in tiny.assignments(&mut random, 6) {
                    let now: Vec<Facts> = problem
                        .variables
                        .iter()
                        .map(|variable| {
                            let Some(text) = witness.get(&variable.name) else {
                                assert!(variable.optional, "{}", context("a text is missing"));
                                return Facts { there: false, tests: 0 };
                            };
                            let text = fill(text, &values);
                            let shaped = variable.shapes.iter().any(|shape| is_of(shape, &values, &text));
                            assert!(shaped, "{}", context(&format!("{text:?} has another shape")));
                            let tests = variable.tests.iter().enumerate().fold(0, |bits, (at, test)| {
                                bits | u64::from(Concrete::new(test, &values).matches(&text)) << at
                            });
                            Facts { there: true, tests }
                        })
                        .collect();
                    let sure = (0..1 << problem.unknowns.len())
                        .all(|unknown| holds(problem.formula.as_ref().unwrap(), &now, unknown));
                    assert!(sure, "{}", context(&format!("{witness:?} is not certain: {values:?}")));
                }
            }
            Answer::Perhaps(_) => {
                tally.uncertain += 1;
                if effort.measure && concrete(&mut random).is_some() {
                    tally.real += 1;
                }
            }
            Answer::GaveUp(why) => panic!("{}", context(&why)),
        }
    }
    tally
}

#[test]
fn never_means_that_no_concrete_request_does_it() {
    let tally = compare(1, &Effort { problems: 2000, assignments: 6, free_letters: 2, measure: false });
    // The problems are of both kinds, or the comparison is worth little.
    assert!(tally.never > 300 && tally.certain > 300 && tally.uncertain > 300, "{tally:?}");
}

#[test]
#[ignore = "takes minutes; how many of the uncertain answers are real is a figure of `docs/proof.md`"]
fn at_length() {
    for seed in 2..18 {
        let effort = Effort { problems: 4000, assignments: 40, free_letters: 3, measure: true };
        println!("{seed}: {:?}", compare(seed, &effort));
    }
}

#[test]
fn the_evaluator_for_texts_reads_patterns() {
    use tenantry::prove::automaton::Test;
    use tenantry::prove::glob::{Glob, Piece};
    let matches = |glob: Glob, text: &str, any_case: bool| {
        let text: Vec<char> = text.chars().collect();
        Concrete::new(&Test { globs: vec![glob], any_case }, &problems::Values::new()).matches(&text)
    };
    assert!(matches(Glob::like("a*b?"), "axxbé", false) && !matches(Glob::like("a*b?"), "axxb", false));
    assert!(matches(Glob::like("aB"), "Ab", true) && !matches(Glob::like("aB"), "Ab", false));
    let within = Glob(vec![Piece::Within, Piece::Char('c')]);
    assert!(matches(within.clone(), "abc", false) && !matches(within, "a:c", false));
    let variable = tenantry::prove::formula::Variable {
        name: "v".to_owned(),
        optional: true,
        possible: true,
        shapes: vec![tenantry::prove::automaton::Shape::any()],
        tests: vec![Test { globs: vec![Glob::like("?")], any_case: false }],
    };
    assert_eq!(facts(&variable, &problems::Values::new(), &['a'], 2).len(), 3);
}
