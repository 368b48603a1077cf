//! The engine of proofs against brute force: in tiny universes every text can be tried.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, and says what it found"
)]

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
    let tally = compare(1, &Effort { problems: 4000, assignments: 6, free_letters: 2, measure: false });
    // The problems are of both kinds, or the comparison is worth little.
    assert!(tally.never > 600 && tally.certain > 600 && tally.uncertain > 600, "{tally:?}");
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

/// One string of a shape, and patterns of which the first must match and the second must not.
fn only_the_first(
    symbols: &tenantry::prove::text::Symbols,
    shape: tenantry::prove::automaton::Shape,
    (first, second): (&str, &str),
    any_case: bool,
) -> Answer {
    use tenantry::prove::automaton::Test;
    use tenantry::prove::formula::{Formula, Problem, Variable};
    use tenantry::prove::glob::Glob;
    let mut problem = Problem::default();
    problem.variable("v", || Variable {
        name: "v".to_owned(),
        optional: false,
        possible: true,
        shapes: vec![shape],
        tests: Vec::new(),
    });
    let test = |text: &str| Test { globs: vec![Glob::like(text)], any_case };
    let parts = [problem.matches(0, test(first)), problem.matches(0, test(second)).negated()];
    problem.formula = Some(Formula::all(parts));
    problem.decide(symbols)
}

#[test]
fn one_character_beyond_ascii_does_not_stand_for_all() {
    use tenantry::prove::automaton::{Part, Shape};
    use tenantry::prove::text::{CharSet, Symbols};
    let foreign = Shape(vec![Part::One(CharSet::of(|_| false, true))]);
    let answer = only_the_first(&Symbols::default(), foreign, ("*", "*é*"), false);
    assert!(matches!(answer, Answer::Perhaps(_)), "`ü` is left: {answer:?}");
}

#[test]
fn capitals_and_empty_texts_count() {
    use tenantry::prove::automaton::Shape;
    use tenantry::prove::text::{CharSet, Symbol, Symbols};
    let symbols = |alphabet: &str, length| {
        let mut symbols = Symbols::default();
        let mut add = |name: &str, sample: &str| {
            let (name, family, sample) = (name.to_owned(), Some("ids".to_owned()), sample.to_owned());
            let alphabet = CharSet::of_text(alphabet);
            symbols.intern(Symbol { name, alphabet, length, family, sample }).unwrap()
        };
        let (a, b) = (add("A", "ab"), add("B", "aB"));
        (symbols, a, b)
    };
    // `ab` and `aB` are two ids, and one when case does not count.
    let (mixed, a, b) = symbols("abAB", (2, 2));
    let ask = |any_case| only_the_first(&mixed, Shape::text(&b.to_string()), (&a.to_string(), "-"), any_case);
    assert_eq!(ask(false), Answer::Never);
    assert!(matches!(ask(true), Answer::Perhaps(_)));
    // An id of capitals is what a small letter is when case does not count.
    let (capitals, a, _) = symbols("AB", (1, 2));
    assert!(matches!(only_the_first(&capitals, Shape::text("b"), (&a.to_string(), "-"), true), Answer::Perhaps(_)));
    // An id that may be empty leaves `t//`.
    let (empty, a, _) = symbols("ab", (0, 2));
    let ask = |text: &str| only_the_first(&empty, Shape::text(text), (&format!("t/{a}/"), "-"), false);
    assert!(matches!(ask("t//"), Answer::Perhaps(_)));
    assert_eq!(ask("t/c/"), Answer::Never);
}

/// How long typical questions take: `cargo test --release --test prove_engine -- --ignored --nocapture figures`.
#[test]
#[ignore = "prints figures, which a busy machine does not have to keep"]
fn figures() {
    use tenantry::prove::automaton::{Shape, Test};
    use tenantry::prove::formula::{Formula, Problem, Variable};
    use tenantry::prove::glob::Glob;
    use tenantry::prove::text::{CharSet, Symbol, Symbols};
    let mut symbols = Symbols::default();
    let mut add = |name: &str, alphabet, length, family: &str| {
        let (name, family) = (name.to_owned(), Some(family.to_owned()));
        symbols.intern(Symbol { name, alphabet, length, family, sample: "1".repeat(length.1) }).unwrap()
    };
    let ids = CharSet::of(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-', false);
    let (a, b) = (add("A", ids, (2, 31), "ids"), add("B", ids, (2, 31), "ids"));
    let account = add("account", CharSet::digits(), (12, 12), "accounts");
    let question = |strings: &[(&str, bool, Shape)], make: &dyn Fn(&mut Problem) -> Formula| {
        let mut problem = Problem::default();
        for (name, optional, shape) in strings {
            problem.variable(name, || Variable {
                name: (*name).to_owned(),
                optional: *optional,
                possible: true,
                shapes: vec![shape.clone()],
                tests: Vec::new(),
            });
        }
        problem.formula = Some(make(&mut problem));
        problem
    };
    let like = |texts: &[&str]| Test { globs: texts.iter().map(|text| Glob::like(text)).collect(), any_case: false };
    let table = format!("arn:aws:dynamodb:eu-west-1:{account}:table/product-Orders");
    let (own, bucket) = (format!("{a}*"), format!("arn:aws:s3:::product-{account}-eu-west-1/{a}/*"));
    let owned = Shape::starting(&format!("arn:aws:s3:::product-{account}-eu-west-1/{b}/"));
    let denied: Vec<String> = ('a'..='z').chain('0'..='9').map(|c| format!("*{}*", c.to_ascii_uppercase())).collect();
    let not_an_id = Shape(vec![
        tenantry::prove::automaton::Part::Many(CharSet::ALL),
        tenantry::prove::automaton::Part::One(CharSet::of(|c| !ids.contains(c) && !"*?".contains(c), false)),
        tenantry::prove::automaton::Part::Many(CharSet::ALL),
    ]);
    let everything_else: Vec<String> =
        ids.complement().members().filter(|c| c.is_ascii() && !"*?".contains(*c)).map(|c| format!("*{c}*")).collect();
    let refused: Vec<&str> = everything_else.iter().chain(&denied).map(String::as_str).collect();
    let questions = [
        (
            "leading keys",
            question(
                &[("resource", false, Shape::text(&table)), ("key", false, Shape::text(&format!("{b}#x")))],
                &|p| {
                    let resource = p.matches(0, like(&[&table, &format!("{table}/index/*")]));
                    let key = p.matches(1, like(&[&format!("{a}#*"), &format!("{a}")]));
                    Formula::all([resource, key])
                },
            ),
        ),
        ("objects", question(&[("resource", false, owned.clone())], &|p| p.matches(0, like(&[&bucket])))),
        (
            "objects, free tag and organization, four refusals",
            question(
                &[
                    ("resource", false, owned),
                    ("tag", true, Shape::text(&a.to_string())),
                    ("org", true, Shape::text("o-1234567890")),
                    ("tls", false, Shape::text("true")),
                ],
                &|p| {
                    let parts = [
                        p.matches(0, like(&[&bucket, "arn:aws:s3:::*/public/*"])),
                        p.matches(1, like(&["*/*", "*#*", &own])),
                        p.matches(2, like(&["o-1234567890"])),
                        p.matches(3, like(&["false"])).negated(),
                        p.matches(0, like(&["arn:aws:s3:::*/secret/*", "arn:aws:s3:::*/*/keys/*"])).negated(),
                    ];
                    Formula::all(parts)
                },
            ),
        ),
        (
            "trust, 36 refused patterns, any tag",
            question(&[("tag", true, Shape::any())], &|p| {
                let denied: Vec<&str> = denied.iter().map(String::as_str).collect();
                Formula::all([p.matches(0, like(&["?*"])), p.matches(0, like(&denied)).negated()])
            }),
        ),
        (
            "trust, every character outside ids refused, a tag that is no id",
            question(&[("tag", false, not_an_id)], &|p| {
                Formula::all([p.matches(0, like(&["??*"])), p.matches(0, like(&refused)).negated()])
            }),
        ),
    ];
    for (name, problem) in questions {
        let runs = 300;
        let before = std::time::Instant::now();
        for _ in 0..runs {
            std::hint::black_box(std::hint::black_box(&problem).decide(&symbols));
        }
        let answer = format!("{:?}", problem.decide(&symbols)).chars().take(60).collect::<String>();
        println!("{name}: {:.1} µs ({answer})", before.elapsed().as_secs_f64() * 1e6 / f64::from(runs));
    }
}

#[test]
fn what_a_glance_says_is_so() {
    use tenantry::prove::automaton::{Test, at_a_glance};
    use tenantry::prove::formula::{Formula, Problem, Variable};
    let mut random = Random::new(9);
    let mut said = [0, 0];
    for _ in 0..1_500 {
        let tiny = Tiny::new(&mut random);
        for variable in &tiny.problem.variables {
            for test in variable.tests.iter().filter(|test| !test.any_case) {
                let pairs = variable.shapes.iter().flat_map(|shape| test.globs.iter().map(move |glob| (shape, glob)));
                for (shape, glob) in pairs {
                    let Some(answer) = at_a_glance(shape, glob, &tiny.symbols) else { continue };
                    let one = Variable {
                        name: "v".to_owned(),
                        optional: false,
                        possible: true,
                        shapes: vec![shape.clone()],
                        tests: vec![Test { globs: vec![glob.clone()], any_case: false }],
                    };
                    let matches = Formula::Matches(0, 0);
                    let formula = Some(if answer { matches.negated() } else { matches });
                    let opposite = Problem { variables: vec![one], formula, unknowns: Vec::new() };
                    for values in tiny.assignments(&mut random, 6) {
                        let found = satisfied(&opposite, &values, &tiny.letters, 2);
                        assert!(found.is_none(), "{shape:?} {glob:?}: {answer}, but {values:?} {found:?}");
                    }
                    said[usize::from(answer)] += 1;
                }
            }
        }
    }
    assert!(said.iter().all(|count| *count > 150), "{said:?}");
}
