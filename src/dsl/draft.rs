//! What has been said about a component so far, with everything that is wrong about it.

use std::collections::BTreeMap;
use std::panic::Location;

use super::bounds::Bound;
use super::handle::{Mark, Piece};
use crate::diagnostics::{Code, Diagnostic, Origin, Sink, codes};
use crate::model::component::{self as model, Text};
use crate::model::{Body, ComponentName, Entitled, Entitlement, EntitlementName, NameError};

/// A place in the author's Rust code.
pub(super) type Place = &'static Location<'static>;

/// A place as findings know it.
pub(super) fn origin(place: Place) -> Origin {
    Origin::Rust { file: place.file(), line: place.line(), column: place.column() }
}

/// Something the author said, and where.
#[derive(Debug, Clone)]
pub(super) struct Said<T> {
    /// What was said.
    pub(super) value: T,
    /// Where.
    pub(super) place: Place,
}

impl<T> Said<T> {
    pub(super) fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

impl Said<String> {
    /// Reads the text with one of the constructors of the model; what is wrong goes to the sink.
    pub(super) fn read<T>(
        &self,
        code: &'static Code,
        make: impl FnOnce(&str) -> Result<T, NameError>,
        sink: &mut Sink,
    ) -> Option<T> {
        match make(&self.value) {
            Ok(name) => Some(name),
            Err(error) => {
                sink.push(misnamed(error, code, self.place));
                None
            }
        }
    }
}

/// Entitlements as they were said. What is said again replaces what was said before, as in a chain of settings.
#[derive(Debug, Clone, Default)]
pub(super) struct Entitlements(Vec<(Said<String>, Entitlement)>);

impl Entitlements {
    pub(super) fn set(&mut self, name: String, value: Entitlement, place: Place) {
        self.0.retain(|(known, _)| known.value != name);
        self.0.push((Said::new(name, place), value));
    }

    pub(super) fn lower(&self, sink: &mut Sink) -> BTreeMap<EntitlementName, Entitled> {
        let read = |(name, value): &(Said<String>, Entitlement)| {
            let entitled = Entitled { value: value.clone(), origin: origin(name.place) };
            Some((name.read(&codes::ID_NAME, EntitlementName::new, sink)?, entitled))
        };
        self.0.iter().filter_map(read).collect()
    }
}

/// A name that could not be read, as a finding.
pub(super) fn misnamed(error: NameError, code: &'static Code, place: Place) -> Diagnostic {
    Diagnostic::new(code, origin(place), error.problem).help(error.help)
}

/// Shows that a call comes from inside: nobody else can make one.
#[derive(Debug, Clone, Copy)]
pub struct Inside(pub(super) ());

/// A component that is being described.
#[derive(Debug, Clone)]
pub struct Draft<B> {
    pub(super) name: Said<String>,
    pub(super) body: B,
    pub(super) renamed_from: Option<Said<String>>,
    /// The handles that were given to the component: they must be of the tier it is put into.
    pub(super) mentions: Vec<Said<Mark>>,
    /// Environment variables that were set: one that an override sets again is no mistake.
    pub(super) variables: Vec<String>,
    /// What is wrong with it.
    pub(super) problems: Vec<Diagnostic>,
}

impl<B> Draft<B> {
    pub(super) fn new(name: impl Into<String>, place: Place, body: B) -> Self {
        let name = Said::new(name.into(), place);
        Self { name, body, renamed_from: None, mentions: Vec::new(), variables: Vec::new(), problems: Vec::new() }
    }

    pub(super) fn map<T>(self, change: impl FnOnce(B) -> T) -> Draft<T> {
        let Self { name, body, renamed_from, mentions, variables, problems } = self;
        Draft { name, body: change(body), renamed_from, mentions, variables, problems }
    }

    /// The same component, to be changed: what was wrong with it has been said already.
    pub(super) fn afresh(self) -> Self {
        Self { mentions: Vec::new(), variables: Vec::new(), problems: Vec::new(), ..self }
    }

    /// A number that must be within a bound.
    pub(super) fn within(&mut self, bound: &Bound, value: u32, place: Place) -> u32 {
        self.problems.extend(bound.check(value, place));
        value
    }

    /// The name of a component that this one mentions. Nothing if it is not a name: then its own tier says so.
    pub(super) fn mention(&mut self, mark: Mark, place: Place) -> Option<ComponentName> {
        self.mentions.push(Said::new(mark, place));
        mark.component()
    }

    /// Text with attributes of other components.
    pub(super) fn text(&mut self, pieces: Vec<Piece>, place: Place) -> Text {
        let mut text = Text::default();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) if literal.is_empty() => {}
                Piece::Literal(literal) => match text.0.last_mut() {
                    Some(model::Piece::Literal(before)) => before.push_str(&literal),
                    _ => text.0.push(model::Piece::Literal(literal)),
                },
                Piece::Attribute(mark, attribute) => {
                    if let Some(component) = self.mention(mark, place) {
                        text.0.push(model::Piece::Reference(model::Reference { component, attribute }));
                    }
                }
            }
        }
        text
    }

    /// One way into an API.
    pub(super) fn route(&mut self, on: &str, function: Mark, place: Place) -> Option<model::Route> {
        let function = self.mention(function, place);
        let (method, path) = on.split_once(' ').unwrap_or((on, ""));
        let problem = if !model::Route::METHODS.contains(&method) {
            Diagnostic::new(
                &codes::SHAPE_UNKNOWN_VALUE,
                origin(place),
                format!("`{on}` does not begin with an HTTP method"),
            )
            .did_you_mean(method, model::Route::METHODS)
            .help("write method and path, such as `GET /orders/{id}`")
        } else if !model::Route::is_path(path) {
            Diagnostic::new(&codes::SHAPE_UNKNOWN_VALUE, origin(place), format!("`{path}` is not a path"))
                .help("a path begins with `/`; `{name}` is a variable segment and `{name+}` the rest")
        } else {
            return Some(model::Route { method: method.to_owned(), path: path.to_owned(), function: function? });
        };
        self.problems.push(problem);
        None
    }
}

/// A component of a tier that is being described.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) draft: Draft<Body>,
    pub(super) sharing: crate::model::Sharing,
}

impl Member {
    pub(super) fn mark(&self) -> Mark {
        Mark::new(&self.draft.name.value, self.draft.name.place)
    }
}
