//! A preview as one file of HTML that needs nothing else: style, script and picture are in it, and its content security
//! policy lets nothing else in. All of it can be read without the script; the script filters, sorts and opens.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use handlebars::{Handlebars, RenderError};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::diagram::{changed, diagram, escape, kind_words, row_id, stem};
use super::document::{FactChange, Preview, ResourceView, Sharing, StackView};
use super::shown::apart;
use super::{boundary_words, verdict_words};
use crate::diagnostics::Severity;
use crate::diff::{Access, Data};

const PAGE: &str = include_str!("page/page.html.hbs");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// A finding, as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The finding's code.
    pub code: String,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The sentence.
    pub message: String,
    /// Where it is: `blueprint.yaml:12:5`.
    pub place: String,
    /// What to do.
    pub help: Vec<String>,
}

impl Notice {
    /// A finding, with its place in words.
    #[must_use]
    pub fn new(finding: &crate::diagnostics::Diagnostic, place: String) -> Self {
        Self {
            code: finding.code.name.to_owned(),
            severity: match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: finding.message.clone(),
            place,
            help: finding.help.clone(),
        }
    }
}

/// What a page shows beside the preview.
#[derive(Debug, Clone, Default)]
pub struct Frame<'a> {
    /// The tenant that was asked for.
    pub tenant: &'a str,
    /// What is wrong now.
    pub notices: &'a [Notice],
    /// Whether the preview is of an earlier state, because there is none of this one.
    pub stale: bool,
    /// The version of what is shown, on a page that asks its server for newer ones.
    pub version: Option<u64>,
}

/// The page.
///
/// # Errors
/// Never for the template that is part of the program; its tests see to that.
pub fn page(preview: Option<&Preview>, frame: &Frame<'_>) -> Result<String, RenderError> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(escape);
    handlebars.render_template(PAGE, &View::of(preview, frame))
}

/// The content security policy of the page: its own style and script by their digests, requests to its own server only, and
/// those only where it has one.
#[must_use]
pub fn content_security_policy(served: bool) -> String {
    let connect = if served { "'self'" } else { "'none'" };
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src {connect}; img-src data:; \
         base-uri 'none'; form-action 'none'",
        base64(&Sha256::digest(STYLE)),
        base64(&Sha256::digest(SCRIPT))
    )
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for place in 0..4 {
            let letter = usize::try_from(bits >> (18 - 6 * place) & 63).ok().and_then(|at| LETTERS.get(at));
            text.push(if place <= group.len() { letter.map_or('=', |letter| char::from(*letter)) } else { '=' });
        }
    }
    text
}

/// What the template shows.
#[derive(Debug, Serialize)]
struct View {
    title: String,
    style: &'static str,
    script: &'static str,
    policy: String,
    version: Option<u64>,
    stale: bool,
    notices: Vec<Notice>,
    tenant: Option<TenantView>,
}

/// A word with what it means for its look: `good`, `open`, `bad`, `own`, `shared`, `plain`.
#[derive(Debug, Serialize)]
struct Badge {
    class: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct TenantView {
    id: String,
    name: Option<String>,
    product: String,
    badges: Vec<Badge>,
    facts: Vec<Pair>,
    diagram: Option<String>,
    stacks: Vec<StackRows>,
    resources: usize,
    types: Vec<String>,
    changes: Option<ChangesView>,
    live: Option<Vec<LiveView>>,
    quotas: Vec<QuotaView>,
    entitlements: Vec<Pair>,
    guardrails: Vec<PolicyView>,
    claims: Vec<super::ClaimView>,
    evidence: String,
    tags: Vec<Pair>,
}

#[derive(Debug, Serialize)]
struct StackRows {
    id: String,
    name: String,
    class: &'static str,
    whose: String,
    place: String,
    template: String,
    digest: String,
    after: Vec<String>,
    parameters: Vec<Pair>,
    tags: Vec<Pair>,
    outputs: Vec<OutputRow>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct OutputRow {
    name: String,
    about: String,
    value: String,
    known: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    label: String,
    logical_id: String,
    component: String,
    kind: String,
    kind_words: String,
    name: String,
    name_known: bool,
    arn: String,
    stateful: bool,
    whose: &'static str,
    owner: String,
    deletion: String,
    changed: &'static str,
    badge: Option<Badge>,
    effects: Vec<Badge>,
    properties: String,
    changes: Vec<ValueChange>,
    links: Vec<Link>,
}

/// Something that leads to another resource, or from it.
#[derive(Debug, Serialize)]
struct Link {
    words: String,
    row: String,
    label: String,
}

#[derive(Debug, Serialize)]
struct ValueChange {
    what: String,
    old: String,
    new: String,
}

#[derive(Debug, Serialize)]
struct ChangesView {
    against: String,
    empty: bool,
    new: bool,
    facts: Vec<ValueChange>,
    policies: Vec<ValueChange>,
    stacks: Vec<StackChangeView>,
}

#[derive(Debug, Serialize)]
struct StackChangeView {
    badge: Badge,
    name: String,
    facts: Vec<ValueChange>,
    resources: Vec<ChangeRow>,
}

#[derive(Debug, Serialize)]
struct ChangeRow {
    badge: Badge,
    effects: Vec<Badge>,
    label: String,
    kind: String,
    row: Option<String>,
    properties: Vec<ValueChange>,
}

#[derive(Debug, Serialize)]
struct LiveView {
    name: String,
    problem: Option<String>,
    note: Option<String>,
    words: String,
    changes: Vec<LiveRow>,
}

#[derive(Debug, Serialize)]
struct LiveRow {
    badge: Badge,
    label: String,
    kind: String,
    properties: String,
}

#[derive(Debug, Serialize)]
struct QuotaView {
    what: String,
    value: String,
    unit: String,
    class: &'static str,
    whose: &'static str,
    row: Option<String>,
    source: String,
}

#[derive(Debug, Serialize)]
struct PolicyView {
    kind: String,
    path: String,
    suspended: bool,
    statements: Vec<StatementRow>,
}

#[derive(Debug, Serialize)]
struct StatementRow {
    sid: String,
    effect: String,
    summary: String,
}

impl View {
    fn of(preview: Option<&Preview>, frame: &Frame<'_>) -> Self {
        let tenant = preview.map(TenantView::of);
        let named = tenant.as_ref().map(|tenant| match &tenant.name {
            Some(name) => format!("{name} ({})", tenant.id),
            None => tenant.id.clone(),
        });
        Self {
            title: named.unwrap_or_else(|| frame.tenant.to_owned()),
            style: STYLE,
            script: SCRIPT,
            policy: content_security_policy(frame.version.is_some()),
            version: frame.version,
            stale: frame.stale && tenant.is_some(),
            notices: frame.notices.to_vec(),
            tenant,
        }
    }
}

impl TenantView {
    fn of(preview: &Preview) -> Self {
        let tenant = &preview.tenant;
        let rows = Rows::of(preview);
        let mut types: Vec<String> =
            preview.stacks.iter().flat_map(|stack| &stack.resources).map(|resource| resource.kind.clone()).collect();
        types.sort_unstable();
        types.dedup();
        Self {
            id: tenant.id.clone(),
            name: tenant.name.clone(),
            product: format!("{} · {}", preview.blueprint, preview.environment),
            badges: badges(preview),
            facts: facts(preview),
            diagram: diagram(preview),
            resources: preview.stacks.iter().map(|stack| stack.resources.len()).sum(),
            stacks: preview.stacks.iter().enumerate().map(|(at, stack)| rows.stack(at, stack)).collect(),
            types,
            changes: preview.changes.as_ref().map(|changes| rows.changes(changes)),
            live: preview.live.as_ref().map(|live| live.iter().map(live_view).collect()),
            quotas: preview.quotas.iter().map(|quota| rows.quota(quota)).collect(),
            entitlements: preview
                .entitlements
                .iter()
                .map(|(name, value)| Pair { name: name.clone(), value: plain(value) })
                .collect(),
            guardrails: preview
                .guardrails
                .iter()
                .map(|policy| PolicyView {
                    kind: policy.kind.to_uppercase(),
                    path: policy.path.clone(),
                    suspended: policy.suspended,
                    statements: policy
                        .statements
                        .iter()
                        .map(|statement| StatementRow {
                            sid: statement.sid.clone().unwrap_or_default(),
                            effect: statement.effect.clone(),
                            summary: statement.summary.clone(),
                        })
                        .collect(),
                })
                .collect(),
            claims: preview.evidence.claims.clone(),
            evidence: verdict_words(preview.evidence.verdict).to_owned(),
            tags: pairs(&tenant.tags),
        }
    }
}

fn badge(class: &'static str, text: impl Into<String>) -> Badge {
    Badge { class, text: text.into() }
}

fn badges(preview: &Preview) -> Vec<Badge> {
    use crate::assembly::{State, Verdict};
    let tenant = &preview.tenant;
    let mut badges = vec![
        badge("plain", format!("tier {}", tenant.tier)),
        badge("plain", tenant.isolation.as_str()),
        match tenant.state {
            State::Active => badge("good", "active"),
            State::Suspended => badge("open", "suspended"),
        },
    ];
    if tenant.legal_hold {
        badges.push(badge("open", "legal hold"));
    }
    badges.push(match preview.evidence.verdict {
        Verdict::Proved => badge("good", "isolation proved"),
        Verdict::Refuted => badge("bad", "isolation refuted"),
        Verdict::Unknown => badge("open", "isolation unknown"),
        Verdict::NotProved => badge("plain", "not proved here"),
    });
    badges
}

fn facts(preview: &Preview) -> Vec<Pair> {
    let (tenant, place) = (&preview.tenant, &preview.placement);
    let pair = |name: &str, value: String| Pair { name: name.to_owned(), value };
    let own = preview.stacks.iter().filter(|stack| stack.sharing == Sharing::Siloed).count();
    let room = place.cell_capacity.map(|most| format!(" of {most}")).unwrap_or_default();
    vec![
        pair("Kept apart by", boundary_words(tenant.isolation, tenant.boundary).to_owned()),
        pair("Cell", format!("{}, {}{room} tenants", place.cell, place.cell_tenants)),
        pair("Account", place.account.clone().unwrap_or_else(|| "none yet".to_owned())),
        pair("Region", place.region.clone()),
        pair("Placed by", format!("{}: {}", place.strategy, place.reason)),
        pair("Stacks", format!("{} shared, {own} its own", preview.stacks.len() - own)),
    ]
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<Pair> {
    map.iter().map(|(name, value)| Pair { name: name.clone(), value: value.clone() }).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The most characters of a value that changes. All of a new value is among the properties.
const VALUE: usize = 240;

fn value_change(what: &str, old: Option<&Value>, new: Option<&Value>) -> ValueChange {
    let value = |value: Option<&Value>| value.map_or_else(|| "—".to_owned(), plain);
    let (was, is) = apart(&value(old), &value(new), VALUE);
    // What it refers to is replaced: the same words stand for another value.
    let is = if old == new { "the same, of what takes the place of what is replaced".to_owned() } else { is };
    ValueChange { what: what.to_owned(), old: was, new: is }
}

fn fact_change(fact: &FactChange) -> ValueChange {
    value_change(&fact.what, fact.old.as_ref(), fact.new.as_ref())
}

/// What happens to a resource, as a badge. The sign says it without the colour.
fn change_badge(word: &str) -> Badge {
    match word {
        "added" => badge("good", "+ added"),
        "removed" => badge("bad", "− removed"),
        "replaced" => badge("bad", "! replaced"),
        "may be replaced" | "may-be-replaced" => badge("open", "~ may be replaced"),
        "imported" => badge("good", "+ imported"),
        "undecided" => badge("open", "? undecided"),
        _ => badge("open", "~ updated"),
    }
}

/// What a change does beside what its word says.
fn effects(change: &crate::diff::ResourceChange) -> Vec<Badge> {
    let data = match change.data {
        Data::Stays => None,
        Data::LeftBehind => Some(badge("open", "data left behind")),
        Data::MayBeLost => Some(badge("bad", "data may be lost")),
        Data::Lost => Some(badge("bad", "data lost")),
    };
    let access = match change.access {
        Access::Same => None,
        Access::Narrowed => Some(badge("good", "access narrowed")),
        Access::Undecided => Some(badge("open", "access differs")),
        Access::Broadened => Some(badge("bad", "access broadened")),
    };
    let taken = change.name_taken.then(|| badge("bad", "refused: name taken"));
    data.into_iter().chain(taken).chain(access).collect()
}

fn live_view(live: &super::live::LiveStack) -> LiveView {
    LiveView {
        name: live.name.clone(),
        problem: live.problem.clone(),
        note: live.note(),
        words: match (live.exists, live.changes.len()) {
            (_, 0) => "nothing to change".to_owned(),
            (false, count) => format!("created, {count} resources"),
            (true, 1) => "1 change".to_owned(),
            (true, count) => format!("{count} changes"),
        },
        changes: live
            .changes
            .iter()
            .map(|change| LiveRow {
                badge: change_badge(change.words()),
                label: change.logical_id.clone(),
                kind: kind_words(&change.kind),
                properties: change.properties.join(", "),
            })
            .collect(),
    }
}

/// Where the rows of resources are.
struct Rows<'a> {
    preview: &'a Preview,
    known: BTreeMap<(&'a str, &'a str), String>,
}

impl<'a> Rows<'a> {
    fn of(preview: &'a Preview) -> Self {
        let known = preview.stacks.iter().enumerate().flat_map(|(at, stack)| {
            stack.resources.iter().enumerate().map(move |(number, resource)| {
                ((stack.name.as_str(), resource.logical_id.as_str()), row_id(at, number))
            })
        });
        Self { preview, known: known.collect() }
    }

    fn row(&self, stack: &str, id: &str) -> Option<String> {
        self.known.get(&(stack, id)).cloned()
    }

    fn stack(&self, at: usize, stack: &StackView) -> StackRows {
        let (class, whose) = match (stack.sharing, stack.tenants) {
            (Sharing::Siloed, _) => ("own", "the tenant’s own".to_owned()),
            (Sharing::Pooled, 1) => ("shared", "shared, by this tenant alone so far".to_owned()),
            (Sharing::Pooled, many) => ("shared", format!("shared by {many} tenants")),
        };
        StackRows {
            id: format!("s-{at}"),
            name: stack.name.clone(),
            class,
            whose,
            place: format!("{}, {}", stack.account.as_deref().unwrap_or("no account yet"), stack.region),
            template: stack.template.clone(),
            digest: stack.sha256.get(..12).unwrap_or_default().to_owned(),
            after: stack.depends_on.clone(),
            parameters: pairs(&stack.parameters),
            tags: pairs(&stack.tags),
            outputs: stack
                .outputs
                .iter()
                .map(|output| OutputRow {
                    name: output.name.clone(),
                    about: output.description.clone().unwrap_or_default(),
                    value: output.value.text.clone(),
                    known: output.value.known,
                })
                .collect(),
            rows: stack
                .resources
                .iter()
                .enumerate()
                .map(|(number, resource)| self.resource(row_id(at, number), stack, resource))
                .collect(),
        }
    }

    fn resource(&self, id: String, stack: &StackView, resource: &ResourceView) -> Row {
        let change = self
            .preview
            .changes
            .as_ref()
            .and_then(|changes| changes.stacks.iter().find(|change| change.name == stack.name))
            .and_then(|change| change.resources.iter().find(|change| change.logical_id == resource.logical_id));
        let word = changed(self.preview, stack, resource);
        Row {
            label: stem(&resource.logical_id).to_owned(),
            logical_id: resource.logical_id.clone(),
            component: resource.component.clone().unwrap_or_default(),
            kind: resource.kind.clone(),
            kind_words: kind_words(&resource.kind),
            name: resource.name.as_ref().map(|name| name.text.clone()).unwrap_or_default(),
            name_known: resource.name.as_ref().is_some_and(|name| name.known),
            arn: resource.arn.as_ref().map(|arn| arn.text.clone()).unwrap_or_default(),
            stateful: resource.stateful,
            whose: resource.owner.whose.as_str(),
            owner: resource.owner.words.clone(),
            deletion: resource.deletion_policy.clone(),
            changed: word.unwrap_or_default(),
            badge: word.map(change_badge),
            effects: change.map(effects).unwrap_or_default(),
            properties: serde_json::to_string_pretty(&resource.properties).unwrap_or_default(),
            changes: change
                .into_iter()
                .flat_map(|change| &change.properties)
                .map(|property| value_change(&property.path, property.old.as_ref(), property.new.as_ref()))
                .collect(),
            links: self.links(stack, resource),
            id,
        }
    }

    fn links(&self, stack: &StackView, resource: &ResourceView) -> Vec<Link> {
        let is = |end: &super::End| end.stack == stack.name && end.logical_id == resource.logical_id;
        let link = |words: String, end: &super::End| {
            let row = self.row(&end.stack, &end.logical_id)?;
            Some(Link { words, row, label: stem(&end.logical_id).to_owned() })
        };
        let flow = &self.preview.flow;
        let out = flow.iter().filter(|edge| is(&edge.from)).filter_map(|edge| link(edge.what.clone(), &edge.to));
        let into = flow
            .iter()
            .filter(|edge| is(&edge.to))
            .filter_map(|edge| link(format!("({}) from", edge.what), &edge.from));
        out.chain(into).collect()
    }

    fn changes(&self, changes: &super::Changes) -> ChangesView {
        ChangesView {
            against: changes.against.clone(),
            empty: changes.is_empty(),
            new: changes.new,
            facts: changes.facts.iter().map(fact_change).collect(),
            policies: changes.guardrails.iter().map(fact_change).collect(),
            stacks: changes
                .stacks
                .iter()
                .map(|stack| StackChangeView {
                    badge: change_badge(stack.action.as_str()),
                    name: stack.name.clone(),
                    facts: stack.facts.iter().map(fact_change).collect(),
                    resources: stack
                        .resources
                        .iter()
                        .map(|change| ChangeRow {
                            badge: change_badge(
                                serde_json::to_value(change.action)
                                    .ok()
                                    .as_ref()
                                    .and_then(Value::as_str)
                                    .unwrap_or_default(),
                            ),
                            effects: effects(change),
                            label: stem(&change.logical_id).to_owned(),
                            kind: kind_words(&change.kind),
                            row: self.row(&stack.name, &change.logical_id),
                            properties: change
                                .properties
                                .iter()
                                .map(|property| {
                                    value_change(&property.path, property.old.as_ref(), property.new.as_ref())
                                })
                                .collect(),
                        })
                        .collect(),
                })
                .collect(),
        }
    }

    fn quota(&self, quota: &super::Quota) -> QuotaView {
        let (class, whose) = match quota.sharing {
            Sharing::Siloed => ("own", "its own"),
            Sharing::Pooled => ("shared", "shared"),
        };
        QuotaView {
            what: quota.what.clone(),
            value: quota.value.clone(),
            unit: quota.unit.clone(),
            class,
            whose,
            row: self.row(&quota.stack, &quota.logical_id),
            source: format!("{} {}", stem(&quota.logical_id), quota.property),
        }
    }
}
