//! Texts that stand for all texts, as far as some tests can tell them apart.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::prove::automaton::{self, MOST_TESTS, Shape};
use crate::prove::glob::{Glob, Piece};
use crate::prove::text::Symbols;

/// A test of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    /// One of the patterns matches.
    Globs {
        /// The patterns.
        globs: Vec<Glob>,
        /// Whether case does not count.
        any_case: bool,
    },
    /// It compares with one of the numbers or moments (in seconds since 1970) as the operator says.
    Compares {
        /// Whether texts are dates.
        dates: bool,
        /// The operator, in lower case: `lessthan`.
        operator: String,
        /// The values, in thousandths, which is as fine as representatives need.
        values: Vec<i128>,
    },
    /// It is an address of one of the ranges.
    Address(Vec<Range>),
}

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    /// Whether it is of IPv6.
    pub(super) six: bool,
    /// Its first address.
    pub(super) first: u128,
    /// Its last.
    pub(super) last: u128,
}

impl Range {
    /// A range in the notation of CIDR, or one address.
    pub(super) fn of(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let (six, bits, width) = match address.trim().parse().ok()? {
            IpAddr::V4(address) => (false, u128::from(address.to_bits()), 32_u32),
            IpAddr::V6(address) => (true, address.to_bits(), 128),
        };
        let length: u32 = length.map_or(Some(width), |length| length.trim().parse().ok())?;
        let free = width.checked_sub(length)?;
        let rest = u128::MAX.checked_shr(128_u32.saturating_sub(free)).unwrap_or(0);
        Some(Self { six, first: bits & !rest, last: bits | rest })
    }

    /// The address as a text.
    pub(super) fn address(six: bool, bits: u128) -> Option<String> {
        if six {
            return Some(std::net::Ipv6Addr::from_bits(bits).to_string());
        }
        Some(std::net::Ipv4Addr::from_bits(u32::try_from(bits).ok()?).to_string())
    }

    /// Addresses of which every part that the ranges cut space into has one.
    pub(super) fn edges(ranges: &BTreeSet<Self>, six: bool) -> BTreeSet<u128> {
        let end = if six { u128::MAX } else { u128::from(u32::MAX) };
        let mut edges = BTreeSet::from([0]);
        for range in ranges.iter().filter(|range| range.six == six) {
            edges.insert(range.first);
            edges.extend(range.last.checked_add(1).filter(|after| *after <= end));
        }
        edges
    }
}

impl Test {
    /// Whether the text passes.
    pub(super) fn passes(&self, text: &str) -> bool {
        match self {
            Self::Globs { globs, any_case } => {
                let text: Vec<char> = text.chars().collect();
                globs.iter().any(|glob| matches(&glob.0, &text, *any_case))
            }
            Self::Compares { dates, operator, values } => {
                let Some(value) = (if *dates { moment(text) } else { thousandths(text) }) else { return false };
                values.iter().any(|written| match operator.as_str() {
                    "lessthan" => value < *written,
                    "lessthanequals" => value <= *written,
                    "greaterthan" => value > *written,
                    "greaterthanequals" => value >= *written,
                    _ => value == *written,
                })
            }
            Self::Address(ranges) => Range::of(text).is_some_and(|address| {
                ranges
                    .iter()
                    .any(|range| range.six == address.six && range.first <= address.first && address.last <= range.last)
            }),
        }
    }
}

/// A number in thousandths.
pub(super) fn thousandths(text: &str) -> Option<i128> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let negative = whole.starts_with('-');
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) || whole.len() > 20 {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let part: i128 = format!("{part:0<3}").parse().ok()?;
    Some(whole * 1000 + if negative { -part } else { part })
}

/// The moment of `2026-11-21`, `2026-11-21T10:00:00Z` or a number of seconds, in thousandths of seconds since 1970.
pub(super) fn moment(text: &str) -> Option<i128> {
    if let Some(seconds) = thousandths(text) {
        return Some(seconds);
    }
    let (date, time) = text.trim().strip_suffix('Z').unwrap_or(text).split_once('T').unwrap_or((text, "00:00:00"));
    let mut date = date.splitn(3, '-').map(str::parse::<i128>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':').map(str::parse::<i128>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next().transpose().ok()?.unwrap_or(0));
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    // Days of the civil calendar, years beginning in March so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1000)
}

/// Whether a pattern matches; concretely, with no symbols.
fn matches(glob: &[Piece], text: &[char], any_case: bool) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut retry: Option<(usize, usize, bool)> = None;
    while let Some(found) = text.get(read) {
        let fits = match glob.get(at) {
            Some(piece @ (Piece::Many | Piece::Within)) => {
                // A star that stops at colons is not retried over one; the one before it may be, and is kept in a
                // recursion, which patterns of ARNs make at most five deep.
                if *piece == Piece::Within {
                    let rest = glob.get(at + 1..).unwrap_or_default();
                    let end = text.get(read..).unwrap_or_default();
                    let stop = end.iter().position(|character| *character == ':').unwrap_or(end.len());
                    let within = (0..=stop).any(|skip| matches(rest, end.get(skip..).unwrap_or_default(), any_case));
                    if within {
                        return true;
                    }
                    false
                } else {
                    retry = Some((at, read, true));
                    at += 1;
                    continue;
                }
            }
            Some(Piece::One) => true,
            Some(Piece::Char(wanted)) => wanted == found || any_case && wanted.eq_ignore_ascii_case(found),
            None => false,
        };
        if fits {
            at += 1;
            read += 1;
        } else {
            match &mut retry {
                Some((star, from, _)) => {
                    *from += 1;
                    at = *star + 1;
                    read = *from;
                }
                None => return false,
            }
        }
    }
    glob.get(at..).is_some_and(|rest| rest.iter().all(|piece| matches!(piece, Piece::Many | Piece::Within)))
}

/// Texts such that every text gets from the tests the answers that one of these gets. False if some may be missing.
/// What is looked at is taken off `left`.
pub(super) fn representatives(tests: &[&Test], fresh: &str, left: &mut usize) -> (Vec<String>, bool) {
    let mut found = BTreeSet::from([fresh.to_owned()]);
    let mut complete = true;
    let mut lists: Vec<(&Vec<Glob>, bool)> = Vec::new();
    let mut ranges: BTreeSet<Range> = BTreeSet::new();
    let mut points: BTreeSet<i128> = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for test in tests {
        match test {
            Test::Globs { globs, any_case } => {
                kinds.insert(0);
                lists.push((globs, *any_case));
            }
            Test::Compares { values, dates, .. } => {
                kinds.insert(if *dates { 1 } else { 2 });
                for value in values {
                    points.extend([value - 1, *value, value + 1]);
                }
            }
            Test::Address(list) => {
                kinds.insert(3);
                ranges.extend(list);
            }
        }
    }
    // Patterns on texts that are compared as numbers as well are not taken apart further.
    complete &= kinds.len() < 2;
    for six in [false, true] {
        found.extend(Range::edges(&ranges, six).into_iter().filter_map(|bits| Range::address(six, bits)));
    }
    found.extend(
        points.into_iter().map(|point| {
            format!("{}{}.{:03}", if point < 0 { "-" } else { "" }, point.abs() / 1000, point.abs() % 1000)
        }),
    );
    if let Some(simple) = simple(&lists, fresh) {
        found.extend(simple);
    } else if lists.len() <= MOST_TESTS && lists.iter().map(|(globs, _)| globs.len()).sum::<usize>() <= MOST_GLOBS {
        let tests: Vec<automaton::Test> = lists
            .iter()
            .map(|(globs, any_case)| automaton::Test { globs: (*globs).clone(), any_case: *any_case })
            .collect();
        let tests: Vec<&automaton::Test> = tests.iter().collect();
        match automaton::explore_within(&[Shape::any()], &tests, &Symbols::default(), left) {
            Ok(answers) => found.extend(answers.into_values()),
            Err(_) => complete = false,
        }
    } else {
        complete = false;
    }
    (found.into_iter().collect(), complete)
}

/// The most patterns that are given to the automaton at once: more take longer than anybody waits for a comparison.
const MOST_GLOBS: usize = 200;

/// The representatives of patterns that are texts, or texts with one star at their end: each of these, and for each star
/// a continuation that no pattern has.
fn simple(lists: &[(&Vec<Glob>, bool)], fresh: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for glob in lists.iter().flat_map(|(globs, _)| *globs) {
        let (last, rest) = match glob.0.split_last() {
            Some((Piece::Many, rest)) => (fresh, rest),
            _ => ("", glob.0.as_slice()),
        };
        let text: Option<String> = rest
            .iter()
            .map(|piece| match piece {
                Piece::Char(character) => Some(*character),
                _ => None,
            })
            .collect();
        let text = text? + last;
        // Where some patterns heed case and others do not, both spellings count.
        if lists.iter().any(|(_, any_case)| *any_case) && lists.iter().any(|(_, any_case)| !*any_case) {
            let (small, large) = (text.to_ascii_lowercase(), text.to_ascii_uppercase());
            if small != large {
                found.extend([small, large, swapped(&text)]);
            }
        }
        found.push(text);
    }
    Some(found)
}

/// The text with the case of its letters turned round: a spelling that patterns that heed case have hardly ever.
fn swapped(text: &str) -> String {
    text.chars()
        .map(
            |letter| {
                if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let range = Range::of("10.0.0.0/8").unwrap();
        assert_eq!((range.first, range.last), (0x0a00_0000, 0x0aff_ffff));
        let all = Range::of("::/0").unwrap();
        assert_eq!((all.first, all.last, all.six), (0, u128::MAX, true));
        assert_eq!(Range::of("1.2.3.4").unwrap().first, Range::of("1.2.3.4/32").unwrap().last);
        assert!(Range::of("1.2.3.4/33").is_none() && Range::of("x/3").is_none());
    }

    #[test]
    fn patterns_match_concretely() {
        let test = |glob: Glob| Test::Globs { globs: vec![glob], any_case: false };
        assert!(test(Glob::like("a*b*c")).passes("aXbYbc") && !test(Glob::like("a*b")).passes("abc"));
        assert!(test(Glob::like("a?c*")).passes("abc"));
        let within = Glob(vec![Piece::Many, Piece::Char(':'), Piece::Within, Piece::Char('x')]);
        assert!(test(within.clone()).passes("a:b:yx") && !test(within).passes("x"));
    }

    #[test]
    fn moments_and_numbers_are_read() {
        assert_eq!(moment("1970-01-02"), Some(86_400_000));
        assert_eq!(moment("2000-03-01T00:00:01Z"), Some(951_868_801_000));
        assert_eq!(thousandths("-1.5"), Some(-1500));
        assert_eq!(thousandths("x"), None);
    }
}
