//! A proof as a report for people who answer for it: in Markdown, and as one page of HTML that needs nothing else.
//!
//! What is said is worked out here, how it is laid out stands in the templates, and everything that comes from a user's
//! files is escaped on its way in, by the two functions at the end.

use std::collections::BTreeMap;

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderError, html_escape};
use serde::Serialize;

use super::evidence::{Evidence, WithoutGrant, is_trivial};
use super::findings::{broken, open};
use super::proof::{Claim, CrossCheck, Method, Obligation, Outcome, Proof, Verdict};
use super::tenancy::{Accounts, Actor, Owner, Scope, Tenancy};
use crate::diagnostics::plural;

const MARKDOWN: &str = include_str!("report/report.md.hbs");
const HTML: &str = include_str!("report/report.html.hbs");

/// How a report is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Markdown with tables and `<details>`.
    Markdown,
    /// One page of HTML.
    Html,
}

/// The report of a proof about what the declaration describes.
///
/// # Errors
/// Never for the templates that are shipped; the renderer's signature has one.
pub fn report(proof: &Proof, tenancy: &Tenancy, form: Form) -> Result<String, RenderError> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    let template = match form {
        Form::Markdown => {
            handlebars.register_escape_fn(markdown_text);
            handlebars.register_helper("code", Box::new(helper(markdown_code)));
            handlebars.register_helper("prose", Box::new(helper(|text| prose(text, markdown_text, markdown_code))));
            // Within a line of HTML, Markdown means nothing.
            handlebars.register_helper("html", Box::new(helper(|text| html_text(text).replace('\n', " "))));
            MARKDOWN
        }
        Form::Html => {
            handlebars.register_escape_fn(html_text);
            handlebars.register_helper("code", Box::new(helper(html_code)));
            handlebars.register_helper("prose", Box::new(helper(|text| prose(text, html_text, html_code))));
            HTML
        }
    };
    handlebars.render_template(template, &View::of(proof, tenancy))
}

/// What the templates show.
#[derive(Debug, Serialize)]
struct View {
    result: &'static str,
    verdict: String,
    also: Vec<String>,
    tool: String,
    digest: String,
    ids: String,
    tag: String,
    asked: usize,
    templates: Vec<TemplateView>,
    boundaries: Vec<String>,
    inputs: Vec<InputView>,
    claims: Vec<ClaimView>,
    stories: Vec<Story>,
    obstacles: Vec<ObstacleView>,
    parts: Vec<Part>,
    without_grant: Vec<QuietView>,
    quiet: u64,
    methods: Vec<String>,
    assumptions: Vec<String>,
    adverse: Vec<String>,
    exceptions: Vec<Exception>,
    left_to_code: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TemplateView {
    file: String,
    tier: String,
    scope: &'static str,
    accounts: &'static str,
    guardrails: usize,
}

#[derive(Debug, Serialize)]
struct InputView {
    path: String,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct ClaimView {
    name: &'static str,
    means: &'static str,
    asked: u64,
    proved: u64,
    refuted: u64,
    unknown: u64,
    answer: &'static str,
}

/// Requests that break a claim through the same statements: the first of them told, the others named.
#[derive(Debug, Serialize)]
struct Story {
    number: usize,
    claim: &'static str,
    sentence: String,
    principal: String,
    actions: Vec<String>,
    target: String,
    statements: Vec<StatementView>,
    should_have: String,
    only_under: Vec<String>,
    case: String,
    more: Vec<Also>,
}

#[derive(Debug, Serialize)]
struct StatementView {
    file: String,
    pointer: String,
    sid: String,
}

#[derive(Debug, Serialize)]
struct Also {
    actions: Vec<String>,
    target: String,
}

#[derive(Debug, Serialize)]
struct ObstacleView {
    place: Option<StatementView>,
    reason: String,
    help: String,
    count: usize,
    asked: Vec<String>,
}

/// What was asked about one template.
#[derive(Debug, Serialize)]
struct Part {
    name: String,
    summary: String,
    holds: bool,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    target: String,
    principal: String,
    actions: Vec<String>,
    verdict: &'static str,
    how: &'static str,
    guardrails: bool,
}

#[derive(Debug, Serialize)]
struct QuietView {
    claim: &'static str,
    principal: String,
    obligations: u64,
}

/// What the declaration takes out of the claims, and why.
#[derive(Debug, Serialize)]
struct Exception {
    what: String,
    kind: &'static str,
    reason: String,
}

impl View {
    fn of(proof: &Proof, tenancy: &Tenancy) -> Self {
        let evidence = Evidence::from(proof);
        let (verdict, also) = verdict(proof);
        Self {
            result: evidence.result.as_str(),
            verdict,
            also,
            tool: format!("{} {}", evidence.tool.name, evidence.tool.version),
            ids: tenancy.ids.pattern.clone(),
            tag: tenancy.tag.clone(),
            asked: proof.obligations.len(),
            templates: templates(tenancy),
            boundaries: boundaries(tenancy),
            inputs: evidence
                .inputs
                .iter()
                .map(|input| InputView { path: input.path.clone(), sha256: input.sha256.clone() })
                .collect(),
            claims: claims(&evidence),
            stories: stories(proof),
            obstacles: obstacles(proof),
            parts: parts(proof),
            quiet: evidence.without_grant.iter().map(|quiet| quiet.obligations).sum(),
            without_grant: evidence.without_grant.iter().map(quiet).collect(),
            methods: methods(proof),
            assumptions: proof.assumptions.clone(),
            adverse: proof.adverse.clone(),
            exceptions: exceptions(tenancy),
            left_to_code: proof.left_to_code.clone(),
            digest: evidence.digest,
        }
    }
}

/// The answer in one sentence, and in further ones what it is not about.
fn verdict(proof: &Proof) -> (String, Vec<String>) {
    let of = |claims: &[Claim]| proof.obligations.iter().filter(|asked| claims.contains(&asked.claim)).collect();
    let isolation: Vec<&Obligation> = of(&[Claim::Data, Claim::Mint, Claim::Control]);
    let count = |all: &[&Obligation], outcome| all.iter().filter(|asked| asked.verdict.outcome() == outcome).count();
    let (refuted, unknown) = (count(&isolation, Outcome::Refuted), count(&isolation, Outcome::Unknown));
    let sentence = if isolation.is_empty() {
        "It is not known whether tenants are kept apart: nothing was asked about it.".to_owned()
    } else if refuted > 0 {
        let through =
            broken(proof).iter().filter(|group| group.first().is_some_and(|asked| is_isolation(asked))).count();
        format!(
            "Tenants are not kept apart: {refuted} of {} were answered with a request that must not be possible, by {}.",
            plural(isolation.len() as u64, "question", "questions"),
            plural(through as u64, "mistake", "mistakes"),
        )
    } else if unknown > 0 {
        format!(
            "It is not known whether tenants are kept apart: {} of {} could not be decided.",
            unknown,
            plural(isolation.len() as u64, "question", "questions")
        )
    } else if of(&[Claim::Instance]).iter().any(|asked: &&Obligation| asked.verdict != Verdict::Proved) {
        "The templates keep tenants apart, but what is deployed is not known to be the templates.".to_owned()
    } else {
        "Tenants are kept apart: for any two different tenants, no request in the name of one, and none of anybody else, \
         reaches what the other owns."
            .to_owned()
    };
    let mut also = Vec::new();
    if refuted > 0 && unknown > 0 {
        also.push(format!("{} could not be decided.", plural(unknown as u64, "more question", "more questions")));
    }
    for (claim, good, bad, open) in [
        (
            Claim::Lockout,
            "The guardrails let the declared operators work.",
            "The guardrails keep declared operators from their work.",
            "It is not known whether the guardrails let the declared operators work.",
        ),
        (
            Claim::Packing,
            "The packed policies say what the guardrails say.",
            "The packed policies do not say what the guardrails say.",
            "It is not known whether the packed policies say what the guardrails say.",
        ),
        (
            Claim::Instance,
            "What is deployed for every tenant is what was proved: the tier's template, with the tenant's own values.",
            "What is deployed for some tenants is not what was proved.",
            "It is not known whether what is deployed for every tenant is what was proved.",
        ),
    ] {
        let worst = of(&[claim]).iter().map(|asked: &&Obligation| asked.verdict.outcome()).max();
        also.extend(worst.map(|worst| match worst {
            Outcome::Proved => good.to_owned(),
            Outcome::Unknown => open.to_owned(),
            Outcome::Refuted => bad.to_owned(),
        }));
    }
    (sentence, also)
}

fn is_isolation(asked: &Obligation) -> bool {
    matches!(asked.claim, Claim::Data | Claim::Mint | Claim::Control)
}

fn name(claim: Claim) -> (&'static str, &'static str) {
    match claim {
        Claim::Data => ("Data", "Nobody but its owner reaches a tenant's data or own resources."),
        Claim::Mint => ("Sessions", "Nobody obtains a session in another tenant's name."),
        Claim::Control => (
            "Control",
            "Nobody who acts for a tenant changes policies, keys, tags or code that the other answers rest on.",
        ),
        Claim::Lockout => ("Operators", "The organization's guardrails let the declared operators do their duty."),
        Claim::Packing => ("Packing", "Guardrails say the same after they were packed into few policies."),
        Claim::Instance => (
            "Instances",
            "Every tenant's stacks are its tier's template, with the values that the proof takes for granted.",
        ),
    }
}

fn claims(evidence: &Evidence) -> Vec<ClaimView> {
    let view = |tally: &super::evidence::Tally| {
        let (name, means) = name(tally.claim);
        let answer = match (tally.refuted, tally.unknown) {
            (0, 0) => Outcome::Proved,
            (0, _) => Outcome::Unknown,
            _ => Outcome::Refuted,
        };
        ClaimView {
            name,
            means,
            asked: tally.proved + tally.refuted + tally.unknown,
            proved: tally.proved,
            refuted: tally.refuted,
            unknown: tally.unknown,
            answer: answer.as_str(),
        }
    };
    evidence.claims.iter().map(view).collect()
}

fn templates(tenancy: &Tenancy) -> Vec<TemplateView> {
    let view = |deployed: &super::tenancy::Deployed| TemplateView {
        file: deployed.template.clone(),
        tier: deployed.tier.clone().unwrap_or_default(),
        scope: match deployed.scope {
            Scope::Shared => "tenants share its stack",
            Scope::Tenant => "a stack for each tenant",
        },
        accounts: match deployed.accounts {
            Accounts::Shared => "shared",
            Accounts::Own => "one for each tenant",
        },
        guardrails: deployed.guardrails.scp.len() + deployed.guardrails.rcp.len(),
    };
    tenancy.templates.iter().map(view).collect()
}

/// Which boundary each template relies on, as far as the declaration says: what was decided about it, and what was not.
fn boundaries(tenancy: &Tenancy) -> Vec<String> {
    let of = |deployed: &super::tenancy::Deployed| {
        let tier = deployed.tier.as_ref().map(|tier| format!(" (tier `{tier}`)")).unwrap_or_default();
        let what = match (deployed.scope, deployed.accounts) {
            (Scope::Tenant, Accounts::Own) => {
                "an account for each tenant. Requests across accounts were examined; that no two tenants share an account \
                 is looked at in the records of an assembly, and elsewhere taken from the declaration"
            }
            (Scope::Tenant, Accounts::Shared) => {
                "resources of each tenant's own, in accounts that others use too. Roles and policies were examined; \
                 if each tenant has a VPC as well, its security groups, routes and peering were not"
            }
            (Scope::Shared, _) => {
                "resources that tenants share. That a session in a tenant's name reaches that tenant's data only was \
                 examined; that code opens it in the right name is left to the application"
            }
        };
        format!("`{}`{tier}: {what}.", deployed.template)
    };
    tenancy.templates.iter().map(of).collect()
}

fn stories(proof: &Proof) -> Vec<Story> {
    let story = |(at, group): (usize, Vec<&Obligation>)| {
        let (first, rest) = group.split_first()?;
        let Verdict::Refuted(found) = &first.verdict else { return None };
        let (claim, _) = name(first.claim);
        Some(Story {
            number: at + 1,
            claim,
            sentence: sentence(&found.sentence),
            principal: first.principal.clone(),
            actions: first.actions.clone(),
            target: first.target.clone(),
            statements: found.granted_by.iter().map(|(place, sid)| statement(place, sid.as_deref())).collect(),
            should_have: sentence(&found.should_have),
            only_under: found.only_under.clone(),
            case: visible_json(&format!("{:#}", found.case)),
            more: rest
                .iter()
                .map(|asked| Also { actions: asked.actions.clone(), target: asked.target.clone() })
                .collect(),
        })
    };
    broken(proof).into_iter().enumerate().filter_map(story).collect()
}

fn statement(place: &super::policy::Place, sid: Option<&str>) -> StatementView {
    StatementView { file: place.file.clone(), pointer: place.pointer.clone(), sid: sid.unwrap_or_default().to_owned() }
}

fn obstacles(proof: &Proof) -> Vec<ObstacleView> {
    let view = |group: Vec<&Obligation>| {
        let Verdict::Unknown(obstacle) = &group.first()?.verdict else { return None };
        Some(ObstacleView {
            place: obstacle.place.as_ref().map(|place| statement(place, None)),
            reason: sentence(&obstacle.reason),
            help: sentence(&obstacle.help),
            count: group.len(),
            asked: group.iter().map(|asked| format!("{}: {}", asked.principal, asked.target)).collect(),
        })
    };
    open(proof).into_iter().filter_map(view).collect()
}

/// What was asked, by the template that holds what was asked for: the first part of what stands behind the arrow of an id.
fn parts(proof: &Proof) -> Vec<Part> {
    let mut parts: BTreeMap<&str, Vec<&Obligation>> = BTreeMap::new();
    for asked in proof.obligations.iter().filter(|asked| !is_trivial(asked)) {
        let target = asked.id.rsplit(" → ").next().unwrap_or(&asked.id);
        parts.entry(target.split('/').next().unwrap_or(target)).or_default().push(asked);
    }
    let part = |(name, mut all): (&str, Vec<&Obligation>)| {
        // The worst first, and otherwise as they came.
        all.sort_by_key(|asked| std::cmp::Reverse(asked.verdict.outcome()));
        let count = |outcome| all.iter().filter(|asked| asked.verdict.outcome() == outcome).count();
        let (refuted, unknown) = (count(Outcome::Refuted), count(Outcome::Unknown));
        let mut summary = vec![format!("{} proved", count(Outcome::Proved))];
        summary.extend((refuted > 0).then(|| format!("{refuted} refuted")));
        summary.extend((unknown > 0).then(|| format!("{unknown} unknown")));
        Part {
            name: name.to_owned(),
            summary: summary.join(", "),
            holds: refuted + unknown == 0,
            rows: all.into_iter().map(row).collect(),
        }
    };
    parts.into_iter().map(part).collect()
}

fn row(asked: &Obligation) -> Row {
    Row {
        target: asked.target.clone(),
        principal: asked.principal.clone(),
        actions: asked.actions.clone(),
        verdict: asked.verdict.outcome().as_str(),
        how: match asked.method {
            Method::NoGrant => "nothing grants it",
            Method::Symbolic => "for all ids at once",
            Method::Replay => "a request, replayed",
            Method::Comparison => "comparison",
            Method::None => "not decided",
        },
        guardrails: asked.needs_guardrails,
    }
}

fn quiet(quiet: &WithoutGrant) -> QuietView {
    let (claim, _) = name(quiet.claim);
    QuietView { claim, principal: quiet.principal.clone(), obligations: quiet.obligations }
}

/// How the answers were found, as sentences.
fn methods(proof: &Proof) -> Vec<String> {
    let count = |method| proof.obligations.iter().filter(|asked| asked.method == method).count();
    let mut said = Vec::new();
    let mut say = |count: usize, text: &str| {
        if count > 0 {
            said.push(format!("{}: {text}", plural(count as u64, "answer", "answers")));
        }
    };
    say(
        count(Method::NoGrant),
        "no statement of any policy grants the action to the principal, so there is no request to look for.",
    );
    say(
        count(Method::Symbolic),
        "decided with tenants' ids as symbols. The answer speaks for every pair of ids that the language allows, \
         those of tenants who are not customers yet among them; tenants are not enumerated.",
    );
    say(
        count(Method::Replay),
        "a concrete request was built and given to an evaluator of policies that shares no code with the search. It \
         answered that the request is allowed.",
    );
    say(count(Method::Comparison), "two documents were compared, part by part.");
    say(count(Method::None), "not decided. What is not decided is nowhere counted as proved.");
    say(
        proof.obligations.iter().filter(|asked| asked.needs_guardrails).count(),
        "found with the organization's policies. Where these are not attached, it does not hold.",
    );
    let checks: Vec<_> =
        proof.obligations.iter().filter_map(|asked| Some((asked.cross_check.as_ref()?, asked))).collect();
    if checks.is_empty() {
        said.push("No second solver was asked. `--cross-check` asks one.".to_owned());
    } else {
        let count = |wanted: &[(&str, Outcome)]| {
            let is = |check: &CrossCheck, asked: &Obligation| {
                wanted.contains(&(check.answer.as_str(), asked.verdict.outcome()))
            };
            checks.iter().filter(|(check, asked)| is(check, asked)).count()
        };
        let agreed = count(&[("unsat", Outcome::Proved), ("sat", Outcome::Refuted)]);
        let contradicted = count(&[("sat", Outcome::Proved), ("unsat", Outcome::Refuted)]);
        let mut solvers: Vec<&str> = checks.iter().map(|(check, _)| check.solver.as_str()).collect();
        solvers.sort_unstable();
        solvers.dedup();
        said.push(format!(
            "A second solver ({}) was asked about {}, and agreed about {agreed}.",
            solvers.join(", "),
            plural(checks.len() as u64, "formula", "formulas"),
        ));
        if contradicted > 0 {
            said.push(format!(
                "The two solvers contradict each other about {}. One of them is wrong; rely on nothing until it is known \
                 which.",
                plural(contradicted as u64, "formula", "formulas"),
            ));
        }
    }
    said
}

fn exceptions(tenancy: &Tenancy) -> Vec<Exception> {
    let mut all = Vec::new();
    for deployed in &tenancy.templates {
        let what = |name: &str| format!("`{name}` in `{}`", deployed.template);
        for (name, owner) in &deployed.owners {
            let (kind, reason) = match owner {
                Owner::Application { reason, .. } => ("tenants' data that code keeps apart", reason),
                Owner::Services { reason } => ("key that services use for tenants", reason),
                Owner::Platform { reason } => ("holds no tenant's data", reason),
                Owner::Tenant
                | Owner::PartitionKey { .. }
                | Owner::ObjectKey { .. }
                | Owner::EncryptionContext { .. } => continue,
            };
            all.push(Exception { what: what(name), kind, reason: reason.clone() });
        }
        for (name, actor) in &deployed.roles {
            match actor {
                Actor::Platform { reason } => all.push(Exception {
                    what: what(name),
                    kind: "role that acts for the product",
                    reason: reason.clone(),
                }),
                Actor::Session { minted_by, ids_checked_by } => {
                    let checked = ids_checked_by.as_ref().map(|why| format!("; that the tag is an id: {why}"));
                    all.push(Exception {
                        what: what(name),
                        kind: "role for sessions of any tenant",
                        reason: format!(
                            "opened by {}, whose code must know which tenant it is{}",
                            minted_by.join(", "),
                            checked.unwrap_or_default()
                        ),
                    });
                }
                Actor::Tenant => {}
            }
        }
    }
    all
}

/// With a capital and a period: findings are written without.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let mut sentence: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    sentence.push_str(characters.as_str());
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}

/// A helper that shows its argument through a function which escapes it.
fn helper(
    show: impl Fn(&str) -> String + Send + Sync,
) -> impl Fn(&Helper<'_>, &Handlebars<'_>, &Context, &mut RenderContext<'_, '_>, &mut dyn Output) -> HelperResult + Send + Sync
{
    move |helper, _, _, _, out| {
        let text = helper.param(0).and_then(|parameter| parameter.value().as_str()).unwrap_or_default();
        out.write(&show(text))?;
        Ok(())
    }
}

/// Text in which what stands between backticks is code.
fn prose(text: &str, plain: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    let closed = pieces.len() % 2 == 1;
    let mut shown = String::with_capacity(text.len() + 16);
    for (at, piece) in pieces.iter().enumerate() {
        match at % 2 {
            1 if closed || at + 1 < pieces.len() => shown.push_str(&code(piece)),
            // A backtick that nothing closes is a backtick.
            1 => shown.push_str(&plain(&format!("`{piece}"))),
            _ => shown.push_str(&plain(piece)),
        }
    }
    shown
}

/// Whether a character is not seen, or makes others appear elsewhere.
fn is_hidden(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text with hidden characters written out.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The same for JSON, which stays the same JSON: such characters stand in strings only, and all are in the first plane.
fn visible_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if is_hidden(character) {
            shown.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

fn html_text(text: &str) -> String {
    html_escape(&visible(text))
}

fn html_code(text: &str) -> String {
    format!("<code>{}</code>", html_text(text))
}

/// Text that means itself in Markdown, in tables too.
fn markdown_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    if text.starts_with(['-', '+']) {
        shown.push('\\');
    }
    for character in visible(text).chars() {
        match character {
            '\n' => shown.push(' '),
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => {
                shown.push('\\');
                shown.push(character);
            }
            other => shown.push(other),
        }
    }
    shown
}

/// A code span, in tables too.
fn markdown_code(text: &str) -> String {
    let text = visible(text).replace('\n', " ").replace('|', "\\|");
    if text.trim().is_empty() {
        return String::new();
    }
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

#[cfg(test)]
mod tests;
