//! Patterns over concrete texts: wildcards, variables, and the parts of an ARN.

/// One piece of a pattern whose variables have been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This character. What came from a variable is always this: its `*` is no wildcard.
    Literal(char),
    /// `?`
    One,
    /// `*`
    Many,
}

/// A pattern, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
}

/// How far a wildcard of a resource's pattern reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Over every colon.
    Everything,
    /// Over a colon only where the `*` is the last character of its segment, or in the last of six segments.
    SegmentEnds,
    /// Over a colon only in the last of six segments.
    Segments,
}

/// What a variable is replaced by.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variable that a text begins with, after its `${`: the key, the default value, and what follows the `}`.
fn variable(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (inside, rest) = text.split_once('}')?;
    let Some((key, default)) = inside.split_once(',') else { return Some((inside.trim(), None, rest)) };
    let default = default.trim().strip_prefix('\'').and_then(|default| default.strip_suffix('\''))?;
    Some((key.trim(), Some(default), rest))
}

/// Whether a `${…}` that needs a value stands before the fifth colon, where AWS promises no variables.
pub(super) fn has_early_variable(text: &str) -> bool {
    let (mut colons, mut rest) = (0, text);
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        match after.strip_prefix('{').filter(|_| character == '$').and_then(variable) {
            Some((key, _, behind)) => {
                if colons < 5 && !matches!(key, "*" | "?" | "$") {
                    return true;
                }
                rest = behind;
            }
            None => {
                colons += usize::from(character == ':');
                rest = after;
            }
        }
    }
    false
}

impl Pattern {
    /// The pattern of a text that has wildcards and no variables.
    pub(super) fn plain(text: &str) -> Self {
        Self { pieces: text.chars().map(wildcard).collect() }
    }

    /// The pattern of a text with wildcards and variables, or none if a variable has no value. Variables among the first
    /// `literal_colons` colons are left as they are written.
    pub(super) fn with_variables(text: &str, lookup: Lookup<'_>, literal_colons: usize) -> Option<Self> {
        let (mut pieces, mut colons, mut rest) = (Vec::new(), 0, text);
        while let Some(character) = rest.chars().next() {
            let after = rest.get(character.len_utf8()..).unwrap_or_default();
            let found = after.strip_prefix('{').filter(|_| character == '$').and_then(variable);
            match found {
                Some((escaped @ ("*" | "?" | "$"), None, behind)) => {
                    pieces.extend(escaped.chars().map(Piece::Literal));
                    rest = behind;
                }
                Some((key, default, behind)) if colons >= literal_colons => {
                    let value = lookup(key).or_else(|| default.map(str::to_owned))?;
                    pieces.extend(value.chars().map(Piece::Literal));
                    rest = behind;
                }
                Some((_, _, behind)) => {
                    let written = rest.strip_suffix(behind).unwrap_or(rest);
                    pieces.extend(written.chars().map(Piece::Literal));
                    rest = behind;
                }
                None => {
                    colons += usize::from(character == ':');
                    pieces.push(wildcard(character));
                    rest = after;
                }
            }
        }
        Some(Self { pieces })
    }

    /// The pattern with wildcards taken for the characters they are.
    pub(super) fn literal(mut self) -> Self {
        for piece in &mut self.pieces {
            *piece = match *piece {
                Piece::One => Piece::Literal('?'),
                Piece::Many => Piece::Literal('*'),
                literal @ Piece::Literal(_) => literal,
            };
        }
        self
    }

    /// The pattern as a text.
    pub(super) fn text(&self) -> String {
        let character = |piece: &Piece| match piece {
            Piece::Literal(character) => *character,
            Piece::One => '?',
            Piece::Many => '*',
        };
        self.pieces.iter().map(character).collect()
    }

    /// Whether the whole value fits.
    pub(super) fn matches(&self, value: &str) -> bool {
        walk(&self.pieces, value, |_| true)
    }

    /// Whether the whole value fits when case does not count.
    pub(super) fn matches_any_case(&self, value: &str) -> bool {
        let pieces: Vec<Piece> = self
            .pieces
            .iter()
            .flat_map(|piece| match piece {
                Piece::Literal(character) => character.to_lowercase().map(Piece::Literal).collect(),
                other => vec![*other],
            })
            .collect();
        walk(&pieces, &value.to_lowercase(), |_| true)
    }

    /// Whether an ARN fits a pattern of an ARN, as `Resource` compares them.
    pub(super) fn matches_resource(&self, value: &str, reach: Reach) -> bool {
        // `*` alone is every resource in every reading.
        if self.pieces.as_slice() == [Piece::Many] {
            return true;
        }
        let mut colons = 0;
        let crosses: Vec<bool> = self
            .pieces
            .iter()
            .enumerate()
            .map(|(at, piece)| {
                colons += usize::from(*piece == Piece::Literal(':'));
                let ends = matches!(self.pieces.get(at + 1), None | Some(Piece::Literal(':')));
                match reach {
                    Reach::Everything => true,
                    Reach::SegmentEnds => colons >= 5 || (ends && *piece == Piece::Many),
                    Reach::Segments => colons >= 5,
                }
            })
            .collect();
        walk(&self.pieces, value, |at| crosses.get(at).copied().unwrap_or(true))
    }

    /// Whether the pattern has the six parts of an ARN.
    pub(super) fn is_arn(&self) -> bool {
        self.pieces.iter().filter(|piece| **piece == Piece::Literal(':')).count() >= 5
    }

    /// Whether an ARN fits a pattern of an ARN, part by part, as the ARN operators compare them.
    pub(super) fn matches_arn(&self, value: &str) -> bool {
        let mut parts = self.pieces.splitn(6, |piece| *piece == Piece::Literal(':'));
        let mut values = value.splitn(6, ':');
        let mut count = 0;
        loop {
            match (parts.next(), values.next()) {
                (Some(part), Some(value)) if walk(part, value, |_| true) => count += 1,
                (None, None) => return count == 6,
                _ => return false,
            }
        }
    }
}

fn wildcard(character: char) -> Piece {
    match character {
        '*' => Piece::Many,
        '?' => Piece::One,
        other => Piece::Literal(other),
    }
}

/// Compares all of a value with all pieces. `crosses` says of the piece at a position whether it stands for colons too.
fn walk(pieces: &[Piece], value: &str, crosses: impl Fn(usize) -> bool) -> bool {
    let value: Vec<char> = value.chars().collect();
    // `reached` holds for each position of the value whether the pieces so far can end there.
    let mut reached = vec![false; value.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for (at, piece) in pieces.iter().enumerate() {
        let fits = |character: char| match piece {
            Piece::Literal(literal) => *literal == character,
            Piece::One | Piece::Many => character != ':' || crosses(at),
        };
        let mut next = Vec::with_capacity(reached.len());
        let (mut before, mut carried) = (false, false);
        for (position, here) in reached.iter().enumerate() {
            let character = position.checked_sub(1).and_then(|position| value.get(position)).copied();
            let steps = character.is_some_and(fits);
            carried = match piece {
                Piece::Many => *here || (carried && steps),
                Piece::One | Piece::Literal(_) => before && steps,
            };
            next.push(carried);
            before = *here;
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}
