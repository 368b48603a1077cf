//! Text from a blueprint, made harmless for a terminal.
//!
//! A tenant's name can hold an escape sequence that clears the screen, or a character that reverses the direction of
//! writing. What is not visible is replaced by one character that is, so that columns stay where they are.

use std::borrow::Cow;

/// The text on one line: controls become symbols, and lines are joined by a space.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    clean(text, |character| match character {
        '\n' | '\t' => Some(' '),
        other => symbol(other),
    })
}

/// The text with its lines and tabs kept.
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    clean(text, |character| match character {
        '\n' | '\t' => None,
        other => symbol(other),
    })
}

fn clean(text: &str, replacement: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if text.chars().all(|character| replacement(character).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|character| replacement(character).unwrap_or(character)).collect())
}

/// What to show instead of a character that cannot be seen or that moves others.
fn symbol(character: char) -> Option<char> {
    match character {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + character as u32),
        '\u{7f}' => Some('\u{2421}'),
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => Some('\u{fffd}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_moves_or_hides_text() {
        assert_eq!(line("a\u{1b}[2Jb\r\nc\td"), "a␛[2Jb␍ c d");
        assert_eq!(lines("a\n\tb\u{202e}c\u{9b}"), "a\n\tb\u{fffd}c\u{fffd}");
        assert!(matches!(line("Müller & Söhne"), Cow::Borrowed(_)));
    }
}
