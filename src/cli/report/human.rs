//! For a terminal: the lines of the blueprint with what is wrong written under them.
//!
//! A place that spans several lines is underlined on its first: in YAML that line names the thing.

use std::io::{self, Write};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostics::{Diagnostic, Severity};

use super::fold::Folded;
use super::place::{Lines, Place, Places, Point};
use super::tally::Tally;
use super::{Appearance, visible};

/// Writes the findings, then how many there are. Nothing at all if there are none.
pub(super) fn write(
    findings: &[Diagnostic],
    places: &Places<'_>,
    appearance: Appearance,
    out: &mut dyn Write,
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let renderer = if appearance.colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let folded = Folded::new(findings, appearance.per_code);
    for finding in &folded.shown {
        writeln!(out, "{}\n", renderer.render(&[group(finding, places)]))?;
    }
    for more in folded.more() {
        writeln!(out, "{more}\n")?;
    }
    writeln!(out, "{}", Tally::of(findings))
}

fn group<'a>(finding: &'a Diagnostic, places: &'a Places<'_>) -> Group<'a> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(visible::line(&finding.message)).id(finding.code.name);
    let mut group = Group::with_title(title);
    let mut excerpts: Vec<Excerpt<'_>> = Vec::new();
    let mut notes = Vec::new();

    let primary = places.find(&finding.primary.origin);
    match primary {
        Place::Text { lines, start, end } if is_quotable(lines, start) => {
            note_mark(
                &mut excerpts,
                lines,
                Mark::new(lines, start, end, AnnotationKind::Primary, &finding.primary.text),
            );
        }
        elsewhere => {
            if let Some(file) = elsewhere.file() {
                group = group.element(origin(file, elsewhere));
            }
            if !finding.primary.text.is_empty() {
                notes.push(visible::line(&finding.primary.text).into_owned());
            }
        }
    }
    for label in &finding.secondary {
        match places.find(&label.origin) {
            Place::Text { lines, start, end } if is_quotable(lines, start) => {
                note_mark(&mut excerpts, lines, Mark::new(lines, start, end, AnnotationKind::Context, &label.text));
            }
            Place::Nowhere => notes.push(visible::line(&label.text).into_owned()),
            elsewhere => notes.push(visible::line(&format!("{elsewhere}: {}", label.text)).into_owned()),
        }
    }

    group = group.elements(excerpts.into_iter().map(Excerpt::snippet));
    group = group.elements(notes.into_iter().map(|note| Level::NOTE.message(note)));
    group = group.elements(finding.help.iter().map(|help| Level::HELP.message(visible::lines(help))));
    group.element(Level::NOTE.message(format!("run `tenantry explain {}`", finding.code.name)))
}

/// Longest line that is quoted, in bytes. A file that a program wrote on one line is not worth showing a thousand times.
const LONGEST_QUOTED: usize = 1_000;

fn is_quotable(lines: &Lines<'_>, start: Point) -> bool {
    lines.line(start.line).len() <= LONGEST_QUOTED
}

fn origin<'a>(file: &str, place: Place<'_>) -> Origin<'a> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut origin = Origin::path(visible::line(file).into_owned());
    if let Some(line) = place.line() {
        origin = origin.line(number(line));
    }
    if let Some(column) = place.column() {
        origin = origin.char_column(number(column));
    }
    origin
}

/// The lines of one file that one finding is about.
struct Excerpt<'a> {
    lines: &'a Lines<'a>,
    marks: Vec<Mark<'a>>,
}

/// A part of one line with a few words about it. Bytes count from the line's start.
struct Mark<'a> {
    line: usize,
    start: usize,
    end: usize,
    kind: AnnotationKind,
    text: &'a str,
}

impl<'a> Mark<'a> {
    fn new(lines: &Lines<'_>, start: Point, end: Point, kind: AnnotationKind, text: &'a str) -> Self {
        let line_start = lines.start_of(start.line);
        let length = lines.line(start.line).len();
        let from = (start.byte - line_start).min(length);
        let to = (end.byte - line_start).clamp(from, length);
        Self { line: start.line, start: from, end: to, kind, text }
    }
}

fn note_mark<'a>(excerpts: &mut Vec<Excerpt<'a>>, lines: &'a Lines<'a>, mark: Mark<'a>) {
    match excerpts.iter_mut().find(|excerpt| std::ptr::eq(excerpt.lines, lines)) {
        Some(excerpt) => excerpt.marks.push(mark),
        None => excerpts.push(Excerpt { lines, marks: vec![mark] }),
    }
}

impl<'a> Excerpt<'a> {
    /// The lines from the first mark to the last, made visible, with the marks moved to where their text went.
    fn snippet(self) -> Snippet<'a, Annotation<'a>> {
        let first = self.marks.iter().map(|mark| mark.line).min().unwrap_or(1);
        let last = self.marks.iter().map(|mark| mark.line).max().unwrap_or(1);
        let mut source = String::new();
        let mut starts = Vec::new();
        for number in first..=last {
            starts.push(source.len());
            source.push_str(&visible::lines(self.lines.line(number)));
            if number < last {
                source.push('\n');
            } else if source.ends_with('\n') {
                // A last line without text would not count as one.
                source.push(' ');
            }
        }
        let annotations: Vec<_> = self
            .marks
            .iter()
            .map(|mark| {
                let line = self.lines.line(mark.line);
                let line_start = starts.get(mark.line - first).copied().unwrap_or_default();
                let moved = |byte: usize| line_start + visible::lines(line.get(..byte).unwrap_or(line)).len();
                let label = (!mark.text.is_empty()).then(|| visible::line(mark.text));
                mark.kind.span(moved(mark.start)..moved(mark.end)).label(label)
            })
            .collect();
        Snippet::source(source).line_start(first).path(visible::line(self.lines.name)).annotations(annotations)
    }
}
