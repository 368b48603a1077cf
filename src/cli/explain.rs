//! The page of a finding, for `tenantry explain`.

use std::fmt;

use super::Ending;
use super::args;
use super::terminal::Terminal;
use crate::diagnostics::{all_codes, closest, find_code};

pub(super) fn run(args: &args::Explain, terminal: &Terminal) -> anyhow::Result<Ending> {
    terminal.print(&page(&args.code, terminal.colour())?)?;
    Ok(Ending::Fine)
}

/// A code that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownCode {
    written: String,
    suggestions: Vec<&'static str>,
}

impl UnknownCode {
    /// What to say about it, if there is something: `did you mean …?`, or the codes of a group.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self.suggestions.as_slice() {
            [] => None,
            [only] => Some(format!("did you mean `{only}`?")),
            several => {
                let several: Vec<String> = several.iter().map(|code| format!("`{code}`")).collect();
                Some(format!("did you mean one of {}?", several.join(", ")))
            }
        }
    }
}

impl fmt::Display for UnknownCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "there is no finding `{}`", self.written)?;
        self.help().map_or(Ok(()), |help| write!(formatter, ", {help}"))
    }
}

impl std::error::Error for UnknownCode {}

/// The page of a code: Markdown as it is, or with headings in bold and code set apart if there is colour.
///
/// # Errors
/// If there is no such code.
pub fn page(code: &str, colour: bool) -> Result<String, UnknownCode> {
    let written = code.trim();
    let found = find_code(written).ok_or_else(|| unknown(written))?;
    Ok(if colour { styled(found.page) } else { found.page.to_owned() })
}

fn unknown(written: &str) -> UnknownCode {
    let names = || all_codes().iter().map(|code| code.name);
    // The name without its group, or the group alone, is half of what is meant.
    let mut suggestions: Vec<&'static str> = names()
        .filter(|name| name.split_once('/').is_some_and(|(group, rest)| rest == written || group == written))
        .collect();
    if suggestions.is_empty() {
        suggestions.extend(closest(written, names()));
    }
    UnknownCode { written: written.to_owned(), suggestions }
}

fn styled(page: &str) -> String {
    const BOLD: &str = "\u{1b}[1m";
    const FAINT: &str = "\u{1b}[2m";
    const RESET: &str = "\u{1b}[0m";
    let mut styled = String::with_capacity(page.len() + 64);
    let mut code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            code = !code;
            continue;
        }
        if code {
            if !line.is_empty() {
                styled.push_str(&format!("    {FAINT}{line}{RESET}"));
            }
        } else if line.starts_with('#') {
            styled.push_str(&format!("{BOLD}{}{RESET}", line.trim_start_matches('#').trim_start()));
        } else {
            styled.push_str(line);
        }
        styled.push('\n');
    }
    styled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_shown_as_it_is_or_with_style() {
        let plain = page("yaml/tab", false).unwrap();
        assert!(plain.starts_with("# yaml/tab\n"));
        let styled = page("yaml/tab", true).unwrap();
        assert!(styled.starts_with("\u{1b}[1myaml/tab\u{1b}[0m\n"));
        assert!(!styled.contains("```"));
    }

    #[test]
    fn a_code_that_does_not_exist_is_answered_with_what_may_be_meant() {
        let answer = |written: &str| page(written, false).unwrap_err().to_string();
        assert_eq!(answer("yaml/tabs"), "there is no finding `yaml/tabs`, did you mean `yaml/tab`?");
        assert_eq!(
            answer("unpartitioned-table"),
            "there is no finding `unpartitioned-table`, did you mean `isolation/unpartitioned-table`?"
        );
        assert_eq!(
            answer("output"),
            "there is no finding `output`, did you mean one of `output/not-an-assembly`, `output/busy`, `output/io`?"
        );
        assert_eq!(answer("zebra"), "there is no finding `zebra`");
    }
}
