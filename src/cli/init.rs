//! `tenantry init`: a blueprint to begin with, whole and without findings.

use std::fs::OpenOptions;
use std::io::Write;

use anyhow::Context;
use handlebars::{Handlebars, no_escape};

use super::Ending;
use super::args;
use super::terminal::Terminal;
use crate::model::BlueprintName;

/// The text, with places for names.
const STARTER: &str = include_str!("starter.yaml.hbs");

pub(super) fn run(args: &args::Init, terminal: &Terminal) -> anyhow::Result<Ending> {
    let name = BlueprintName::new(&args.name).map_err(|error| anyhow::anyhow!("{}; {}", error.problem, error.help))?;
    let mut handlebars = Handlebars::new();
    handlebars.register_escape_fn(no_escape);
    let text = handlebars.render_template(STARTER, &serde_json::json!({"name": name.as_str()}))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file)
        .with_context(|| format!("cannot write `{}`, and what is there is left alone", args.file.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{}`", args.file.display()))?;
    let file = args.file.display();
    terminal.say(&format!("wrote {file}; next: tenantry check {file}"))?;
    Ok(Ending::Fine)
}
