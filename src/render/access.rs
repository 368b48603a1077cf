//! Access between components, lowered to statements and roles.
//!
//! A siloed function reaches its own tenant's resources by their ARN. What is shared is reached under a condition
//! that names the tenant: for a siloed function the id stands in the policy; a pooled function assumes a session
//! role that carries the tenant's id as a session tag, and the policy compares with that tag.

use super::context::{Context, local_arn};
use super::{bucket, event_bus, function, key, queue, table, topic};
use crate::cfn::expr::kind::{Arn, Text};
use crate::cfn::policy::{Operator, Principal, Statement, TrustPolicy, place::Identity, place::Trust};
use crate::cfn::{Expr, Node, Pseudo};
use crate::model::{Access, Body, ComponentName, Grant, IdLanguage, Member, Parameter};

/// The tag of a session that says which tenant it acts for.
pub(super) const SESSION_TENANT: &str = "${aws:PrincipalTag/TenantId}";

/// How far access reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of a resource that one tenant has to itself.
    Whole,
    /// What belongs to the tenant of the stack.
    StackTenant,
    /// What belongs to the tenant of the session.
    SessionTenant,
}

impl Scope {
    /// The tenant's id as a policy compares it.
    pub(super) fn tenant(self) -> Node {
        match self {
            Self::StackTenant => Parameter::TenantId.node(),
            _ => SESSION_TENANT.into(),
        }
    }

    /// The tenant's id and what follows it.
    pub(super) fn tenant_then(self, after: &'static str) -> Node {
        Expr::<Text>::concat([self.tenant(), after.into()]).into_node()
    }
}

/// Whether access to a component can be narrowed to one tenant by a policy. Messages and events cannot: there the
/// tenant key is for the code that reads them.
pub(super) fn is_narrowed(body: &Body) -> bool {
    matches!(body, Body::Table(_) | Body::Bucket(_) | Body::Key(_))
}

/// The statements that a grant becomes.
pub(super) fn statements(cx: &Context<'_>, grant: &Grant, target: &Member, scope: Scope) -> Vec<Statement<Identity>> {
    let arn = cx.arn(&target.component.name);
    match &target.component.body {
        Body::Table(body) => table::grant(body, cx, &arn, grant.access, scope),
        Body::Bucket(body) => bucket::grant(body, cx, &arn, grant.access, scope),
        Body::Queue(body) => queue::grant(body, cx, &arn, grant.access),
        Body::Topic(body) => topic::grant(body, cx, &arn),
        Body::EventBus(_) => event_bus::grant(&arn),
        Body::Function(_) => function::grant(&arn),
        Body::Key(_) => key::grant(&arn, scope),
        _ => Vec::new(),
    }
}

/// What a role needs of the key that a resource is encrypted with: only through the service that holds the data.
pub(super) fn via_key(
    cx: &Context<'_>,
    key: Option<&ComponentName>,
    service: &'static str,
    access: Access,
) -> Option<Statement<Identity>> {
    let key = key?;
    let mut actions = vec!["kms:Decrypt", "kms:DescribeKey"];
    if !matches!(access, Access::Read | Access::Receive) {
        actions.extend(["kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]);
    }
    let endpoint = Expr::<Text>::concat([format!("{service}.").into(), Pseudo::Region.into(), ".amazonaws.com".into()]);
    Some(
        Statement::<Identity>::allow(actions, [cx.arn(key)])
            .when(Operator::StringEquals, "kms:ViaService", [endpoint.into_node()])
            .when(Operator::StringEquals, "kms:CallerAccount", [Node::from(Pseudo::AccountId)]),
    )
}

/// Who may assume a session role: the function's own role, with a tenant's id as the only tag, and only if the id
/// is in the id language as far as patterns can tell.
pub(super) fn session_trust(function_role: Expr<Arn>, ids: &IdLanguage) -> TrustPolicy {
    let tag = "aws:RequestTag/TenantId";
    let actions = ["sts:AssumeRole", "sts:TagSession"];
    TrustPolicy::new(vec![
        Statement::<Trust>::allow(Principal::Aws(vec![function_role.clone()]), actions)
            .when(Operator::StringLike, tag, [format!("{}*", "?".repeat(ids.min_length()))])
            .when(Operator::StringEquals.for_all(), "aws:TagKeys", ["TenantId"])
            .when(Operator::Null, tag, ["false"]),
        Statement::<Trust>::deny(Principal::Aws(vec![function_role]), actions).when(
            Operator::StringLike,
            tag,
            outside(ids),
        ),
    ])
}

/// Patterns of tag values that are no tenant's id: too long, or with a character that no id holds. A tag value may
/// hold letters, digits, spaces and `_.:/=+-@`; letters beyond ASCII cannot be listed.
fn outside(ids: &IdLanguage) -> Vec<String> {
    let mut patterns = vec![format!("{}*", "?".repeat(ids.max_length() + 1))];
    let strangers = ('0'..='9').chain('A'..='Z').chain('a'..='z').chain(" _.:/=+-@#".chars());
    patterns.extend(strangers.filter(|character| !ids.allows(*character)).map(|character| format!("*{character}*")));
    patterns
}

/// Who may assume a tenant's own role from the pooled side: a session that carries this tenant's id.
pub(super) fn tenant_trust(session_role: Expr<Arn>) -> TrustPolicy {
    TrustPolicy::new(vec![Statement::<Trust>::allow(Principal::Aws(vec![session_role]), ["sts:AssumeRole"]).when(
        Operator::StringEquals,
        "aws:PrincipalTag/TenantId",
        [Parameter::TenantId.node()],
    )])
}

/// The roles under the path of the session's tenant: the id stands between slashes, so no other tenant's match.
pub(super) fn tenant_roles(cx: &Context<'_>) -> Node {
    let mut pieces: Vec<Node> =
        vec!["arn:".into(), Pseudo::Partition.into(), ":iam::".into(), Pseudo::AccountId.into(), ":role".into()];
    pieces.extend(cx.tenant_path(SESSION_TENANT.into()));
    pieces.push("*".into());
    Expr::<Text>::concat(pieces).into_node()
}

/// The ARN of a log group's streams.
pub(super) fn log_streams(log_group: Node) -> Node {
    local_arn("logs", ["log-group:".into(), log_group, ":*".into()])
}
