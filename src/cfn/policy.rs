//! Policy documents of the IAM language, one type per place a document can stand.
//!
//! A statement of an identity policy has no principal, a trust policy no resource, an SCP and an RCP no
//! expression: [`Statement`] carries the place as a type parameter, and only that place's constructors. Grammar:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
//!
//! Deliberately absent: `NotPrincipal` (it must list accounts, roles and sessions to mean anything) and
//! `NotAction` beside `Allow` (it grants actions that do not exist yet).

use std::collections::BTreeMap;
use std::marker::PhantomData;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::expr::kind::Arn;
use super::{Expr, Node};

/// Where a policy document stands.
pub mod place {
    /// Attached to a role: says what the role may do.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Identity {}
    /// A role's trust policy: says who may assume it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Trust {}
    /// Attached to a resource: says who may do what to it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Resource {}
    /// An Organizations service control policy.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ServiceControl {}
    /// An Organizations resource control policy.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum ResourceControl {}
}

/// An identity policy.
pub type IamPolicy = Policy<place::Identity>;
/// A role's trust policy.
pub type TrustPolicy = Policy<place::Trust>;
/// A policy on a resource.
pub type ResourcePolicy = Policy<place::Resource>;
/// A service control policy.
pub type Scp = Policy<place::ServiceControl>;
/// A resource control policy.
pub type Rcp = Policy<place::ResourceControl>;

/// A policy document, language version 2012-10-17 (2008-10-17 has no variables).
#[derive(Debug, Clone, PartialEq)]
pub struct Policy<P> {
    statements: Vec<Statement<P>>,
}

impl<P> Policy<P> {
    /// A document of these statements, in this order.
    #[must_use]
    pub fn new(statements: Vec<Statement<P>>) -> Self {
        Self { statements }
    }

    /// The statements in the order they are written.
    #[must_use]
    pub fn statements(&self) -> &[Statement<P>] {
        &self.statements
    }

    /// Adds a statement at the end.
    pub fn push(&mut self, statement: Statement<P>) {
        self.statements.push(statement);
    }
}

impl<P> Serialize for Policy<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("Version", "2012-10-17")?;
        map.serialize_entry("Statement", &self.statements)?;
        map.end()
    }
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Takes away, whatever else grants.
    Deny,
}

/// Who a statement of a resource or trust policy is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Principal {
    /// Everyone, anonymous callers included. Emitted beside `Deny` only.
    Everyone,
    /// Roles or accounts, by ARN.
    Aws(Vec<Expr<Arn>>),
    /// AWS services, such as `lambda.amazonaws.com`.
    Service(Vec<&'static str>),
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Everyone => serializer.serialize_str("*"),
            Self::Aws(arns) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("AWS", &OneOrMany(arns))?;
                map.end()
            }
            Self::Service(services) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("Service", &OneOrMany(services))?;
                map.end()
            }
        }
    }
}

/// A condition operator. Built from the base operators, so that none can be misspelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator {
    base: Base,
    quantifier: Quantifier,
    if_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Quantifier {
    One,
    ForAll,
    ForAny,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Base {
    ArnEquals,
    ArnLike,
    ArnNotLike,
    Bool,
    Null,
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    StringNotEquals,
    StringNotLike,
}

/// The base operators.
#[expect(non_upper_case_globals, reason = "operators are written as IAM writes them")]
impl Operator {
    /// `ArnEquals`.
    pub const ArnEquals: Self = Self::base(Base::ArnEquals);
    /// `ArnLike`.
    pub const ArnLike: Self = Self::base(Base::ArnLike);
    /// `ArnNotLike`.
    pub const ArnNotLike: Self = Self::base(Base::ArnNotLike);
    /// `Bool`.
    pub const Bool: Self = Self::base(Base::Bool);
    /// `Null`: `"true"` asks that the key is absent.
    pub const Null: Self = Self::base(Base::Null);
    /// `StringEquals`.
    pub const StringEquals: Self = Self::base(Base::StringEquals);
    /// `StringEqualsIgnoreCase`.
    pub const StringEqualsIgnoreCase: Self = Self::base(Base::StringEqualsIgnoreCase);
    /// `StringLike`.
    pub const StringLike: Self = Self::base(Base::StringLike);
    /// `StringNotEquals`: also true when the key is absent.
    pub const StringNotEquals: Self = Self::base(Base::StringNotEquals);
    /// `StringNotLike`: also true when the key is absent.
    pub const StringNotLike: Self = Self::base(Base::StringNotLike);
}

impl Operator {
    const fn base(base: Base) -> Self {
        Self { base, quantifier: Quantifier::One, if_exists: false }
    }

    /// The operator, true as well when the key is absent.
    #[must_use]
    pub const fn if_exists(self) -> Self {
        Self { if_exists: true, ..self }
    }

    /// `ForAllValues:` of the operator. True when the key is absent: always write a `Null` guard beside it.
    #[must_use]
    pub const fn for_all(self) -> Self {
        Self { quantifier: Quantifier::ForAll, ..self }
    }

    /// `ForAnyValue:` of the operator.
    #[must_use]
    pub const fn for_any(self) -> Self {
        Self { quantifier: Quantifier::ForAny, ..self }
    }

    /// The operator as IAM writes it.
    #[must_use]
    pub fn name(self) -> String {
        let quantifier = match self.quantifier {
            Quantifier::One => "",
            Quantifier::ForAll => "ForAllValues:",
            Quantifier::ForAny => "ForAnyValue:",
        };
        let if_exists = if self.if_exists { "IfExists" } else { "" };
        format!("{quantifier}{:?}{if_exists}", self.base)
    }
}

/// What a statement is about: the listed ones, or all but the listed ones.
#[derive(Debug, Clone, PartialEq)]
enum Selection<T> {
    These(Vec<T>),
    AllBut(Vec<T>),
}

/// The conditions of a statement: all of them must hold.
pub type Conditions = BTreeMap<Operator, BTreeMap<String, Vec<Node>>>;

/// One statement of a document that stands at `P`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement<P> {
    sid: Option<String>,
    effect: Effect,
    principal: Option<Principal>,
    actions: Selection<String>,
    resources: Option<Selection<Node>>,
    conditions: Conditions,
    place: PhantomData<fn() -> P>,
}

fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}

fn nodes<T: Into<Node>>(items: impl IntoIterator<Item = T>) -> Vec<Node> {
    items.into_iter().map(Into::into).collect()
}

impl<P> Statement<P> {
    fn bare(effect: Effect, actions: Selection<String>) -> Self {
        Self {
            sid: None,
            effect,
            principal: None,
            actions,
            resources: None,
            conditions: Conditions::new(),
            place: PhantomData,
        }
    }

    fn about<T: Into<Node>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        self.resources = Some(Selection::These(nodes(resources)));
        self
    }

    fn by(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Names the statement. IAM takes letters and digits; Organizations counts them against the size limit.
    #[must_use]
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// Adds a condition: the key's value must stand in the operator's relation to one of the values.
    #[must_use]
    pub fn when<T: Into<Node>>(
        mut self,
        operator: Operator,
        key: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.conditions.entry(operator).or_default().entry(key.into()).or_default().extend(nodes(values));
        self
    }

    /// The statement's name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// The effect.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// The conditions.
    #[must_use]
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// The actions of an `Action` element; nothing for `NotAction`.
    #[must_use]
    pub fn actions(&self) -> Option<&[String]> {
        match &self.actions {
            Selection::These(actions) => Some(actions),
            Selection::AllBut(_) => None,
        }
    }

    /// The actions of a `NotAction` element; nothing for `Action`.
    #[must_use]
    pub fn not_actions(&self) -> Option<&[String]> {
        match &self.actions {
            Selection::AllBut(actions) => Some(actions),
            Selection::These(_) => None,
        }
    }

    /// The resources of a `Resource` element; nothing for `NotResource` or none.
    #[must_use]
    pub fn resources(&self) -> Option<&[Node]> {
        match &self.resources {
            Some(Selection::These(resources)) => Some(resources),
            _ => None,
        }
    }

    /// The resources of a `NotResource` element; nothing for `Resource` or none.
    #[must_use]
    pub fn not_resources(&self) -> Option<&[Node]> {
        match &self.resources {
            Some(Selection::AllBut(resources)) => Some(resources),
            _ => None,
        }
    }

    /// The same statement with other actions in its `Action` or `NotAction` element.
    #[must_use]
    pub fn with_actions(mut self, actions: Vec<String>) -> Self {
        match &mut self.actions {
            Selection::These(list) | Selection::AllBut(list) => *list = actions,
        }
        self
    }

    /// The same statement with other resources in its `Resource` or `NotResource` element.
    #[must_use]
    pub fn with_resources(mut self, resources: Vec<Node>) -> Self {
        if let Some(Selection::These(list) | Selection::AllBut(list)) = &mut self.resources {
            *list = resources;
        }
        self
    }

    /// The same statement without a name.
    #[must_use]
    pub fn unnamed(mut self) -> Self {
        self.sid = None;
        self
    }
}

impl Statement<place::Identity> {
    /// Allows the actions on the resources.
    #[must_use]
    pub fn allow<A: Into<String>, R: Into<Node>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self::bare(Effect::Allow, Selection::These(texts(actions))).about(resources)
    }

    /// Denies the actions on the resources.
    #[must_use]
    pub fn deny<A: Into<String>, R: Into<Node>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self::bare(Effect::Deny, Selection::These(texts(actions))).about(resources)
    }
}

impl Statement<place::Trust> {
    /// Lets the principal do the actions (`sts:AssumeRole`, `sts:TagSession`) to the role.
    #[must_use]
    pub fn allow<A: Into<String>>(principal: Principal, actions: impl IntoIterator<Item = A>) -> Self {
        Self::bare(Effect::Allow, Selection::These(texts(actions))).by(principal)
    }

    /// Keeps the principal from doing the actions to the role.
    #[must_use]
    pub fn deny<A: Into<String>>(principal: Principal, actions: impl IntoIterator<Item = A>) -> Self {
        Self::bare(Effect::Deny, Selection::These(texts(actions))).by(principal)
    }
}

impl Statement<place::Resource> {
    /// Lets the principal do the actions to the resources.
    #[must_use]
    pub fn allow<A: Into<String>, R: Into<Node>>(
        principal: Principal,
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self::bare(Effect::Allow, Selection::These(texts(actions))).by(principal).about(resources)
    }

    /// Keeps the principal from doing the actions to the resources.
    #[must_use]
    pub fn deny<A: Into<String>, R: Into<Node>>(
        principal: Principal,
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self::bare(Effect::Deny, Selection::These(texts(actions))).by(principal).about(resources)
    }
}

impl Statement<place::ServiceControl> {
    /// Denies the actions on the resources to every principal of the accounts below the target.
    #[must_use]
    pub fn deny<A: Into<String>, R: Into<Node>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self::bare(Effect::Deny, Selection::These(texts(actions))).about(resources)
    }

    /// Denies everything but the actions.
    #[must_use]
    pub fn deny_all_but<A: Into<String>>(actions: impl IntoIterator<Item = A>) -> Self {
        Self::bare(Effect::Deny, Selection::AllBut(texts(actions))).about(["*"])
    }

    /// Denies the actions on everything but the resources.
    #[must_use]
    pub fn deny_elsewhere<A: Into<String>, R: Into<Node>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        let mut statement = Self::bare(Effect::Deny, Selection::These(texts(actions)));
        statement.resources = Some(Selection::AllBut(nodes(resources)));
        statement
    }
}

impl Statement<place::ResourceControl> {
    /// Denies the actions on the resources of the accounts below the target, to everyone.
    #[must_use]
    pub fn deny<A: Into<String>, R: Into<Node>>(
        actions: impl IntoIterator<Item = A>,
        resources: impl IntoIterator<Item = R>,
    ) -> Self {
        Self::bare(Effect::Deny, Selection::These(texts(actions))).by(Principal::Everyone).about(resources)
    }
}

/// A list that IAM writes without brackets when it holds one item.
struct OneOrMany<'a, T>(&'a [T]);

impl<T: Serialize> Serialize for OneOrMany<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [only] => only.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

/// Conditions in the order of their operators.
struct ConditionBlock<'a>(&'a Conditions);

impl Serialize for ConditionBlock<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (operator, keys) in self.0 {
            let keys: BTreeMap<&str, OneOrMany<'_, Node>> =
                keys.iter().map(|(key, values)| (key.as_str(), OneOrMany(values.as_slice()))).collect();
            map.serialize_entry(&operator.name(), &keys)?;
        }
        map.end()
    }
}

impl<P> Serialize for Statement<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(sid) = &self.sid {
            map.serialize_entry("Sid", sid)?;
        }
        map.serialize_entry("Effect", &self.effect)?;
        if let Some(principal) = &self.principal {
            map.serialize_entry("Principal", principal)?;
        }
        match &self.actions {
            Selection::These(actions) => map.serialize_entry("Action", &OneOrMany(actions))?,
            Selection::AllBut(actions) => map.serialize_entry("NotAction", &OneOrMany(actions))?,
        }
        match &self.resources {
            Some(Selection::These(resources)) => map.serialize_entry("Resource", &OneOrMany(resources))?,
            Some(Selection::AllBut(resources)) => map.serialize_entry("NotResource", &OneOrMany(resources))?,
            None => {}
        }
        if !self.conditions.is_empty() {
            map.serialize_entry("Condition", &ConditionBlock(&self.conditions))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_stands_without_brackets() {
        let policy: IamPolicy = Policy::new(vec![
            Statement::<place::Identity>::allow(["dynamodb:GetItem"], ["*"])
                .when(Operator::StringEquals.for_all(), "dynamodb:LeadingKeys", ["${aws:PrincipalTag/TenantId}"])
                .when(Operator::Null, "dynamodb:LeadingKeys", ["false"]),
        ]);
        assert_eq!(
            serde_json::to_string(&policy).unwrap(),
            concat!(
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*","#,
                r#""Condition":{"Null":{"dynamodb:LeadingKeys":"false"},"#,
                r#""ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"${aws:PrincipalTag/TenantId}"}}}]}"#
            )
        );
    }
}
