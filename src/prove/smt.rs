//! Questions as SMT-LIB 2.6, for solvers that know nothing of this crate: what they call `unsat` never holds.
//!
//! The text means what the [problem](Problem) means, and no more: a symbol is a string of its alphabet and length, two of a
//! family differ, and what nobody knows is free. The language is at <https://smt-lib.org/theories-UnicodeStrings.shtml>.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::automaton::{Part, Shape, Test};
use super::formula::{Formula, Problem, Variable};
use super::glob::{Glob, Piece};
use super::text::{CharSet, Symbols};

/// A question in SMT-LIB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The text: the same for the same question.
    pub text: String,
    /// Whether it means exactly what was asked. If not, more is free than was asked, and only `unsat` says something.
    pub exact: bool,
    /// Whether it needs `str.to_lower`, which cvc5 has and the standard has not.
    pub to_lower: bool,
}

/// A question with a name.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// The question.
    pub problem: &'a Problem,
    /// Whether the engine says that it never holds.
    pub proved: bool,
}

/// The largest character of strings in SMT-LIB.
const LAST: u32 = 0x2_FFFF;

/// The files of many questions: a name that sorts as the questions do, and the text.
#[must_use]
pub fn emit(questions: &[Named<'_>], symbols: &Symbols) -> Vec<(String, Script)> {
    let digits = questions.len().to_string().len();
    let files = questions.iter().enumerate().map(|(at, question)| {
        let mut slug = String::new();
        for character in question.name.chars() {
            if character.is_ascii_alphanumeric() || character == '_' || character == '.' {
                slug.push(character);
            } else if !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(120);
        let name = format!("{:0digits$}-{}.smt2", at + 1, slug.trim_matches('-'));
        (name, write(question.problem, symbols, question.name, question.proved))
    });
    files.collect()
}

/// The question as SMT-LIB. With `proved` the text says that `unsat` is expected.
#[must_use]
pub fn write(problem: &Problem, symbols: &Symbols, name: &str, proved: bool) -> Script {
    let mut writer = Writer { symbols, declared: String::new(), fresh: 0, exact: true, to_lower: false };
    let body = writer.body(problem);
    let mut text = String::new();
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&comment(name));
    line("; Is there a request for which the last assertion holds? `unsat` means: for no texts of the symbols.");
    if !writer.exact {
        line("; Some patterns are not written exactly: they are freer here, so that only `unsat` says something.");
    }
    if writer.to_lower {
        line("; `str.to_lower` is an extension of the solver cvc5.");
    }
    line("(set-info :smt-lib-version 2.6)");
    if proved {
        line("(set-info :status unsat)");
    }
    line("(set-logic QF_SLIA)");
    text.push_str(&body);
    text.push_str("(check-sat)\n");
    Script { text, exact: writer.exact, to_lower: writer.to_lower }
}

/// A comment is one line.
fn comment(text: &str) -> String {
    let line: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    format!("; {line}")
}

/// A name with a text that people know it by.
fn quoted(short: &str, long: &str) -> String {
    let fits = |character: &char| character.is_ascii_graphic() && !"|\\".contains(*character) || *character == ' ';
    format!("|{short} {}|", long.chars().filter(fits).collect::<String>())
}

fn escaped(text: &str) -> String {
    let mut escaped = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\"\""),
            '\\' => escaped.push_str("\\u{5c}"),
            ' '..='~' => escaped.push(character),
            // Writing to a `String` cannot fail.
            other => _ = write!(escaped, "\\u{{{:x}}}", u32::from(other)),
        }
    }
    escaped.push('"');
    escaped
}

fn joined(operator: &str, parts: &[String], empty: &str) -> String {
    match parts {
        [] => empty.to_owned(),
        [part] => part.clone(),
        parts => format!("({operator} {})", parts.join(" ")),
    }
}

fn and(parts: &[String]) -> String {
    joined("and", parts, "true")
}

/// The expression for one character of the set.
fn character_of(set: CharSet) -> String {
    if set == CharSet::ALL {
        return "re.allchar".to_owned();
    }
    let mut ranges: Vec<(char, char)> = Vec::new();
    for character in set.members().filter(char::is_ascii) {
        match ranges.last_mut() {
            Some((_, last)) if u32::from(*last) + 1 == u32::from(character) => *last = character,
            _ => ranges.push((character, character)),
        }
    }
    let mut parts: Vec<String> = ranges.into_iter().map(|(first, last)| range(first, last)).collect();
    if set.contains('\u{80}') {
        parts.push(format!("(re.range \"\\u{{80}}\" \"\\u{{{LAST:x}}}\")"));
    }
    joined("re.union", &parts, "re.none")
}

fn range(first: char, last: char) -> String {
    let (from, to) = (escaped(&first.to_string()), escaped(&last.to_string()));
    if first == last { format!("(str.to_re {from})") } else { format!("(re.range {from} {to})") }
}

fn not_colon() -> CharSet {
    CharSet::of(|character| character != ':', true)
}

/// A length: a number and the lengths of strings.
#[derive(Clone, Default)]
struct Length(usize, Vec<String>);

impl Length {
    fn plus(&self, other: &Self) -> Self {
        Self(self.0 + other.0, self.1.iter().chain(&other.1).cloned().collect())
    }

    fn term(&self) -> String {
        let mut parts = self.1.clone();
        if self.0 > 0 || parts.is_empty() {
            parts.insert(0, self.0.to_string());
        }
        joined("+", &parts, "0")
    }
}

/// A part of a pattern between stars, and the star before it.
struct Segment<'a> {
    pieces: &'a [Piece],
    within: bool,
}

struct Writer<'a> {
    symbols: &'a Symbols,
    /// Declarations and assertions that the current definition needs before it.
    declared: String,
    fresh: usize,
    exact: bool,
    to_lower: bool,
}

impl Writer<'_> {
    fn body(&mut self, problem: &Problem) -> String {
        let mut body = self.declare_symbols(problem);
        for (at, why) in problem.unknowns.iter().enumerate() {
            _ = writeln!(body, "\n{}", comment(&format!("u{at} is not known: {why}")));
            _ = writeln!(body, "(declare-const u{at} Bool)");
        }
        for (at, variable) in problem.variables.iter().enumerate() {
            self.variable(at, variable, &mut body);
        }
        let formula = problem.formula.as_ref().map_or_else(|| "false".to_owned(), formula);
        _ = writeln!(body, "\n; The question.\n(assert {formula})");
        body
    }

    fn declare_symbols(&self, problem: &Problem) -> String {
        let mut used: BTreeSet<char> = BTreeSet::new();
        for variable in &problem.variables {
            used.extend(variable.shapes.iter().flat_map(|shape| &shape.0).filter_map(|part| match part {
                Part::Char(character) => Some(*character),
                _ => None,
            }));
            let pieces = variable.tests.iter().flat_map(|test| &test.globs).flat_map(|glob| &glob.0);
            used.extend(pieces.filter_map(|piece| match piece {
                Piece::Char(character) => Some(*character),
                _ => None,
            }));
        }
        let mut text = String::new();
        let mut families: Vec<(&str, Vec<String>)> = Vec::new();
        for (character, symbol) in self.symbols.iter().filter(|(character, _)| used.contains(character)) {
            let Some(name) = self.symbol(character) else { continue };
            let (shortest, longest) = symbol.length;
            _ = writeln!(text, "\n{}", comment(&symbol.name));
            _ = writeln!(text, "(declare-const {name} String)");
            if symbol.alphabet != CharSet::ALL {
                _ = writeln!(text, "(assert (str.in_re {name} (re.* {})))", character_of(symbol.alphabet));
            }
            if symbol.fixed() {
                _ = writeln!(text, "(assert (= (str.len {name}) {shortest}))");
            } else {
                _ = writeln!(text, "(assert (<= {shortest} (str.len {name}) {longest}))");
            }
            if let Some(family) = &symbol.family {
                match families.iter_mut().find(|(known, _)| known == family) {
                    Some((_, members)) => members.push(name),
                    None => families.push((family, vec![name])),
                }
            }
        }
        for (family, members) in families.iter().filter(|(_, members)| members.len() > 1) {
            _ = writeln!(text, "\n{}", comment(&format!("{family}: no two are the same")));
            _ = writeln!(text, "(assert (distinct {}))", members.join(" "));
        }
        text
    }

    fn symbol(&self, character: char) -> Option<String> {
        let at = self.symbols.iter().position(|(known, _)| known == character)?;
        Some(quoted(&format!("s{at}"), &self.symbols.get(character)?.name))
    }

    fn fresh(&mut self, sort: &str) -> String {
        self.fresh += 1;
        let name = format!("x{}", self.fresh);
        _ = writeln!(self.declared, "(declare-const {name} {sort})");
        name
    }

    /// A definition with what it needs before it.
    fn define(&mut self, definition: &str, body: &mut String) {
        body.push_str(&std::mem::take(&mut self.declared));
        body.push_str(definition);
        body.push('\n');
    }

    fn variable(&mut self, at: usize, variable: &Variable, body: &mut String) {
        let name = quoted(&format!("v{at}"), &variable.name);
        let there = if variable.optional { ", which may be missing (p: whether it is there)" } else { "" };
        _ = writeln!(body, "\n{}", comment(&format!("v{at} is {}{there}", variable.name)));
        _ = writeln!(body, "(declare-const {name} String)");
        if variable.optional {
            _ = writeln!(body, "(declare-const p{at} Bool)");
        } else {
            _ = writeln!(body, "(define-fun p{at} () Bool true)");
        }
        let shapes: Vec<String> = variable.shapes.iter().map(|shape| self.shape(&name, shape)).collect();
        let shaped = if variable.possible { joined("or", &shapes, "false") } else { "false".to_owned() };
        let shaped = if variable.optional { format!("(=> p{at} {shaped})") } else { shaped };
        self.define(&format!("(assert {shaped})"), body);
        for (number, test) in variable.tests.iter().enumerate() {
            let shown: Vec<String> = test.globs.iter().map(|glob| format!("`{}`", glob.show(self.symbols))).collect();
            let case = if test.any_case { ", whatever the case" } else { "" };
            _ = writeln!(body, "{}", comment(&format!("It is {}{case}:", shown.join(" or "))));
            let globs: Vec<String> = test.globs.iter().map(|glob| self.glob(&name, glob, test)).collect();
            let definition = format!("(define-fun t{at}_{number} () Bool {})", joined("or", &globs, "false"));
            self.define(&definition, body);
        }
    }

    /// That a string is of the shape.
    fn shape(&mut self, name: &str, shape: &Shape) -> String {
        let has_symbol = shape.0.iter().any(|part| matches!(part, Part::Char(letter) if self.is_symbol(*letter)));
        let free = shape.0.iter().filter(|part| !matches!(part, Part::Char(_))).count();
        if let (1, Some((Part::Many(CharSet::ALL), before))) = (free, shape.0.split_last()) {
            let before: Vec<Piece> = before.iter().filter_map(letter_of).collect();
            return match before.as_slice() {
                [] => "true".to_owned(),
                before => format!("(str.prefixof {} {name})", self.text(before, false)),
            };
        }
        if free > 0 && !has_symbol {
            let mut parts: Vec<String> = Vec::new();
            for part in &shape.0 {
                parts.push(match part {
                    Part::Char(letter) => format!("(str.to_re {})", self.letter(*letter)),
                    Part::One(set) => character_of(*set),
                    Part::Many(CharSet::ALL) => "re.all".to_owned(),
                    Part::Many(set) => format!("(re.* {})", character_of(*set)),
                });
            }
            return format!("(str.in_re {name} {})", joined("re.++", &parts, "(str.to_re \"\")"));
        }
        let (mut texts, mut conditions) = (Vec::new(), Vec::new());
        let mut run: Vec<Piece> = Vec::new();
        for part in &shape.0 {
            let set = match part {
                Part::Char(letter) => {
                    run.push(Piece::Char(*letter));
                    continue;
                }
                Part::One(set) => character_of(*set),
                Part::Many(set) => format!("(re.* {})", character_of(*set)),
            };
            texts.extend(self.texts(&std::mem::take(&mut run), false));
            let fresh = self.fresh("String");
            if *part != Part::Many(CharSet::ALL) {
                conditions.push(format!("(str.in_re {fresh} {set})"));
            }
            texts.push(fresh);
        }
        texts.extend(self.texts(&run, false));
        conditions.insert(0, format!("(= {name} {})", joined("str.++", &texts, "\"\"")));
        and(&conditions)
    }

    fn has_capitals(&self, symbol: char) -> bool {
        let alphabet = self.symbols.get(symbol).map_or(CharSet::NONE, |symbol| symbol.alphabet);
        ('A'..='Z').any(|capital| alphabet.contains(capital))
    }

    fn is_symbol(&self, character: char) -> bool {
        self.symbols.get(character).is_some()
    }

    /// A character as a text. Those that SMT-LIB has not are beyond what it can tell apart.
    fn letter(&mut self, letter: char) -> String {
        if u32::from(letter) > LAST {
            self.exact = false;
            let fresh = self.fresh("String");
            _ = writeln!(self.declared, "(assert (= (str.len {fresh}) 1))");
            return fresh;
        }
        escaped(&letter.to_string())
    }

    /// Characters and symbols as texts that follow each other.
    fn texts(&mut self, pieces: &[Piece], fold: bool) -> Vec<String> {
        let (mut texts, mut run) = (Vec::new(), String::new());
        for piece in pieces {
            let Piece::Char(letter) = piece else { continue };
            let term = match self.symbol(*letter) {
                Some(symbol) if fold && self.has_capitals(*letter) => format!("(str.to_lower {symbol})"),
                Some(symbol) => symbol,
                None if u32::from(*letter) <= LAST => {
                    run.push(if fold { letter.to_ascii_lowercase() } else { *letter });
                    continue;
                }
                None => self.letter(*letter),
            };
            if !run.is_empty() {
                texts.push(escaped(&std::mem::take(&mut run)));
            }
            texts.push(term);
        }
        if !run.is_empty() {
            texts.push(escaped(&run));
        }
        texts
    }

    fn text(&mut self, pieces: &[Piece], fold: bool) -> String {
        joined("str.++", &self.texts(pieces, fold), "\"\"")
    }

    fn length(&self, pieces: &[Piece]) -> Length {
        let mut length = Length::default();
        for piece in pieces {
            match piece {
                Piece::Char(letter) => match self.symbol(*letter) {
                    Some(symbol) => length.1.push(format!("(str.len {symbol})")),
                    None => length.0 += 1,
                },
                _ => length.0 += 1,
            }
        }
        length
    }

    /// That the pattern matches the string.
    fn glob(&mut self, name: &str, glob: &Glob, test: &Test) -> String {
        let has = |wanted: Piece| glob.0.contains(&wanted);
        let symbolic = glob.0.iter().any(|piece| matches!(piece, Piece::Char(letter) if self.is_symbol(*letter)));
        let exotic = |piece: &Piece| matches!(piece, Piece::Char(letter) if u32::from(*letter) > LAST);
        if glob.0.iter().any(|piece| exotic(piece) && !matches!(piece, Piece::Char(c) if self.is_symbol(*c))) {
            // What no string of the solver holds may match or not.
            self.exact = false;
            return self.fresh("Bool");
        }
        if !symbolic && (test.any_case || has(Piece::One) || has(Piece::Within)) {
            return format!("(str.in_re {name} {})", self.expression(glob, test.any_case));
        }
        let fold = test.any_case;
        self.to_lower |= fold;
        let folded;
        let name = if fold {
            folded = format!("(str.to_lower {name})");
            &folded
        } else {
            name
        };
        let segments = segments(glob);
        self.searched(name, &segments, fold).unwrap_or_else(|| self.decomposed(name, glob, fold))
    }

    /// The pattern as a regular expression.
    fn expression(&mut self, glob: &Glob, any_case: bool) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut run: Vec<Piece> = Vec::new();
        for piece in &glob.0 {
            let part = match piece {
                Piece::Char(letter) if any_case && letter.is_ascii_alphabetic() => {
                    let both = CharSet::NONE.with(letter.to_ascii_lowercase()).with(letter.to_ascii_uppercase());
                    character_of(both)
                }
                Piece::Char(_) => {
                    run.push(*piece);
                    continue;
                }
                Piece::One => "re.allchar".to_owned(),
                Piece::Many => "re.all".to_owned(),
                Piece::Within => format!("(re.* {})", character_of(not_colon())),
            };
            if !run.is_empty() {
                parts.push(format!("(str.to_re {})", self.text(&std::mem::take(&mut run), false)));
            }
            parts.push(part);
        }
        if !run.is_empty() {
            parts.push(format!("(str.to_re {})", self.text(&run, false)));
        }
        joined("re.++", &parts, "(str.to_re \"\")")
    }

    /// The pattern as a search from left to right: what stands between stars is taken where it is found first. None if
    /// that is not the same, because of `?` between stars, or because a star that stays before a colon follows one that
    /// does not.
    fn searched(&mut self, name: &str, segments: &[Segment<'_>], fold: bool) -> Option<String> {
        let (first, rest) = segments.split_first()?;
        let Some((last, middle)) = rest.split_last() else {
            if !first.pieces.contains(&Piece::One) {
                return Some(format!("(= {name} {})", self.text(first.pieces, fold)));
            }
            let mut conditions = vec![format!("(= (str.len {name}) {})", self.length(first.pieces).term())];
            conditions.extend(self.at(name, first.pieces, &Length::default(), fold));
            return Some(and(&conditions));
        };
        let one_between = middle.iter().any(|segment| segment.pieces.contains(&Piece::One));
        let late = rest.windows(2).any(|pair| matches!(pair, [before, after] if !before.within && after.within));
        if one_between || late {
            return None;
        }
        if let ([], [middle], []) = (first.pieces, middle, last.pieces)
            && !middle.within
            && !last.within
        {
            return Some(format!("(str.contains {name} {})", self.text(middle.pieces, fold)));
        }
        let (mut opened, mut closed) = (String::new(), String::new());
        let mut conditions: Vec<String> = Vec::new();
        if first.pieces.contains(&Piece::One) {
            conditions.extend(self.at(name, first.pieces, &Length::default(), fold));
        } else if !first.pieces.is_empty() {
            conditions.push(format!("(str.prefixof {} {name})", self.text(first.pieces, fold)));
        }
        let mut end = self.length(first.pieces);
        for (at, segment) in middle.iter().enumerate() {
            let found = format!("i{at}");
            let text = self.text(segment.pieces, fold);
            let start = end.term();
            _ = write!(
                opened,
                "(and {} (let (({found} (str.indexof {name} {text} {start}))) ",
                and(&std::mem::take(&mut conditions))
            );
            closed.push_str("))");
            conditions.push(format!("(<= 0 {found})"));
            if segment.within {
                conditions.push(format!("(not (str.contains (str.substr {name} {start} (- {found} {start})) \":\"))"));
            }
            end = Length(0, vec![found]).plus(&self.length(segment.pieces));
        }
        let whole = end.plus(&self.length(last.pieces)).term();
        if !last.pieces.is_empty() || first.pieces.contains(&Piece::One) {
            conditions.push(format!("(<= {whole} (str.len {name}))"));
        }
        if last.pieces.contains(&Piece::One) {
            let length = self.length(last.pieces).term();
            let start = Length(0, vec![format!("(- (str.len {name}) {length})")]);
            conditions.extend(self.at(name, last.pieces, &start, fold));
        } else if !last.pieces.is_empty() {
            conditions.push(format!("(str.suffixof {} {name})", self.text(last.pieces, fold)));
        }
        if last.within {
            let start = end.term();
            conditions
                .push(format!("(not (str.contains (str.substr {name} {start} (- (str.len {name}) {whole})) \":\"))"));
        }
        Some(format!("{opened}{}{closed}", and(&conditions)))
    }

    /// That the characters of the pieces stand at an offset; `?` is any.
    fn at(&mut self, name: &str, pieces: &[Piece], offset: &Length, fold: bool) -> Vec<String> {
        let mut conditions = Vec::new();
        let mut offset = offset.clone();
        for run in pieces.split_inclusive(|piece| *piece == Piece::One) {
            let text = match run.split_last() {
                Some((Piece::One, text)) => text,
                _ => run,
            };
            if !text.is_empty() {
                let (from, length) = (offset.term(), self.length(text).term());
                conditions.push(format!("(= (str.substr {name} {from} {length}) {})", self.text(text, fold)));
            }
            offset = offset.plus(&self.length(run));
        }
        conditions
    }

    /// A truth value that needs the string to consist of the pattern's pieces, and that may be false although it does.
    fn decomposed(&mut self, name: &str, glob: &Glob, fold: bool) -> String {
        self.exact = false;
        let (mut texts, mut conditions) = (Vec::new(), Vec::new());
        for piece in &glob.0 {
            if let Piece::Char(_) = piece {
                texts.extend(self.texts(&[*piece], fold));
                continue;
            }
            let fresh = self.fresh("String");
            match piece {
                Piece::One => conditions.push(format!("(= (str.len {fresh}) 1)")),
                Piece::Within => conditions.push(format!("(not (str.contains {fresh} \":\"))")),
                _ => {}
            }
            texts.push(fresh);
        }
        conditions.push(format!("(= {name} {})", joined("str.++", &texts, "\"\"")));
        let matches = self.fresh("Bool");
        _ = writeln!(self.declared, "(assert (=> {matches} {}))", and(&conditions));
        matches
    }
}

fn letter_of(part: &Part) -> Option<Piece> {
    match part {
        Part::Char(letter) => Some(Piece::Char(*letter)),
        _ => None,
    }
}

/// What stands between stars. Stars in a row are one, which stays before a colon if all do.
fn segments(glob: &Glob) -> Vec<Segment<'_>> {
    let mut segments: Vec<Segment<'_>> = Vec::new();
    let mut within = true;
    let runs = glob.0.split(|piece| matches!(piece, Piece::Many | Piece::Within));
    let mut end = 0;
    let mut runs = runs.peekable();
    while let Some(run) = runs.next() {
        if !run.is_empty() || segments.is_empty() || runs.peek().is_none() {
            segments.push(Segment { pieces: run, within });
            within = true;
        }
        end += run.len();
        within &= glob.0.get(end) == Some(&Piece::Within);
        end += 1;
    }
    segments
}

fn formula(formula: &Formula) -> String {
    let each = |parts: &[Formula]| parts.iter().map(self::formula).collect::<Vec<_>>();
    match formula {
        Formula::True => "true".to_owned(),
        Formula::False => "false".to_owned(),
        Formula::Unknown(at) => format!("u{at}"),
        Formula::Present(variable) => format!("p{variable}"),
        Formula::Matches(variable, test) => format!("(and p{variable} t{variable}_{test})"),
        Formula::Not(inner) => format!("(not {})", self::formula(inner)),
        Formula::All(parts) => joined("and", &each(parts), "true"),
        Formula::Any(parts) => joined("or", &each(parts), "false"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::formula::Answer;
    use super::super::text::Symbol;
    use super::*;

    fn ids() -> (Symbols, char, char) {
        let mut symbols = Symbols::default();
        let id = |name: &str| Symbol {
            name: name.to_owned(),
            alphabet: CharSet::of(|c| c.is_ascii_lowercase() || c == '-', false),
            length: (2, 31),
            family: Some("ids".to_owned()),
            sample: name.to_ascii_lowercase().repeat(2),
        };
        let (a, b) = (symbols.intern(id("A")).unwrap(), symbols.intern(id("B")).unwrap());
        (symbols, a, b)
    }

    /// A question about one string, and how its test is written.
    fn written(shape: Shape, glob: Glob, symbols: &Symbols) -> (Script, String) {
        let mut problem = Problem::default();
        problem.variable("r", || Variable {
            name: "r".to_owned(),
            optional: false,
            possible: true,
            shapes: vec![shape],
            tests: Vec::new(),
        });
        problem.formula = Some(problem.matches(0, Test { globs: vec![glob], any_case: false }));
        let script = write(&problem, symbols, "a name\nof two lines", problem.decide(symbols) == Answer::Never);
        let test = script.text.lines().find_map(|line| line.strip_prefix("(define-fun t0_0 () Bool "));
        let test = test.unwrap().strip_suffix(')').unwrap().to_owned();
        (script, test)
    }

    #[test]
    fn a_question_reads_as_it_was_asked() {
        let (symbols, a, b) = ids();
        let owned = Shape::starting(&format!("t/{b}/"));
        let (script, _) = written(owned, Glob::like(&format!("t/{a}/*")), &symbols);
        let expected = "\
; a name of two lines
; Is there a request for which the last assertion holds? `unsat` means: for no texts of the symbols.
(set-info :smt-lib-version 2.6)
(set-info :status unsat)
(set-logic QF_SLIA)

; A
(declare-const |s0 A| String)
(assert (str.in_re |s0 A| (re.* (re.union (str.to_re \"-\") (re.range \"a\" \"z\")))))
(assert (<= 2 (str.len |s0 A|) 31))

; B
(declare-const |s1 B| String)
(assert (str.in_re |s1 B| (re.* (re.union (str.to_re \"-\") (re.range \"a\" \"z\")))))
(assert (<= 2 (str.len |s1 B|) 31))

; ids: no two are the same
(assert (distinct |s0 A| |s1 B|))

; v0 is r
(declare-const |v0 r| String)
(define-fun p0 () Bool true)
(assert (str.prefixof (str.++ \"t/\" |s1 B| \"/\") |v0 r|))
; It is `t/⟨A⟩/*`:
(define-fun t0_0 () Bool (str.prefixof (str.++ \"t/\" |s0 A| \"/\") |v0 r|))

; The question.
(assert (and p0 t0_0))
(check-sat)
";
        assert_eq!(script.text, expected);
        assert!(script.exact && !script.to_lower);
    }

    #[test]
    fn patterns_are_searched_where_that_is_the_same() {
        let (symbols, a, _) = ids();
        let test = |glob: Glob| written(Shape::any(), glob, &symbols);
        let exact = |pattern: String, expected: &str| {
            let (script, test) = test(Glob::like(&pattern));
            assert!(script.exact && !script.text.contains(":status"), "{pattern}");
            assert_eq!(test, expected, "{pattern}");
        };
        exact("a\"\\é".to_owned(), "(= |v0 r| \"a\"\"\\u{5c}\\u{e9}\")");
        exact("a?*".to_owned(), "(str.in_re |v0 r| (re.++ (str.to_re \"a\") re.allchar re.all))");
        exact(format!("*{a}*"), "(str.contains |v0 r| |s0 A|)");
        exact(
            format!("{a}?/"),
            "(and (= (str.len |v0 r|) (+ 2 (str.len |s0 A|))) \
             (= (str.substr |v0 r| 0 (str.len |s0 A|)) |s0 A|) \
             (= (str.substr |v0 r| (+ 1 (str.len |s0 A|)) 1) \"/\"))",
        );
        exact(
            format!("x*{a}*y"),
            "(and (str.prefixof \"x\" |v0 r|) (let ((i0 (str.indexof |v0 r| |s0 A| 1))) \
             (and (<= 0 i0) (<= (+ 1 i0 (str.len |s0 A|)) (str.len |v0 r|)) (str.suffixof \"y\" |v0 r|))))",
        );
        // Which of two places the middle stands at matters to `?`, and to a star that stays before a colon.
        assert!(!test(Glob::like(&format!("*{a}?x*"))).0.exact);
        let mut late = Glob::like(&format!("*{a}"));
        late.0.extend([Piece::Within, Piece::Char('x')]);
        assert!(!test(late).0.exact);
    }

    #[test]
    fn files_have_names_that_sort() {
        let (problem, symbols) = (Problem::default(), Symbols::default());
        let name = "basic-cell/Role/tenant → basic-cell/Orders/item";
        let named = [Named { name, problem: &problem, proved: true }; 10];
        let files = emit(&named, &symbols);
        assert_eq!(files[0].0, "01-basic-cell-Role-tenant-basic-cell-Orders-item.smt2");
        assert!(files.is_sorted_by_key(|(name, _)| name.clone()));
    }
}
