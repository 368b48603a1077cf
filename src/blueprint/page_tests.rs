//! `docs/blueprint.md` ends with tables that are made from the shapes, so that page and reader cannot drift apart.

use std::fmt::Write as _;
use std::path::Path;

use super::guardrails::GUARDRAILS;
use super::shapes::{BLUEPRINT, COMPONENTS};
use crate::source::shape::{Field, Kind, Shape, Variant};

const BEGIN: &str =
    "<!-- Generated from src/blueprint/shapes.rs; write it anew with TENANTRY_WRITE=1 cargo test --lib page. -->\n";

/// A list of variants by what they are together.
fn family(variants: &[Variant]) -> (&'static str, &'static str) {
    match variants.first().map(|variant| variant.key) {
        Some("table") => ("a component", "components"),
        Some("regions") => ("a guardrail", "guardrails"),
        _ => ("one of the keys of the code", "the-code"),
    }
}

fn heading(what: &str) -> String {
    let mut letters = what.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

fn anchor(what: &str) -> String {
    what.to_lowercase().replace(' ', "-").replace(['\'', '(', ')'], "")
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.len() > 4 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a value may be, in words.
fn words(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Truth => "`true` or `false`".to_owned(),
        Kind::Scalar => "text, numbers, or `true` or `false`".to_owned(),
        Kind::Integer(min, max) if min == max => format!("`{min}`"),
        Kind::Integer(min, max) => format!("{} to {}", grouped(*min), grouped(*max)),
        Kind::Number(min, max) => format!("{min} to {max}"),
        Kind::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::List(Kind::Text) => "list of texts".to_owned(),
        Kind::List(of) => format!("list of {}", words(of).replacen("[a ", "[", 1).replacen("[an ", "[", 1)),
        Kind::MapOf(of) => format!("mapping from names to {}", words(of)),
        Kind::Record(shape) => format!("[{}](#{})", shape.what, anchor(shape.what)),
        Kind::OneOf(variants) => {
            let (what, anchor) = family(variants);
            format!("[{what}](#{anchor})")
        }
        Kind::Either(one, other) | Kind::ListOr(one, other) => format!("{}, or {}", words(one), words(other)),
        Kind::Removable(of) => format!("{}, or nothing, which takes it away", words(of)),
        Kind::Free => "settings".to_owned(),
    }
}

fn table(fields: &[Field]) -> String {
    let mut text = "| key | value | what it says |\n|---|---|---|\n".to_owned();
    for field in fields {
        let must = if field.required { " **required**" } else { "" };
        writeln!(text, "| `{}`{must} | {} | {} |", field.key, words(&field.kind), field.doc).unwrap();
    }
    text
}

#[derive(Default)]
struct Page {
    text: String,
    seen: Vec<&'static str>,
}

impl Page {
    fn section(&mut self, level: &str, shape: &'static Shape) {
        if self.seen.contains(&shape.what) {
            return;
        }
        self.seen.push(shape.what);
        write!(self.text, "\n{level} {}\n\n{}\n\n{}", heading(shape.what), shape.doc, table(shape.fields)).unwrap();
        shape.fields.iter().for_each(|field| self.inside("###", &field.kind));
    }

    fn inside(&mut self, level: &str, kind: &Kind) {
        match kind {
            Kind::List(of) | Kind::MapOf(of) | Kind::Removable(of) => self.inside(level, of),
            Kind::Either(one, other) | Kind::ListOr(one, other) => {
                self.inside(level, one);
                self.inside(level, other);
            }
            Kind::Record(shape) => self.section(level, shape),
            Kind::OneOf(variants) if family(variants).1 == "the-code" => self.code(variants),
            _ => {}
        }
    }

    fn code(&mut self, variants: &'static [Variant]) {
        let fields: Vec<&Field> = variants.iter().flat_map(|variant| variant.shape.fields).collect();
        self.text += "\n### The code\n\nOne of these keys.\n\n| key | value | what it says |\n|---|---|---|\n";
        for field in &fields {
            writeln!(self.text, "| `{}` | {} | {} |", field.key, words(&field.kind), field.doc).unwrap();
        }
        fields.iter().for_each(|field| self.inside("###", &field.kind));
    }

    fn guardrails(&mut self) {
        self.text += "\n## Guardrails\n\nAn entry of a list of guardrails is one of these keys, or the bare word where \
                      it stands for itself. What each denies, and whom it spares, is in [guardrails.md](guardrails.md).\n\n\
                      | key | bare | value | what it does |\n|---|---|---|---|\n";
        for variant in GUARDRAILS {
            let own = variant.shape.fields.iter().find(|field| field.key == variant.key).unwrap();
            let bare = if variant.bare { "yes" } else { "" };
            writeln!(self.text, "| `{}` | {bare} | {} | {} |", variant.key, words(&own.kind), own.doc).unwrap();
        }
        for variant in GUARDRAILS {
            variant.shape.fields.iter().for_each(|field| self.inside("###", &field.kind));
        }
    }

    fn components(&mut self) {
        self.text += "\n## Components\n\nAn entry of a list of components is said by its first key, whose value is the \
                      component's name. What each becomes is in [components.md](components.md).\n";
        COMPONENTS.iter().for_each(|variant| self.section("###", variant.shape));
    }
}

fn page() -> String {
    let mut page = Page::default();
    page.section("##", &BLUEPRINT);
    page.guardrails();
    page.components();
    page.text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads and writes the page itself")]
fn the_page_of_the_blueprint_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/blueprint.md");
    let old = std::fs::read_to_string(&path).unwrap();
    let (introduction, _) = old.split_once(BEGIN).expect("the page has the line that begins the generated part");
    let new = format!("{introduction}{BEGIN}{}", page());
    if std::env::var_os("TENANTRY_WRITE").is_some() {
        std::fs::write(&path, new).unwrap();
    } else {
        assert!(
            old == new,
            "docs/blueprint.md is out of date; write it anew with TENANTRY_WRITE=1 cargo test --lib page"
        );
    }
}
