//! Who may ask: everybody who is not the owner.

use std::collections::{BTreeMap, BTreeSet};

use super::actions::means;
use super::automaton::Shape;
use super::policy::{Effect, Principal};
use super::question::{Known, Standing};
use super::tenancy::{Actor, Tenancy};
use super::text::Text;
use super::world::{Instance, Role, Side, World};

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    /// A name for evidence: `basic-cell/OrderServiceSessionRole/tenant`.
    pub id: String,
    /// Who it is, in plain words: "a session of tenant A in role `OrderServiceSessionRole`".
    pub words: String,
    /// The role, by instance and place in it; none of somebody from outside.
    pub role: Option<(usize, usize)>,
    /// What kind of asker it is.
    pub kind: Kind,
    /// The account, if there is one.
    pub account: Option<Text>,
    /// The service's name.
    pub service: Option<String>,
    /// What is known of the keys that describe the asker, by name in lower case.
    pub keys: BTreeMap<String, Known>,
    /// Whether principal tags that are not in `keys` may be anything; otherwise they are not there.
    pub any_tags: bool,
}

/// Kinds of askers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// For tenant A.
    Tenant,
    /// For the product, or for nobody.
    Role,
    /// Somebody whose account is none of these.
    Foreign,
    /// A service, on behalf of somebody else.
    Service,
    /// Nobody that AWS knows.
    Anonymous,
}

impl Asker {
    /// How the asker stands to a resource of an account.
    #[must_use]
    pub fn standing(&self, account: &str) -> Standing {
        match self.kind {
            Kind::Tenant | Kind::Role if self.account.as_deref() == Some(account) => Standing::Own,
            Kind::Tenant | Kind::Role => Standing::Other,
            Kind::Foreign => Standing::Foreign,
            Kind::Service => Standing::Service,
            Kind::Anonymous => Standing::Anonymous,
        }
    }

    /// Whether a request carries a key that nothing is known of.
    #[must_use]
    pub fn carries(&self, key: &str) -> bool {
        if key.starts_with("aws:principaltag/") { self.any_tags } else { true }
    }
}

/// The tag's key in conditions.
pub(super) fn principal_tag(tag: &str) -> String {
    format!("aws:principaltag/{}", tag.to_ascii_lowercase())
}

/// For whom a role acts. A role of a shared stack that nobody declared acts for nobody.
#[must_use]
pub fn actor<'a>(tenancy: &'a Tenancy, instance: &Instance, role: &Role) -> Option<&'a Actor> {
    tenancy.templates.get(instance.deployed)?.roles.get(&role.logical_id)
}

/// Everybody who may ask, without the sessions that depend on what minting allows; those are made with [`session`].
#[must_use]
pub fn askers(world: &mut World, tenancy: &Tenancy) -> Vec<Asker> {
    let mut askers = Vec::new();
    for (at, instance) in world.instances.iter().enumerate() {
        if matches!(instance.side, Side::OtherCell | Side::Owner) {
            continue;
        }
        for (role_at, role) in instance.roles.iter().enumerate() {
            let tenant = match actor(tenancy, instance, role) {
                Some(Actor::Session { .. }) => continue,
                Some(Actor::Tenant) => true,
                Some(Actor::Platform { .. }) => false,
                None => instance.side == Side::Asker,
            };
            let words = if tenant {
                format!("role `{}` of tenant A", role.logical_id)
            } else {
                format!("role `{}`", role.logical_id)
            };
            let kind = if tenant { Kind::Tenant } else { Kind::Role };
            askers.push(of_role(instance, role, (at, role_at), kind, "role", words, tenancy));
        }
    }
    askers.extend(outsiders(world, tenancy));
    askers
}

fn of_role(
    instance: &Instance,
    role: &Role,
    at: (usize, usize),
    kind: Kind,
    suffix: &str,
    words: String,
    tenancy: &Tenancy,
) -> Asker {
    let mut keys: BTreeMap<String, Known> =
        role.tags.iter().map(|(tag, value)| (principal_tag(tag), Known::Is(value.clone()))).collect();
    keys.insert("aws:principalarn".to_owned(), Known::Is(role.arn.clone()));
    keys.insert("aws:principalaccount".to_owned(), Known::Is(instance.stack.account.clone()));
    keys.insert("kms:calleraccount".to_owned(), Known::Is(instance.stack.account.clone()));
    keys.insert("aws:principalisawsservice".to_owned(), Known::Is("false".to_owned()));
    let kind_of_principal = if role.trust.is_some() { "AssumedRole" } else { "User" };
    keys.insert("aws:principaltype".to_owned(), Known::Is(kind_of_principal.to_owned()));
    if role.trust.is_some() {
        // Only users have names:
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-infotouse
        keys.insert("aws:username".to_owned(), Known::Absent);
    }
    if let Some(organization) = &tenancy.organization {
        keys.insert("aws:principalorgid".to_owned(), Known::Is(organization.clone()));
    }
    if role.is_for_functions() {
        // Lambda adds the function's ARN to what the function's code asks:
        // https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
        let shapes = vec![Shape::starting("arn:")];
        keys.insert("lambda:sourcefunctionarn".to_owned(), Known::Among { optional: false, shapes });
    }
    // Whoever may open sessions with tags may override the role's own.
    let any_tags = role.takes_tags(&|statement, action| means(statement, action));
    if any_tags {
        keys.retain(|key, _| !key.starts_with("aws:principaltag/"));
    }
    Asker {
        id: format!("{}/{}/{suffix}", instance.name, role.logical_id),
        words,
        role: Some(at),
        kind,
        account: Some(instance.stack.account.clone()),
        service: None,
        keys,
        any_tags,
    }
}

/// A session of a role that acts for the tenant in its tag: tenant A's, or one without a tag. `other_tags` are tags that
/// whoever opens sessions may choose beside it.
#[must_use]
pub fn session(
    world: &World,
    tenancy: &Tenancy,
    at: (usize, usize),
    tagged: bool,
    other_tags: &BTreeSet<String>,
) -> Option<Asker> {
    let instance = world.instances.get(at.0)?;
    let role = instance.roles.get(at.1)?;
    let (suffix, words, kind) = if tagged {
        ("tenant", format!("a session of tenant A in role `{}`", role.logical_id), Kind::Tenant)
    } else {
        ("untagged", format!("a session without a tenant in role `{}`", role.logical_id), Kind::Role)
    };
    let mut asker = of_role(instance, role, at, kind, suffix, words, tenancy);
    asker.any_tags = false;
    for (tag, value) in &role.tags {
        asker.keys.insert(principal_tag(tag), Known::Is(value.clone()));
    }
    for tag in other_tags {
        asker.keys.insert(principal_tag(tag), Known::free());
    }
    if tagged {
        asker.keys.insert(principal_tag(&tenancy.tag), Known::Is(world.asker.to_string()));
    }
    Some(asker)
}

/// The role that opens sessions in tenants' names.
#[must_use]
pub(super) fn minter(world: &World, tenancy: &Tenancy, at: (usize, usize)) -> Option<Asker> {
    let instance = world.instances.get(at.0)?;
    let role = instance.roles.get(at.1)?;
    let words = format!("role `{}`", role.logical_id);
    Some(of_role(instance, role, at, Kind::Role, "role", words, tenancy))
}

/// Those who have no role in any template.
fn outsiders(world: &mut World, tenancy: &Tenancy) -> Vec<Asker> {
    let mut services: BTreeSet<String> = world
        .instances
        .iter()
        .flat_map(|instance| {
            let trusts = instance.roles.iter().filter_map(|role| role.trust.as_ref());
            instance.policies.values().flatten().chain(trusts)
        })
        .flat_map(|shipped| &shipped.document.statements)
        .filter(|statement| statement.effect == Effect::Allow)
        .filter_map(|statement| statement.principals.as_ref())
        .flat_map(|principals| &principals.values)
        .filter_map(|principal| match principal {
            Principal::Service(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    // A policy for everybody is for services that it does not name, too.
    services.insert("another-service.amazonaws.com".to_owned());
    let foreign = world.foreign_account().to_string();
    let is = |text: &str| Known::Is(text.to_owned());
    // Nobody from outside chooses what AWS says about an account and its organization; everything else is theirs.
    let outside = |id: &str, words: &str, organization: Known| {
        let arn = Shape::starting(&format!("arn:aws:iam::{foreign}:"));
        Asker {
            id: id.to_owned(),
            words: words.to_owned(),
            role: None,
            kind: Kind::Foreign,
            account: Some(foreign.clone()),
            service: None,
            keys: BTreeMap::from([
                ("aws:principalarn".to_owned(), Known::Among { optional: false, shapes: vec![arn] }),
                ("aws:principalaccount".to_owned(), is(&foreign)),
                ("kms:calleraccount".to_owned(), is(&foreign)),
                ("aws:principalisawsservice".to_owned(), is("false")),
                ("aws:principalorgid".to_owned(), organization),
            ]),
            any_tags: true,
        }
    };
    let others = other_organizations(world, tenancy);
    let mut shapes: Vec<Shape> = others.iter().map(|id| Shape::text(id)).collect();
    shapes.push(match &tenancy.organization {
        Some(_) => Shape::text("o-somebodyelse"),
        // Which organization is the product's own nobody said; the caller's may be any.
        None => Shape::any(),
    });
    let elsewhere = Known::Among { optional: true, shapes };
    let mut askers = vec![outside(
        "outside/account",
        "a principal of an account outside the organization, with tags of its own choice",
        elsewhere.clone(),
    )];
    if let Some(organization) = &tenancy.organization {
        askers.push(outside(
            "outside/sibling",
            "a principal of another account of the organization, with tags of its own choice",
            is(organization),
        ));
    }
    for service in services {
        // The service acts for a resource in an account that is none of these: the confused deputy.
        let account = Known::Among { optional: true, shapes: vec![Shape::text(&foreign)] };
        askers.push(Asker {
            id: format!("outside/{service}"),
            words: format!("`{service}` on behalf of somebody else"),
            role: None,
            kind: Kind::Service,
            account: None,
            service: Some(service.clone()),
            keys: BTreeMap::from([
                ("aws:principalisawsservice".to_owned(), is("true")),
                ("aws:principalservicename".to_owned(), is(&service)),
                ("aws:principalarn".to_owned(), Known::Absent),
                ("aws:principalaccount".to_owned(), Known::Absent),
                ("aws:principalorgid".to_owned(), Known::Absent),
                ("aws:sourceaccount".to_owned(), account),
                ("aws:sourcearn".to_owned(), Known::Among { optional: true, shapes: sources(&foreign) }),
                ("aws:sourceorgid".to_owned(), elsewhere.clone()),
            ]),
            any_tags: false,
        });
    }
    askers.push(Asker {
        id: "outside/anonymous".to_owned(),
        words: "somebody without credentials".to_owned(),
        role: None,
        kind: Kind::Anonymous,
        account: None,
        service: None,
        keys: BTreeMap::from([
            ("aws:principalisawsservice".to_owned(), is("false")),
            ("aws:principaltype".to_owned(), is("Anonymous")),
            ("aws:principalarn".to_owned(), Known::Absent),
            ("aws:principalaccount".to_owned(), Known::Absent),
            ("aws:principalorgid".to_owned(), Known::Absent),
        ]),
        any_tags: false,
    });
    askers
}

/// Organizations that policies name beside the product's own: their accounts are somebody else's.
fn other_organizations(world: &World, tenancy: &Tenancy) -> BTreeSet<String> {
    let of_instances = world.instances.iter().flat_map(|instance| {
        let of_roles = instance.roles.iter().flat_map(|role| role.identity.iter().chain(&role.trust));
        instance.policies.values().flatten().chain(of_roles)
    });
    let organization = world.guardrails.iter().flat_map(|(scps, rcps)| scps.iter().chain(rcps));
    of_instances
        .chain(organization)
        .flat_map(|shipped| &shipped.document.statements)
        .flat_map(|statement| &statement.conditions)
        .filter(|condition| condition.key.to_ascii_lowercase().ends_with("orgid"))
        .flat_map(|condition| &condition.values)
        .filter(|value| value.starts_with("o-") && Some(*value) != tenancy.organization.as_ref())
        .filter(|value| !value.contains(['*', '?', '$']))
        .cloned()
        .collect()
}

/// ARNs of resources in somebody else's account, of whatever service; buckets have no account in theirs.
fn sources(foreign: &str) -> Vec<Shape> {
    use super::automaton::Part;
    use super::text::CharSet;
    let no_colon = CharSet::of(|character| character != ':' && !character.is_ascii_control(), false);
    let mut shape: Vec<Part> = "arn:aws:".chars().map(Part::Char).collect();
    shape.push(Part::Many(no_colon));
    shape.push(Part::Char(':'));
    shape.push(Part::Many(no_colon));
    shape.push(Part::Char(':'));
    shape.extend(foreign.chars().map(Part::Char));
    shape.push(Part::Char(':'));
    shape.push(Part::Many(CharSet::ALL));
    vec![Shape(shape), Shape::starting("arn:aws:s3:::somebody-elses-bucket")]
}
