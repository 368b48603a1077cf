//! What the solver cvc5 says about the questions that the engine of proofs answers. `tools/test-env.sh` installs it where
//! it may; without it the test fails, unless `TENANTRY_SKIP_EXTERNAL=1` is set.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, and says what it found"
)]

#[path = "support/problems.rs"]
#[expect(dead_code, reason = "brute force is another test")]
mod problems;

use std::io::Write as _;
use std::process::{Command, Stdio};

use problems::{Random, Tiny};
use tenantry::prove::automaton::{Part, Shape, Test};
use tenantry::prove::formula::{Answer, Formula, Problem, Variable, Witness};
use tenantry::prove::glob::Glob;
use tenantry::prove::smt::write;
use tenantry::prove::text::{CharSet, Symbol, Symbols};

/// The work that one question may take, in a unit of cvc5's own, so that a busy machine gets the same answers as an idle
/// one: about a sixth of a second.
const MOST_WORK: u32 = 60_000;

#[expect(clippy::disallowed_methods, reason = "somebody without cvc5 can run the other tests")]
fn is_skipped() -> bool {
    std::env::var("TENANTRY_SKIP_EXTERNAL").is_ok_and(|value| value == "1")
}

/// What cvc5 says to each of the texts. They go to two processes, of which each answers half.
fn ask(texts: &[String]) -> Vec<String> {
    let half = |texts: &[String]| {
        let mut child = Command::new("cvc5")
            .args(["--lang=smt2", "--incremental", "--strings-fmf", &format!("--rlimit-per={MOST_WORK}"), "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cvc5 does not run ({error}): run tools/test-env.sh, or set TENANTRY_SKIP_EXTERNAL=1 to do without"
                )
            });
        let mut input = child.stdin.take().unwrap();
        let all: String = texts.iter().flat_map(|text| [text.as_str(), "(reset)\n"]).collect();
        let writer = std::thread::spawn(move || input.write_all(all.as_bytes()));
        let output = child.wait_with_output().unwrap();
        _ = writer.join().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<String> = said.lines().map(str::to_owned).collect();
        let broken = answers.iter().position(|answer| !["sat", "unsat", "unknown"].contains(&answer.as_str()));
        if let Some(at) = broken {
            panic!("{}\n{}", answers[at], texts.get(at).map_or("", String::as_str));
        }
        assert_eq!(answers.len(), texts.len(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        answers
    };
    let (first, second) = texts.split_at(texts.len() / 2);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| half(first));
        let second = half(second);
        [first.join().unwrap(), second].concat()
    })
}

/// What the engine and the solver say.
#[derive(Debug, Default)]
struct Tally {
    /// Never, and `unsat`.
    agreed: usize,
    /// Never, and the solver did not come to an end.
    alone: usize,
    /// Perhaps, and `sat`.
    found: usize,
    /// Perhaps, and `unsat`: the engine does not see that it never holds.
    missed: usize,
    /// Perhaps, and the solver did not come to an end.
    open: usize,
    /// Those that the text means more freely than they are.
    inexact: usize,
}

fn compare(problems: &[(Problem, Symbols)]) -> Tally {
    let mut tally = Tally::default();
    let scripts: Vec<_> =
        problems.iter().map(|(problem, symbols)| write(problem, symbols, "a question", false)).collect();
    let texts: Vec<String> = scripts.iter().map(|script| script.text.clone()).collect();
    for (((problem, symbols), script), said) in problems.iter().zip(&scripts).zip(ask(&texts)) {
        let answer = problem.decide(symbols);
        let context = || format!("{answer:?}, says the engine; {said}, says the solver\n{}", script.text);
        tally.inexact += usize::from(!script.exact);
        match (&answer, said.as_str()) {
            (Answer::Never, "sat") => assert!(!script.exact, "{}", context()),
            (Answer::Never, "unsat") => tally.agreed += 1,
            (Answer::Never, _) => tally.alone += 1,
            (Answer::Perhaps(Witness { certain, .. }), "unsat") => {
                assert!(!certain, "{}", context());
                tally.missed += 1;
            }
            (Answer::Perhaps(_), "sat") => tally.found += 1,
            (Answer::Perhaps(_), _) => tally.open += 1,
            (Answer::GaveUp(why), _) => panic!("{why}: {}", context()),
        }
    }
    tally
}

/// The symbols of realistic questions: two tenants, an account, a name that AWS makes up.
struct World {
    symbols: Symbols,
    a: char,
    b: char,
    account: char,
    made_up: char,
}

fn world(fixed: bool) -> World {
    let mut symbols = Symbols::default();
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut add = |name: &str, alphabet, length, family: Option<&str>, sample: &str| {
        let family = family.map(str::to_owned);
        symbols.intern(Symbol { name: name.to_owned(), alphabet, length, family, sample: sample.to_owned() }).unwrap()
    };
    let length = if fixed { (12, 12) } else { (2, 31) };
    let ids = CharSet::of(|c| small(c) || c == '-', false);
    let a = add("tenant A", ids, length, Some("tenants' ids"), "acme-acme-ac");
    let b = add("tenant B", ids, length, Some("tenants' ids"), "globex-globe");
    let account = add("account", CharSet::digits(), (12, 12), Some("accounts"), "111111111111");
    let made_up = add("made-up name", CharSet::names(), (1, 64), None, "stack-Role-1ABC");
    World { symbols, a, b, account, made_up }
}

fn variable(name: &str, optional: bool, shapes: Vec<Shape>) -> Variable {
    Variable { name: name.to_owned(), optional, possible: true, shapes, tests: Vec::new() }
}

fn like(patterns: &[String]) -> Test {
    Test { globs: patterns.iter().map(|pattern| Glob::like(pattern)).collect(), any_case: false }
}

/// A question as policies ask them: what B owns, patterns that look like it, a condition or two.
fn realistic(random: &mut Random) -> (Problem, Symbols) {
    let World { symbols, a, b, account, made_up } = world(random.one_in(3));
    let owned = [
        format!("arn:aws:s3:::product-{account}/{b}/"),
        format!("arn:aws:s3:::product-data/tenants/{b}/"),
        format!("arn:aws:sqs:eu-west-1:{account}:product-{b}"),
        format!("arn:aws:secretsmanager:eu-west-1:{account}:secret:tenants/{b}/"),
        format!("arn:aws:iam::{account}:role/{made_up}-{b}"),
        format!("{b}"),
        format!("TENANT#{b}#"),
        format!("{b}_"),
    ];
    let owned = random.pick(&owned).as_str();
    let open = random.one_in(2) || owned.ends_with(['/', '#']);
    let shape = if open { Shape::starting(owned) } else { Shape::text(owned) };
    let pattern = |random: &mut Random| {
        let mut text: Vec<char> = owned.chars().collect();
        if !random.one_in(5) {
            text.iter_mut().filter(|c| **c == b).for_each(|c| *c = a);
        }
        if open {
            text.push('*');
        }
        for _ in 0..random.below(3) {
            let at = random.below(text.len());
            match random.below(6) {
                0 => text[at] = '*',
                1 => text[at] = '?',
                2 => text.insert(at, '*'),
                3 => {
                    text.truncate(at);
                    text.push('*');
                }
                4 if text.len() > 1 => _ = text.remove(at),
                _ => text.insert(at, *random.pick(&['a', '-', '/', a, b, account])),
            }
        }
        text.into_iter().collect::<String>()
    };
    let patterns = |random: &mut Random| (0..1 + random.below(3)).map(|_| pattern(random)).collect::<Vec<_>>();
    let mut problem = Problem::default();
    problem.variable("resource", || variable("resource", false, vec![shape]));
    let mut parts = Vec::new();
    if random.one_in(2) {
        let allowed = patterns(random);
        parts.push(problem.matches(0, like(&allowed)));
    } else {
        let (head, _) = owned.split_at(owned.find(b).unwrap());
        parts.push(problem.matches(0, like(&[format!("{head}*")])));
        let refused = patterns(random);
        let refused = problem.matches(0, like(&refused));
        // Everything but the own, or everything but the pattern.
        parts.push(if random.one_in(2) { refused } else { refused.negated() });
    }
    if random.one_in(2) {
        let any = Shape(vec![Part::Many(CharSet::ALL)]);
        let tag = problem.variable("aws:principaltag/tenantid", || {
            let shapes = if random.one_in(2) { vec![Shape::text(&a.to_string())] } else { vec![any] };
            variable("aws:principaltag/tenantid", random.one_in(2), shapes)
        });
        let value =
            random.pick(&[a.to_string(), b.to_string(), format!("{a}*"), "*/*".to_owned(), "?*".to_owned()]).clone();
        let test = Test { globs: vec![Glob::like(&value)], any_case: random.one_in(6) };
        let said = problem.matches(tag, test);
        let there = problem.present(tag);
        parts.push(match random.below(4) {
            0 => said.negated(),
            1 => Formula::any([there.negated(), said]),
            2 => Formula::any([said, problem.unknown("a condition that is not decided")]),
            _ => said,
        });
    }
    problem.formula = Some(Formula::all(parts));
    (problem, symbols)
}

#[test]
fn the_solver_agrees() {
    if is_skipped() {
        return;
    }
    let mut random = Random::new(7);
    let tiny: Vec<_> = (0..80).map(|_| Tiny::new(&mut random)).map(|tiny| (tiny.problem, tiny.symbols)).collect();
    let tiny = compare(&tiny);
    println!("tiny: {tiny:?}");
    let real: Vec<_> = (0..130).map(|_| realistic(&mut random)).collect();
    let real = compare(&real);
    println!("realistic: {real:?}");
    assert!(tiny.agreed > 20 && real.agreed > 20, "the questions are too easy or too hard: {tiny:?} {real:?}");
    // Of what policies ask, the engine may miss one in twenty; of tiny worlds, where an id is one of few texts, one in ten.
    assert!(20 * real.missed <= 130, "{real:?}");
    assert!(10 * tiny.missed <= 80, "{tiny:?}");
}

#[test]
fn the_command_line_asks_it() {
    if is_skipped() {
        return;
    }
    let World { symbols, a, b, .. } = world(false);
    let solver = tenantry::cli::solver::Solver::find("cvc5").unwrap();
    let ask = |pattern: String| {
        let mut problem = Problem::default();
        problem.variable("resource", || variable("resource", false, vec![Shape::starting(&format!("tenants/{b}/"))]));
        problem.formula = Some(problem.matches(0, like(&[pattern])));
        solver.ask(&write(&problem, &symbols, "a question", false), 20).unwrap()
    };
    let kept_apart = ask(format!("tenants/{a}/*"));
    assert_eq!((kept_apart.answer.as_str(), kept_apart.problem.len()), ("unsat", 64));
    assert!(kept_apart.solver.starts_with("cvc5 "), "{}", kept_apart.solver);
    assert_eq!(ask(format!("tenants/{a}*")).answer, "sat");
}
