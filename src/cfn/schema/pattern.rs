//! The patterns of the schemas, compiled when a literal first meets them.
//!
//! Many patterns only say which characters a text is made of, often with Unicode classes that take the regular
//! expression compiler up to a millisecond. For text in ASCII those are answered from a set of 128 bits. All
//! other patterns, and all other text, go to the regular expression engine.

use std::collections::BTreeMap;

use fancy_regex::Regex;

/// The patterns that were met so far.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    plain: BTreeMap<String, Option<Plain>>,
    compiled: BTreeMap<String, Option<Regex>>,
}

impl Patterns {
    /// Whether a pattern is found in a text. A pattern that gives up, or cannot be compiled, accuses nobody.
    pub(super) fn admits(&mut self, pattern: &str, text: &str) -> bool {
        if text.is_ascii() {
            if !self.plain.contains_key(pattern) {
                self.plain.insert(pattern.to_owned(), Plain::parse(pattern));
            }
            if let Some(Some(plain)) = self.plain.get(pattern) {
                return plain.admits(text);
            }
        }
        if !self.compiled.contains_key(pattern) {
            self.compiled.insert(pattern.to_owned(), Regex::new(pattern).ok());
        }
        match self.compiled.get(pattern) {
            Some(Some(regex)) => regex.is_match(text).unwrap_or(true),
            _ => true,
        }
    }
}

/// `^[…]{least,most}$`, for text in ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plain {
    /// One bit for each character.
    allowed: u128,
    least: usize,
    most: usize,
}

impl Plain {
    fn admits(self, text: &str) -> bool {
        (self.least..=self.most).contains(&text.len())
            && text.bytes().all(|byte| byte < 128 && self.allowed & (1 << byte) != 0)
    }

    /// Nothing for patterns of any other form.
    fn parse(pattern: &str) -> Option<Self> {
        let body = pattern.strip_prefix('^')?.strip_suffix('$')?;
        let (grouped, body) = match body.strip_prefix('(') {
            Some(inner) => (true, inner),
            None => (false, body),
        };
        let mut rest = Rest(body);
        let allowed = rest.class()?;
        let mut repeated = rest.repetition()?;
        if grouped {
            rest.literal(')')?;
            let outside = rest.repetition()?;
            repeated = match (repeated, outside) {
                (inner, None) => inner,
                (None, outer) => outer,
                (Some(_), Some(_)) => return None,
            };
        }
        let (least, most) = repeated.unwrap_or((1, 1));
        rest.0.is_empty().then_some(Self { allowed, least, most })
    }
}

/// What is left of a pattern to read.
struct Rest<'p>(&'p str);

impl Rest<'_> {
    fn next(&mut self) -> Option<char> {
        let mut characters = self.0.chars();
        let next = characters.next();
        self.0 = characters.as_str();
        next
    }

    fn skip(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn literal(&mut self, expected: char) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    fn until(&mut self, end: char) -> Option<String> {
        let (inside, rest) = self.0.split_once(end)?;
        let inside = inside.to_owned();
        self.0 = rest;
        Some(inside)
    }

    /// The bounds of a repetition, if there is one; an outer nothing if it is of another form.
    fn repetition(&mut self) -> Option<Option<(usize, usize)>> {
        let bounds = if self.skip("*") {
            (0, usize::MAX)
        } else if self.skip("+") {
            (1, usize::MAX)
        } else if self.skip("?") {
            (0, 1)
        } else if self.skip("{") {
            let inside = self.until('}')?;
            match inside.split_once(',') {
                Some((least, "")) => (least.parse().ok()?, usize::MAX),
                Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
                None => (inside.parse().ok()?, inside.parse().ok()?),
            }
        } else {
            return Some(None);
        };
        Some(Some(bounds))
    }

    fn class(&mut self) -> Option<u128> {
        self.literal('[')?;
        let negated = self.skip("^");
        let mut allowed = 0;
        while !self.skip("]") {
            let first = match self.member()? {
                Member::Set(set) => {
                    allowed |= set;
                    continue;
                }
                Member::One(first) => first,
            };
            let is_range = self.0.starts_with('-') && !self.0.starts_with("-]");
            if !is_range {
                allowed |= bits(first, first);
                continue;
            }
            self.literal('-')?;
            match self.member()? {
                Member::One(last) if first <= last => allowed |= bits(first, last),
                _ => return None,
            }
        }
        Some(if negated { !allowed } else { allowed })
    }

    fn member(&mut self) -> Option<Member> {
        match self.next()? {
            '\\' => {}
            '[' => return None,
            other => return Some(Member::One(u32::from(other))),
        }
        Some(match self.next()? {
            't' => Member::One(9),
            'n' => Member::One(10),
            'v' => Member::One(11),
            'f' => Member::One(12),
            'r' => Member::One(13),
            's' => Member::Set(bits(9, 13) | bits(32, 32)),
            'x' => {
                let digits =
                    if self.skip("{") { self.until('}')? } else { [self.next()?, self.next()?].iter().collect() };
                Member::One(u32::from_str_radix(&digits, 16).ok()?)
            }
            'p' => {
                self.literal('{')?;
                Member::Set(category(&self.until('}')?)?)
            }
            other if other.is_ascii_punctuation() || other == ' ' => Member::One(u32::from(other)),
            _ => return None,
        })
    }
}

enum Member {
    One(u32),
    Set(u128),
}

fn bits(first: u32, last: u32) -> u128 {
    (first..=last.min(127)).fold(0, |set, code| set | (1 << code))
}

fn bits_where(is_in: impl Fn(char) -> bool) -> u128 {
    (0..128_u8).filter(|code| is_in(char::from(*code))).fold(0, |set, code| set | (1 << code))
}

/// The ASCII part of a general category of Unicode.
fn category(name: &str) -> Option<u128> {
    let is_symbol = |character: char| "$+<=>^`|~".contains(character);
    Some(match name {
        "L" => bits_where(|character| character.is_ascii_alphabetic()),
        "M" => 0,
        "N" => bits_where(|character| character.is_ascii_digit()),
        "P" => bits_where(|character| character.is_ascii_punctuation() && !is_symbol(character)),
        "S" => bits_where(is_symbol),
        "Z" => bits(32, 32),
        "C" => bits_where(|character| character.is_ascii_control()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn collect(schema: &Value, patterns: &mut BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                for (keyword, value) in members {
                    match value {
                        Value::String(pattern) if keyword == "pattern" => {
                            patterns.insert(pattern.clone());
                        }
                        Value::Object(inner) if keyword == "patternProperties" => {
                            patterns.extend(inner.keys().cloned())
                        }
                        _ => {}
                    }
                    collect(value, patterns);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, patterns)),
            _ => {}
        }
    }

    /// All patterns compile, and the short cut gives the engine's answers.
    #[test]
    fn plain_patterns_mean_what_the_engine_says() {
        let mut patterns = BTreeSet::new();
        for name in crate::cfn::schema::names() {
            collect(&Value::Object(crate::cfn::schema::find(name).unwrap().record), &mut patterns);
        }
        let mut texts: Vec<String> = (0..128_u8).map(|code| char::from(code).to_string()).collect();
        texts.extend(["", "ab", "a-b", "tenant-a", "12:3", "A_1", "a b c"].map(str::to_owned));
        texts.extend([10, 63, 64, 65, 128, 129, 256, 257].map(|length| "a".repeat(length)));
        let (mut plain_count, mut broken) = (0, Vec::new());
        for pattern in &patterns {
            let regex = match Regex::new(pattern) {
                Ok(regex) => regex,
                Err(error) => {
                    broken.push(format!("{pattern}: {error}"));
                    continue;
                }
            };
            let Some(plain) = Plain::parse(pattern) else { continue };
            plain_count += 1;
            for text in &texts {
                assert_eq!(plain.admits(text), regex.is_match(text).unwrap(), "{pattern} on {text:?}");
            }
        }
        assert!(broken.is_empty(), "{}", broken.join("\n"));
        assert!(patterns.len() > 2500 && plain_count > 500, "{plain_count} of {}", patterns.len());
    }
}
