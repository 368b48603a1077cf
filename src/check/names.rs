//! Names: nothing of one kind stands twice, and generated names stay apart.

use std::collections::BTreeMap;

use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::model::{Model, naming};

pub(super) fn check(model: &Model, sink: &mut Sink) {
    unique("tier", model.tiers.iter().map(|tier| (tier.name.to_string(), &tier.origin)), sink);
    unique("cell", model.cells.iter().map(|cell| (cell.name.to_string(), &cell.origin)), sink);
    for tier in &model.tiers {
        let members = || tier.members.iter().map(|member| &member.component);
        unique("component", members().map(|component| (component.name.to_string(), &component.origin)), sink);
        unique(
            "former name",
            members().filter(|c| c.renamed_from.is_some()).map(|c| (c.identity().to_string(), &c.origin)),
            sink,
        );
        for component in members().filter(|component| component.renamed_from.is_some()) {
            if let Some(other) = members().find(|other| other.name == *component.identity()) {
                sink.push(
                    Diagnostic::new(
                        &codes::ID_DUPLICATE,
                        component.origin.clone(),
                        format!("`{}` was renamed from `{}`, which is there again", component.name, other.name),
                    )
                    .also(other.origin.clone(), "takes the same logical ids")
                    .help("give the new component another name"),
                );
            }
        }
    }
    stems(model, sink);
}

fn unique<'a>(kind: &str, things: impl Iterator<Item = (String, &'a Origin)>, sink: &mut Sink) {
    let mut seen: BTreeMap<String, &Origin> = BTreeMap::new();
    for (name, origin) in things {
        match seen.get(&name) {
            Some(first) => sink.push(
                Diagnostic::new(&codes::ID_DUPLICATE, origin.clone(), format!("the {kind} `{name}` stands twice"))
                    .label("again here")
                    .also((*first).clone(), "first here")
                    .help("rename one of them"),
            ),
            None => {
                seen.insert(name, origin);
            }
        }
    }
}

/// Names of buckets and roles begin with a stem of readable text and thirty bits of digest. Components whose names
/// are spelled alike in the alphabet of buckets (`AB` and `Ab`) would share one.
fn stems(model: &Model, sink: &mut Sink) {
    for tier in &model.tiers {
        let mut seen: BTreeMap<String, &crate::model::Component> = BTreeMap::new();
        for member in &tier.members {
            let component = &member.component;
            let stem = naming::stem(&model.name, &tier.name, &component.identity().kebab(), 63);
            match seen.get(&stem) {
                // One that took the other's name is reported above.
                Some(first) if first.identity() != component.identity() => sink.push(
                    Diagnostic::new(
                        &codes::ID_DUPLICATE,
                        component.origin.clone(),
                        format!("`{}` and `{}` make the same names of resources", first.name, component.name),
                    )
                    .also(first.origin.clone(), "the other one")
                    .help("rename one of them so that they differ in more than capitals"),
                ),
                Some(_) => {}
                None => {
                    seen.insert(stem, component);
                }
            }
        }
    }
}
