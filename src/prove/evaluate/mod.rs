//! One concrete request against all policies that bear on it: the second opinion on what the symbolic engine finds.
//!
//! It shares the reader of policy documents with the engine and nothing else: no symbol, no automaton, wildcards and
//! operators of its own. `docs/proof-semantics.md` says for each rule where AWS documents it and which test holds it.

mod case;
mod condition;
mod pattern;
mod reading;
mod session;

use std::collections::{BTreeMap, BTreeSet};

pub use case::Unreadable;
pub use reading::Reading;
pub use session::{SessionTags, is_tag_value};

use super::policy::{Document, Effect, Only, Place, Principal, Statement};
use condition::Scope;
use pattern::{Pattern, Reach, has_early_variable};
use reading::{Choice, Choices, Needs, fewest};

/// One request, and all policies that bear on it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What people call it.
    pub name: String,
    /// The request.
    pub request: Request,
    /// The caller's own policies.
    pub identity: Vec<Named>,
    /// The caller's permissions boundary.
    pub boundaries: Vec<Named>,
    /// The session's policy.
    pub session: Option<Named>,
    /// Service control policies over the caller's account, from the root to the account. None if the account is in no
    /// organization that is known, or is its management account.
    pub scps: Vec<Level>,
    /// Resource control policies over the resource's account. `RCPFullAWSAccess` cannot be detached and need not be here.
    pub rcps: Vec<Level>,
    /// The resource's policy: of a role its trust policy, of a key its key policy.
    pub resource: Option<Named>,
    /// Policies of the VPC endpoint that the request takes.
    pub endpoint: Vec<Named>,
}

/// A policy document with a name.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its statements.
    pub document: Document,
    /// The same as JSON, for other evaluators.
    pub text: serde_json::Value,
}

/// A place in the organization, and what is attached there.
#[derive(Debug, Clone)]
pub struct Level {
    /// The root, an organizational unit or an account.
    pub target: String,
    /// The policies. Where only refusals of our own are attached, the service control policy `FullAWSAccess` is too.
    pub policies: Vec<Named>,
}

/// A request as AWS sees it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Who asks.
    pub principal: Caller,
    /// The action: `s3:GetObject`.
    pub action: String,
    /// The resource's ARN, or `*` for actions without one.
    pub resource: String,
    /// The account that the resource is in.
    pub resource_account: String,
    /// The keys of the request, as given; nothing is derived from the principal. Case does not count in their names.
    pub context: BTreeMap<String, Values>,
}

/// What a key of a request holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// A key with one value.
    One(String),
    /// A key that may have many.
    Many(Vec<String>),
}

impl Values {
    /// A set without members is as good as no key.
    fn is_nothing(&self) -> bool {
        matches!(self, Self::Many(values) if values.is_empty())
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let values = match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        };
        values.iter().map(String::as_str)
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A role, or a session of it.
    Role {
        /// The role's ARN.
        arn: String,
        /// The session's ARN, which policies may name as well.
        session_arn: Option<String>,
        /// The role's account.
        account: String,
    },
    /// A user.
    User {
        /// Its ARN.
        arn: String,
        /// Its account.
        account: String,
    },
    /// An account's root user, who may do everything that its organization lets it.
    Root {
        /// The account.
        account: String,
    },
    /// An AWS service in its own name, by domain name.
    Service(String),
    /// Somebody with a token of an identity provider.
    Federated {
        /// The provider: its ARN or domain name.
        provider: String,
    },
    /// Somebody without credentials.
    Anonymous,
}

impl Caller {
    /// The caller's account, if it has one.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Role { account, .. } | Self::User { account, .. } | Self::Root { account } => Some(account),
            Self::Service(_) | Self::Federated { .. } | Self::Anonymous => None,
        }
    }

    /// Whether it is a role that AWS made for one of its services, which no policy of an organization binds.
    fn is_service_linked(&self) -> bool {
        matches!(self, Self::Role { arn, .. } if arn.contains(":role/aws-service-role/"))
    }
}

impl Request {
    /// A key of the request. Case does not count in names, the tag's name after the `/` included.
    fn key(&self, name: &str) -> Option<&Values> {
        self.context.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, values)| values)
    }

    /// The service that the action belongs to.
    fn service(&self) -> String {
        self.action.split(':').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// Adds the keys that AWS derives from caller and resource, where they are not given.
    #[must_use]
    pub fn with_derived_keys(mut self) -> Self {
        let mut derived = vec![("aws:ResourceAccount", self.resource_account.clone())];
        if let Some(account) = self.principal.account() {
            derived.push(("aws:PrincipalAccount", account.to_owned()));
        }
        match &self.principal {
            Caller::Role { arn, .. } => {
                derived.extend([("aws:PrincipalArn", arn.clone()), ("aws:PrincipalType", "AssumedRole".to_owned())]);
            }
            Caller::User { arn, .. } => {
                derived.extend([("aws:PrincipalArn", arn.clone()), ("aws:PrincipalType", "User".to_owned())]);
            }
            Caller::Root { account } => {
                let arn = format!("arn:aws:iam::{account}:root");
                derived.extend([("aws:PrincipalArn", arn), ("aws:PrincipalType", "Account".to_owned())]);
            }
            Caller::Service(name) => derived.push(("aws:PrincipalServiceName", name.clone())),
            Caller::Anonymous => derived.push(("aws:PrincipalType", "Anonymous".to_owned())),
            Caller::Federated { .. } => {}
        }
        let service = matches!(self.principal, Caller::Service(_));
        derived.push(("aws:PrincipalIsAWSService", service.to_string()));
        for (key, value) in derived {
            if self.key(key).is_none() {
                self.context.insert(key.to_owned(), Values::One(value));
            }
        }
        self
    }
}

/// Where policies come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Service control policies.
    ServiceControl,
    /// Resource control policies.
    ResourceControl,
    /// The VPC endpoint's policies.
    Endpoint,
    /// The resource's policy.
    Resource,
    /// The caller's policies.
    Identity,
    /// The caller's boundary.
    Boundary,
    /// The session's policy.
    Session,
}

/// A statement, by its place and `Sid`.
pub type Cited = (Place, Option<String>);

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed.
    Allowed {
        /// The statements that grant it.
        by: Vec<Cited>,
        /// The readings of unclear semantics that it needs; none in most cases.
        only_under: Vec<String>,
    },
    /// A statement refuses it.
    ExplicitlyDenied {
        /// The statements.
        by: Vec<Cited>,
    },
    /// Nothing grants it.
    ImplicitlyDenied {
        /// The first layer that should have.
        layer: Layer,
    },
}

impl Decision {
    /// Whether it is allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Whom a matching statement of a resource's policy names, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grantee {
    /// The account: it may pass the permission on to its identities, which need policies of their own.
    Account,
    /// The role: what its boundary and the session's policy do not allow is not granted.
    Role,
    /// The session, the user, the service or everybody: nothing has to be added.
    Caller,
}

/// Statements that grant, and the readings under which they do.
#[derive(Debug, Clone, Default)]
struct Grant {
    by: Vec<Cited>,
    needs: Needs,
}

impl Grant {
    fn and(mut self, other: Self) -> Self {
        self.by.extend(other.by);
        self.needs = self.needs.and(other.needs);
        self
    }

    /// The same, with its statements not named: they restrict and do not grant.
    fn silent(mut self) -> Self {
        self.by.clear();
        self
    }
}

/// Decides a request. `controlled` holds the prefixes of the services that resource control policies reach: the
/// [facts](crate::facts::Facts::resource_control) have them.
#[must_use]
pub fn evaluate(case: &Case, reading: Reading, controlled: &BTreeSet<String>) -> Decision {
    Evaluation { case, adverse: reading == Reading::Adverse, controlled }.decide()
}

struct Evaluation<'a> {
    case: &'a Case,
    adverse: bool,
    controlled: &'a BTreeSet<String>,
}

impl<'a> Evaluation<'a> {
    fn decide(&self) -> Decision {
        let mut escaped = Needs::default();
        let mut denials = Vec::new();
        for statement in self.all().filter(|statement| statement.1.effect == Effect::Deny) {
            match self.escapes(statement) {
                Some(needs) => escaped = escaped.and(needs),
                None => denials.push(cite(statement.1)),
            }
        }
        if !denials.is_empty() {
            return Decision::ExplicitlyDenied { by: denials };
        }
        match self.grant() {
            Ok(grant) => Decision::Allowed { by: grant.by, only_under: grant.needs.and(escaped).names() },
            Err(layer) => Decision::ImplicitlyDenied { layer },
        }
    }

    /// The service control policies that bind the caller.
    fn scps(&self) -> &'a [Level] {
        let binds = self.case.request.principal.account().is_some() && !self.case.request.principal.is_service_linked();
        if binds { &self.case.scps } else { &[] }
    }

    /// The resource control policies that bind the request.
    fn rcps(&self) -> &'a [Level] {
        let request = &self.case.request;
        let binds = self.controlled.contains(&request.service())
            && !request.principal.is_service_linked()
            && !request.action.eq_ignore_ascii_case("kms:RetireGrant");
        if binds { &self.case.rcps } else { &[] }
    }

    /// All statements that bear on the request.
    fn all(&self) -> impl Iterator<Item = (&'a Document, &'a Statement)> {
        let case = self.case;
        let levels = self.scps().iter().chain(self.rcps()).flat_map(|level| &level.policies);
        let own = case.identity.iter().chain(&case.boundaries).chain(&case.session);
        let there = case.resource.iter().chain(&case.endpoint);
        levels
            .chain(own)
            .chain(there)
            .flat_map(|named| named.document.statements.iter().map(|one| (&named.document, one)))
    }

    /// What grants the request, or the first layer that does not.
    fn grant(&self) -> Result<Grant, Layer> {
        let case = self.case;
        let request = &case.request;
        let mut common = Grant::default();
        for level in self.scps() {
            common = common.and(self.allows(&level.policies).ok_or(Layer::ServiceControl)?.silent());
        }
        if !case.endpoint.is_empty() {
            common = common.and(self.allows(&case.endpoint).ok_or(Layer::Endpoint)?.silent());
        }
        let on_resource = |least: Grantee| self.resource_allows(least);
        let Some(account) = request.principal.account() else {
            let grant = on_resource(Grantee::Caller).ok_or(Layer::Resource)?;
            return Ok(grant.and(common));
        };
        let own = self.own();
        if account != request.resource_account {
            // Both sides must allow, and any way of naming the caller will do.
            let there = on_resource(Grantee::Account).ok_or(Layer::Resource)?;
            return Ok(own?.and(there).and(common));
        }
        let cut = self.cut();
        let mut ways = Vec::new();
        ways.extend(on_resource(Grantee::Caller));
        ways.extend(on_resource(Grantee::Role).and_then(|there| Some(there.and(cut.clone().ok()?))));
        let layer = if self.needs_resource() {
            let delegated = on_resource(Grantee::Account);
            let layer = match (&delegated, &own) {
                (Some(_), Err(layer)) => *layer,
                _ => Layer::Resource,
            };
            ways.extend(delegated.and_then(|there| Some(there.and(own.ok()?))));
            layer
        } else {
            let layer = own.as_ref().err().copied().unwrap_or(Layer::Identity);
            ways.extend(own.ok());
            layer
        };
        let best = ways.into_iter().min_by_key(|way| way.needs.count());
        best.map(|way| way.and(common)).ok_or(layer)
    }

    /// What the caller's own policies grant, within its boundary and session policy.
    fn own(&self) -> Result<Grant, Layer> {
        let identity = match self.case.request.principal {
            Caller::Root { .. } => Grant::default(),
            _ => self.allows(&self.case.identity).ok_or(Layer::Identity)?,
        };
        Ok(identity.and(self.cut()?))
    }

    /// Whether boundary and session policy allow it. Neither grants.
    fn cut(&self) -> Result<Grant, Layer> {
        let mut grant = Grant::default();
        if !self.case.boundaries.is_empty() {
            grant = grant.and(self.allows(&self.case.boundaries).ok_or(Layer::Boundary)?);
        }
        if let Some(session) = &self.case.session {
            grant = grant.and(self.allows(std::slice::from_ref(session)).ok_or(Layer::Session)?);
        }
        Ok(grant.silent())
    }

    /// Whether the resource's policy must allow it even in the same account: a key's does, and a role's trust policy.
    fn needs_resource(&self) -> bool {
        let request = &self.case.request;
        let kind = request.resource.splitn(6, ':').nth(5).unwrap_or_default();
        match request.service().as_str() {
            "kms" => kind.starts_with("key/"),
            "sts" => kind.starts_with("role/"),
            _ => false,
        }
    }

    /// What the allowing statements of the documents grant.
    fn allows(&self, documents: &'a [Named]) -> Option<Grant> {
        let statements = documents
            .iter()
            .flat_map(|named| named.document.statements.iter().map(|one| (&named.document, one)))
            .filter(|(_, statement)| statement.effect == Effect::Allow);
        best(statements.filter_map(|statement| {
            let needs = fewest(self.adverse, true, |choices| self.matches(statement, choices).is_some())?;
            Some((cite(statement.1), needs))
        }))
    }

    /// What the resource's policy grants to somebody who is named at least this closely.
    fn resource_allows(&self, least: Grantee) -> Option<Grant> {
        let document = &self.case.resource.as_ref()?.document;
        let statements = document.statements.iter().filter(|statement| statement.effect == Effect::Allow);
        best(statements.filter_map(|statement| {
            let close =
                |choices: &Choices| self.matches((document, statement), choices).is_some_and(|named| named >= least);
            Some((cite(statement), fewest(self.adverse, true, close)?))
        }))
    }

    /// The readings under which a refusal does not apply; none if it always does.
    fn escapes(&self, statement: (&Document, &Statement)) -> Option<Needs> {
        fewest(self.adverse, false, |choices| self.matches(statement, choices).is_some())
    }

    /// Whether a statement matches the request, and how closely it names the caller.
    fn matches(&self, (document, statement): (&Document, &Statement), choices: &Choices) -> Option<Grantee> {
        let request = &self.case.request;
        let grants = statement.effect == Effect::Allow;
        let scope = Scope { request, variables: document.variables, grants, choices };
        let action =
            statement.actions.values.iter().any(|pattern| Pattern::plain(pattern).matches_any_case(&request.action));
        if action == statement.actions.negated {
            return None;
        }
        if let Some(resources) = &statement.resources
            && !resource_fits(resources, &scope)
        {
            return None;
        }
        let named = match &statement.principals {
            Some(principals) => self.names(principals, grants, choices)?,
            None => Grantee::Caller,
        };
        statement.conditions.iter().all(|condition| scope.holds(condition)).then_some(named)
    }

    /// How closely the principals of a statement name the caller, if they do.
    fn names(&self, principals: &Only<Principal>, grants: bool, choices: &Choices) -> Option<Grantee> {
        if !principals.negated {
            return principals.values.iter().filter_map(|principal| self.is(principal)).max();
        }
        let listed: BTreeSet<Grantee> = principals.values.iter().filter_map(|principal| self.is(principal)).collect();
        // Leaving out a session takes its account, its role and the session itself.
        let whole = match &self.case.request.principal {
            Caller::Role { session_arn: Some(_), .. } => 3,
            Caller::Role { .. } | Caller::User { .. } => 2,
            _ => 1,
        };
        let everybody = principals.values.contains(&Principal::Everyone);
        let mut left_out = everybody || listed.len() >= whole;
        if !left_out && !listed.is_empty() && choices.takes(Choice::PartOfPrincipal) {
            left_out = !grants;
        }
        (!left_out).then_some(Grantee::Caller)
    }

    /// How closely one principal names the caller, if it does.
    fn is(&self, principal: &Principal) -> Option<Grantee> {
        let caller = &self.case.request.principal;
        match (principal, caller) {
            (Principal::Everyone, _) => Some(Grantee::Caller),
            (Principal::Service(name), Caller::Service(service)) => (name == service).then_some(Grantee::Caller),
            (Principal::Federated(name), Caller::Federated { provider }) => {
                (name == provider).then_some(Grantee::Caller)
            }
            (Principal::Aws(name), _) => {
                let account = caller.account()?;
                if name == account || is_root_of(name, account) {
                    let root = matches!(caller, Caller::Root { .. });
                    return Some(if root { Grantee::Caller } else { Grantee::Account });
                }
                match caller {
                    Caller::Role { session_arn: Some(session), .. } if name == session => Some(Grantee::Caller),
                    // A role without a session has nothing that its boundary would leave out, but the rule is the role's.
                    Caller::Role { arn, .. } if name == arn => Some(Grantee::Role),
                    Caller::User { arn, .. } if name == arn => Some(Grantee::Caller),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Whether a text is the ARN of an account's root, in any partition.
fn is_root_of(arn: &str, account: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    parts.next() == Some("iam")
        && parts.next() == Some("")
        && parts.next() == Some(account)
        && parts.next() == Some("root")
}

/// Whether the resource of a request is among those of a statement.
fn resource_fits(resources: &Only<String>, scope: &Scope<'_>) -> bool {
    let resource = &scope.request.resource;
    let mut unresolved = false;
    let mut fits = false;
    for text in &resources.values {
        let early = scope.variables && has_early_variable(text);
        let literal_colons = if early && scope.choices.takes(Choice::EarlyVariable) { 0 } else { 5 };
        let Some(pattern) = scope.pattern(text, literal_colons) else {
            // A text with a variable that has no value fits no resource.
            unresolved = true;
            continue;
        };
        let documented = pattern.matches_resource(resource, Reach::SegmentEnds);
        // What widens access: a resource that is granted, or is left out of a refusal.
        let other = if scope.grants == resources.negated { Reach::Segments } else { Reach::Everything };
        let differs = pattern.matches_resource(resource, other) != documented;
        fits |= if differs && scope.choices.takes(Choice::Segments) { !documented } else { documented };
    }
    if unresolved && scope.choices.takes(Choice::Unresolved) {
        return false;
    }
    fits != resources.negated
}

/// The grant that needs the fewest readings, by all statements that need no others.
fn best(grants: impl Iterator<Item = (Cited, Needs)>) -> Option<Grant> {
    let grants: Vec<(Cited, Needs)> = grants.collect();
    let least = grants.iter().map(|(_, needs)| *needs).min_by_key(|needs| needs.count())?;
    let by = grants.into_iter().filter(|(_, needs)| *needs == least).map(|(cited, _)| cited).collect();
    Some(Grant { by, needs: least })
}

fn cite(statement: &Statement) -> Cited {
    (statement.place.clone(), statement.sid.clone())
}

#[cfg(test)]
mod combination_tests;
#[cfg(test)]
mod statement_tests;
