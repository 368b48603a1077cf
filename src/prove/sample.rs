//! Proofs made by hand, for tests.

use serde_json::json;

use super::policy::Place;
use super::proof::{Claim, Counterexample, CrossCheck, Method, Obligation, Obstacle, Proof, Verdict};
use super::tenancy::{Actor, Deployed, Ids, Owner, Scope, Tenancy};
use crate::assembly::Digest;

const POOL: &str = "templates/basic-cell.template.json";
const SILO: &str = "templates/enterprise-tenant.template.json";

fn hex(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

pub(crate) fn place(pointer: &str) -> Place {
    Place { file: POOL.to_owned(), pointer: pointer.to_owned() }
}

fn asked(id: &str, claim: Claim, principal: &str, actions: &[&str], target: &str) -> Obligation {
    Obligation {
        id: id.to_owned(),
        claim,
        principal: principal.to_owned(),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        target: target.to_owned(),
        verdict: Verdict::Proved,
        method: Method::Symbolic,
        formula: Some(hex(id)),
        needs_guardrails: false,
        cross_check: None,
    }
}

/// Nothing was asked.
pub(crate) fn empty() -> Proof {
    Proof::default()
}

/// Everything holds.
pub(crate) fn proved() -> Proof {
    let session = "a session of `ProductServiceSessionRole` for another tenant";
    let mut obligations = vec![
        Obligation {
            cross_check: Some(CrossCheck {
                solver: "cvc5 1.0.3".to_owned(),
                problem: hex("problem"),
                answer: "unsat".to_owned(),
            }),
            ..asked(
                "basic-cell/ProductServiceSessionRole/tenant → basic-cell/Orders/item",
                Claim::Data,
                session,
                &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                "items of table `Orders`",
            )
        },
        asked(
            "basic-cell/ProductServiceSessionRole/tenant → basic-cell/Invoices/object",
            Claim::Data,
            session,
            &["s3:GetObject"],
            "objects of bucket `Invoices`",
        ),
        asked(
            "enterprise-tenant/ApiRole/tenant → enterprise-tenant/Orders/item",
            Claim::Data,
            "the role `ApiRole` of another tenant's stack",
            &["dynamodb:GetItem"],
            "items of table `Orders`",
        ),
        Obligation {
            needs_guardrails: true,
            ..asked(
                "basic-cell/ProductServiceSessionRole/tenant → basic-cell/ProductServiceSessionRole/mint",
                Claim::Mint,
                session,
                &["sts:AssumeRole", "sts:TagSession"],
                "sessions of `ProductServiceSessionRole` in another tenant's name",
            )
        },
        Obligation {
            method: Method::Comparison,
            formula: None,
            ..asked(
                "org/basic/scp",
                Claim::Packing,
                "anybody",
                &["*"],
                "the statements of the guardrails of tier `basic`",
            )
        },
    ];
    for action in ["s3:DeleteObject", "s3:PutObject", "kms:Decrypt"] {
        obligations.push(Obligation {
            method: Method::NoGrant,
            formula: None,
            ..asked(
                &format!("anonymous → basic-cell/Invoices/{action}"),
                Claim::Data,
                "somebody without credentials",
                &[action],
                "objects of bucket `Invoices`",
            )
        });
    }
    Proof {
        obligations,
        assumptions: vec![
            "access control lists of S3 are off, as the templates say".to_owned(),
            "the code of `ProductService` opens sessions in the name of the tenant whose request it serves".to_owned(),
        ],
        left_to_code: vec![
            "queue `Jobs`: which tenant a message is for stands in the attribute `tenant_id`".to_owned(),
        ],
        adverse: vec!["a variable without a value makes a negated condition true".to_owned()],
        lints: Vec::new(),
        inputs: [POOL, SILO, "org/scp-basic-1.json", "tenancy.json", "catalogue 2026-11-20"]
            .into_iter()
            .map(|name| (name.to_owned(), hex(name)))
            .collect(),
    }
}

/// One statement breaks two obligations, and one obligation is not decided.
pub(crate) fn refuted() -> Proof {
    let mut proof = proved();
    let statement = place("/Resources/ProductServiceSessionRole/Properties/Policies/0/PolicyDocument/Statement/1");
    for (id, action) in [("get", "s3:GetObject"), ("put", "s3:PutObject")] {
        let counterexample = Counterexample {
            sentence: format!(
                "a session of tenant `t-1` may do `{action}` on `t-12/invoice.pdf`, because the resource ends in \
                 `${{aws:PrincipalTag/TenantId}}*`"
            ),
            granted_by: vec![(statement.clone(), Some("ReadInvoices".to_owned()))],
            should_have: "the session role's policy, with a `/` between the tag and the `*`".to_owned(),
            case: json!({"name": id, "request": {"action": action, "context": {"aws:PrincipalTag/TenantId": "t-1"}}}),
            only_under: vec!["a `*` in a resource goes on past its colon segment".to_owned()],
        };
        proof.obligations.push(Obligation {
            verdict: Verdict::Refuted(Box::new(counterexample)),
            method: Method::Replay,
            ..asked(
                &format!("basic-cell/ProductServiceSessionRole/tenant → basic-cell/Invoices/{id}"),
                Claim::Data,
                "a session of `ProductServiceSessionRole` for another tenant",
                &[action],
                "objects of bucket `Invoices`",
            )
        });
    }
    proof.obligations.push(Obligation {
        verdict: Verdict::Unknown(Obstacle {
            place: Some(place("/Resources/Jobs/Properties/Policy")),
            reason: "the value of `Fn::GetAtt` of a custom resource cannot be known".to_owned(),
            help: "name the role by its ARN, or take it from a resource of the template".to_owned(),
        }),
        method: Method::None,
        ..asked("deployers → basic-cell", Claim::Lockout, "the role `Deployer`", &["cloudformation:*"], "the stacks")
    });
    proof
}

/// A declaration that goes with them.
pub(crate) fn tenancy() -> Tenancy {
    let template = |template: &str, scope: Scope, tier: &str| Deployed {
        template: template.to_owned(),
        scope,
        tier: Some(tier.to_owned()),
        accounts: super::tenancy::Accounts::Shared,
        parameters: [].into(),
        guardrails: super::tenancy::Guardrails {
            scp: vec!["org/scp-basic-1.json".to_owned()],
            rcp: Vec::new(),
            suspended: Vec::new(),
        },
        owners: [
            ("Orders".to_owned(), Owner::PartitionKey { pattern: "${tenant}".to_owned() }),
            ("Jobs".to_owned(), Owner::Application { reason: "code routes messages".to_owned(), through: Vec::new() }),
        ]
        .into(),
        roles: [("DashboardRole".to_owned(), Actor::Platform { reason: "operators' figures".to_owned() })].into(),
    };
    Tenancy {
        tenancy: 1,
        ids: Ids { pattern: "^[a-z0-9][a-z0-9-]{1,30}$".to_owned() },
        tag: "TenantId".to_owned(),
        templates: vec![template(POOL, Scope::Shared, "basic"), template(SILO, Scope::Tenant, "enterprise")],
        organization: None,
        operators: Vec::new(),
    }
}
