use std::time::Instant;

use super::*;
use crate::facts::Facts;
use crate::prove::proof::Outcome;
use crate::prove::shipped::document;

/// What is emitted, without the heading of the snapshot.
macro_rules! emitted {
    ($path:literal) => {
        include_str!(concat!("../../../snapshots/synth/", $path, ".snap")).splitn(3, "---\n").nth(2).unwrap().trim()
    };
}

static SERVERLESS: OnceLock<Handlers> = OnceLock::new();
static REGULATED: OnceLock<Handlers> = OnceLock::new();
static FULL_SILO: OnceLock<Handlers> = OnceLock::new();

struct World {
    files: Vec<(&'static str, String)>,
    suspended: String,
    rcp: Option<String>,
    templates: Vec<(&'static str, Value)>,
    operators: Vec<Operators>,
    organization: Option<&'static str>,
    handlers: &'static OnceLock<Handlers>,
}

fn operators(break_glass: bool, regions: &[&str]) -> Vec<Operators> {
    let role = |name: &str| format!("arn:*:iam::*:role/{name}");
    let regions: Vec<String> = regions.iter().map(|region| (*region).to_owned()).collect();
    let names = [
        "cdk-*-cfn-exec-role-*",
        "cdk-*-deploy-role-*",
        "stacksets-exec-*",
        "AWSCloudFormationStackSetExecutionRole",
        "AWSControlTowerExecution",
        "OrganizationAccountAccessRole",
    ];
    let mut operators = vec![Operators {
        duty: Duty::Deployment,
        principals: names.iter().map(|name| role(name)).collect(),
        regions: regions.clone(),
    }];
    if break_glass {
        operators.push(Operators {
            duty: Duty::BreakGlass,
            principals: vec![role("BreakGlassAdministrator")],
            regions,
        });
    }
    operators
}

fn serverless() -> World {
    World {
        files: vec![
            ("org/basic.scp-1.json", emitted!("serverless-saas/org/basic.scp-1.json").to_owned()),
            ("org/basic.scp-2.json", emitted!("serverless-saas/org/basic.scp-2.json").to_owned()),
        ],
        suspended: emitted!("serverless-saas/org/suspended.scp-1.json").to_owned(),
        rcp: Some(emitted!("serverless-saas/org/basic.rcp-1.json").to_owned()),
        templates: [
            ("templates/basic-cell.template.json", emitted!("serverless-saas/templates/basic-cell.template.json")),
            ("templates/basic-tenant.template.json", emitted!("serverless-saas/templates/basic-tenant.template.json")),
            ("templates/premium-cell.template.json", emitted!("serverless-saas/templates/premium-cell.template.json")),
            (
                "templates/platinum-tenant.template.json",
                emitted!("serverless-saas/templates/platinum-tenant.template.json"),
            ),
        ]
        .map(|(file, text)| (file, serde_json::from_str(text).unwrap()))
        .to_vec(),
        operators: operators(true, &["eu-central-1", "eu-west-1"]),
        organization: Some("o-a1b2c3d4e5"),
        handlers: &SERVERLESS,
    }
}

fn regulated() -> World {
    World {
        files: vec![
            ("org/regulated.scp-1.json", emitted!("regulated-cases/org/regulated.scp-1.json").to_owned()),
            ("org/regulated.scp-2.json", emitted!("regulated-cases/org/regulated.scp-2.json").to_owned()),
        ],
        suspended: emitted!("regulated-cases/org/suspended.scp-1.json").to_owned(),
        rcp: Some(emitted!("regulated-cases/org/regulated.rcp-1.json").to_owned()),
        templates: [
            ("regulated-cell", emitted!("regulated-cases/templates/regulated-cell.template.json")),
            ("regulated-tenant", emitted!("regulated-cases/templates/regulated-tenant.template.json")),
            ("regulated-tenant.v", emitted!("regulated-cases/templates/regulated-tenant.v-e7969b625a81.template.json")),
        ]
        .map(|(file, text)| (file, serde_json::from_str(text).unwrap()))
        .to_vec(),
        operators: operators(true, &["eu-central-1", "eu-west-1", "us-east-1"]),
        organization: Some("o-c4a5e6b7d8"),
        handlers: &REGULATED,
    }
}

fn full_silo() -> World {
    World {
        files: vec![("org/tenant.scp-1.json", emitted!("full-silo/org/tenant.scp-1.json").to_owned())],
        suspended: emitted!("full-silo/org/suspended.scp-1.json").to_owned(),
        rcp: None,
        templates: [("tenant-tenant", emitted!("full-silo/templates/tenant-tenant.template.json"))]
            .map(|(file, text)| (file, serde_json::from_str(text).unwrap()))
            .to_vec(),
        operators: operators(false, &["eu-central-1", "eu-west-1", "us-east-1"]),
        organization: None,
        handlers: &FULL_SILO,
    }
}

impl World {
    fn prove(&self) -> Vec<Obligation> {
        let facts = Facts::shipped().unwrap();
        let global: Vec<&str> = facts.global_services().keys().map(String::as_str).collect();
        let scps: Vec<Document> = self.files.iter().map(|(file, text)| document(text, file).unwrap()).collect();
        let suspended = document(&self.suspended, "org/suspended.scp-1.json").unwrap();
        let rcp = self.rcp.as_ref().map(|text| document(text, "org/basic.rcp-1.json").unwrap());
        let stacks: Vec<Stack<'_>> = self.templates.iter().map(|(file, body)| Stack { file, body }).collect();
        let active =
            Place { name: "basic", scps: scps.iter().collect(), rcps: rcp.iter().collect(), stacks: stacks.clone() };
        let suspended = Place {
            name: "basic, suspended",
            scps: scps.iter().chain([&suspended]).collect(),
            rcps: rcp.iter().collect(),
            stacks,
        };
        let places = [active, suspended];
        let started = Instant::now();
        let handlers = self.handlers.get_or_init(|| handlers(&places));
        let opened = started.elapsed();
        let inputs = Inputs {
            places: &places,
            operators: &self.operators,
            organization: self.organization,
            global: &global,
            handlers,
        };
        let started = Instant::now();
        let proved = prove(&inputs);
        eprintln!("lockout: {:?} and {opened:?} for schemas; {} obligations", started.elapsed(), proved.len());
        proved
    }
}

fn wrong(obligations: &[Obligation]) -> Vec<String> {
    let said = |obligation: &Obligation| match &obligation.verdict {
        Verdict::Proved => None,
        Verdict::Refuted(found) => Some(format!("{}: refuted: {}", obligation.id, found.sentence)),
        Verdict::Unknown(obstacle) => Some(format!("{}: unknown: {}", obligation.id, obstacle.reason)),
    };
    obligations.iter().filter_map(said).collect()
}

#[test]
fn the_shipped_blueprints_lock_nobody_out() {
    for (name, world) in [("serverless", serverless()), ("regulated", regulated()), ("full silo", full_silo())] {
        let proved = world.prove();
        let wrong = wrong(&proved);
        assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
        assert!(proved.len() >= 10, "{name}: {}", proved.len());
        let ids: BTreeSet<&String> = proved.iter().map(|obligation| &obligation.id).collect();
        assert_eq!(ids.len(), proved.len(), "{name}: ids are unique");
    }
    let held = regulated().prove();
    let held = held.iter().find(|one| one.id == "lockout/basic/deployment/off-board").unwrap();
    assert!(held.target.contains("LegalHold"), "{}", held.target);
}

#[test]
fn what_operators_do_has_sources() {
    let text: Value = serde_json::from_str(include_str!("../../../data/operator-actions.json")).unwrap();
    for purpose in text["purposes"].as_object().unwrap().values() {
        assert!(purpose["source"].as_str().unwrap().starts_with("https://docs.aws.amazon.com/"));
    }
    assert!(data().is_some());
}

fn each(world: &mut World, mut change: impl FnMut(&mut Value)) {
    let texts = world.files.iter_mut().map(|(_, text)| text).chain([&mut world.suspended]).chain(&mut world.rcp);
    for text in texts {
        let mut document: Value = serde_json::from_str(text).unwrap();
        document["Statement"].as_array_mut().unwrap().iter_mut().for_each(&mut change);
        *text = document.to_string();
    }
}

fn named(statement: &Value, sid: &str) -> bool {
    statement["Sid"].as_str().unwrap_or_default().contains(sid)
}

/// Takes a condition of the statements of a name away.
fn without(world: &mut World, sid: &str, operator: &str) {
    each(world, |statement| {
        if named(statement, sid) {
            statement["Condition"].as_object_mut().unwrap().remove(operator);
        }
    });
}

/// Keeps those items of a list for which the test holds.
fn keep(world: &mut World, sid: &str, pointer: &str, test: impl Fn(&str) -> bool) {
    each(world, |statement| {
        if named(statement, sid)
            && let Some(list) = statement.pointer_mut(pointer).and_then(Value::as_array_mut)
        {
            list.retain(|item| test(item.as_str().unwrap()));
        }
    });
}

fn set(world: &mut World, sid: &str, pointer: &str, value: &Value) {
    each(world, |statement| {
        if named(statement, sid)
            && let Some(place) = statement.pointer_mut(pointer)
        {
            *place = value.clone();
        }
    });
}

fn add(world: &mut World, statement: Value) {
    let text = &mut world.files[0].1;
    let mut document: Value = serde_json::from_str(text).unwrap();
    document["Statement"].as_array_mut().unwrap().push(statement);
    *text = document.to_string();
}

fn deny(world: &mut World, action: &str, condition: Value) {
    add(world, json!({"Sid": "Extra", "Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition}));
}

type Mutation = (&'static str, fn(&mut World), &'static [&'static str]);

const ARN: &str = "/Condition/ArnNotLike/aws:PrincipalArn";

const MUTATIONS: &[Mutation] = &[
    (
        "services exempt nobody",
        |w| without(w, "Services", "ArnNotLike"),
        &["`Services` in org/basic.scp-", "denies it"],
    ),
    (
        "suspension exempts nobody",
        |w| without(w, "Suspended", "ArnNotLike"),
        &["`Suspended` in org/suspended.scp-1.json"],
    ),
    (
        "suspension forgets stack sets",
        |w| keep(w, "Suspended", ARN, |one| !one.contains("stacksets-exec")),
        &["`stacksets-exec-*` may not call", "`Suspended`"],
    ),
    (
        "suspension forgets the bootstrap",
        |w| keep(w, "Suspended", ARN, |one| !one.contains("cfn-exec")),
        &["`cdk-*-cfn-exec-role-*` may not call", "`Suspended`"],
    ),
    (
        "suspension forgets break-glass",
        |w| keep(w, "Suspended", ARN, |one| !one.contains("BreakGlass")),
        &["`BreakGlassAdministrator` may not call", "`Suspended`"],
    ),
    (
        "a narrower exemption",
        |w| set(w, "Suspended", ARN, &json!(["arn:*:iam::*:role/cdk-hnb659fds-cfn-exec-role-*"])),
        &["may not call", "`Suspended`"],
    ),
    (
        "a misspelt exemption",
        |w| set(w, "Suspended", ARN, &json!("arn:*:iam::*:role/BreakGlasAdministrator")),
        &["may not call"],
    ),
    ("tags exempt nobody", |w| without(w, "ProtectTags", "ArnNotLike"), &["may not call", "`ProtectTags`"]),
    (
        "roles exempt nobody",
        |w| {
            each(w, |s| {
                if named(s, "ExemptRoles") {
                    s["Resource"] = "*".into();
                    s.as_object_mut().unwrap().remove("Condition");
                }
            })
        },
        &["may not call `iam:", "`ExemptRoles`"],
    ),
    (
        "the denial of users grows",
        |w| set(w, "DenyIamUsers", "/Action", &json!("iam:*")),
        &["may not call `iam:", "`DenyIamUsers` in org/basic.scp-2.json"],
    ),
    (
        "iam is no exception of regions",
        |w| keep(w, "Regions", "/NotAction", |one| one != "iam:*"),
        &["nobody but exempt roles may call `iam:", "in us-east-1", "`Regions`"],
    ),
    (
        "cloudfront's keys are no exception",
        |w| keep(w, "Regions", "/NotAction", |one| one != "kms:*"),
        &["nobody but exempt roles may call `kms:", "`Regions`"],
    ),
    (
        "a misspelt region",
        |w| set(w, "Regions", "/Condition/StringNotEquals/aws:RequestedRegion", &json!(["eu-central-1", "eu-wset-1"])),
        &["in eu-west-1", "`Regions`"],
    ),
    (
        "a region is missing",
        |w| set(w, "Regions", "/Condition/StringNotEquals/aws:RequestedRegion", &json!("eu-west-1")),
        &["in eu-central-1", "`Regions`"],
    ),
    (
        "regions turned around",
        |w| {
            each(w, |s| {
                if named(s, "Regions") {
                    let c = s["Condition"]["StringNotEquals"].take();
                    s["Condition"].as_object_mut().unwrap().remove("StringNotEquals");
                    s["Condition"]["StringEquals"] = c;
                }
            })
        },
        &["in eu-central-1", "`Regions`"],
    ),
    (
        "tables are no service",
        |w| keep(w, "Services", "/NotAction", |one| one != "dynamodb:*"),
        &["may call `dynamodb:", "`Services`"],
    ),
    (
        "logs are no service",
        |w| keep(w, "Services", "/NotAction", |one| one != "logs:*"),
        &["may call `logs:", "`Services`"],
    ),
    (
        "regions for everybody, everywhere",
        |w| deny(w, "*", json!({"StringLike": {"aws:RequestedRegion": "eu-*"}})),
        &["may not call", "`Extra` in org/basic.scp-1.json denies it"],
    ),
    ("everything is denied", |w| deny(w, "*", json!({})), &["may not call", "`Extra`"]),
    (
        "no stack can be deleted",
        |w| deny(w, "cloudformation:DeleteStack", json!({})),
        &["may not call `cloudformation:DeleteStack`"],
    ),
    (
        "no costs can be read",
        |w| deny(w, "ce:*", json!({"ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:role/Billing"}})),
        &["may not call `ce:GetCostAndUsage`"],
    ),
    ("no metrics can be read", |w| deny(w, "cloudwatch:Get*", json!({})), &["may not call `cloudwatch:Get"]),
    ("roles cannot be handed on", |w| deny(w, "iam:PassRole", json!({})), &["may not call `iam:PassRole`"]),
    (
        "keys cannot be made here",
        |w| deny(w, "lambda:CreateFunction", json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}})),
        &["may not call `lambda:CreateFunction` in eu-west-1"],
    ),
    (
        "another organization",
        |w| set(w, "OwnPrincipals", "/Condition/StringNotEqualsIfExists/aws:PrincipalOrgID", &json!("o-zzzzzzzzzz")),
        &["may not call", "`OwnPrincipals` in org/basic.rcp-1.json"],
    ),
    (
        "TLS is denied",
        |w| set(w, "SecureTransport", "/Condition/BoolIfExists/aws:SecureTransport", &json!("true")),
        &["may not call", "`SecureTransport`"],
    ),
    (
        "a caller that is no service is denied",
        |w| set(w, "OwnServices", "/Condition", &json!({"Null": {"aws:SourceAccount": "true"}})),
        &["may not call", "`OwnServices`"],
    ),
    (
        "a permission for a gateway is denied",
        |w| set(w, "PublicFunctions", "/Condition/StringEquals/lambda:Principal", &json!("apigateway.amazonaws.com")),
        &["may not call `lambda:AddPermission`", "`PublicFunctions`"],
    ),
];

#[test]
fn every_mutation_is_refuted() {
    let mut failures = Vec::new();
    for (kind, mutate, expected) in MUTATIONS {
        let mut world = serverless();
        mutate(&mut world);
        let obligations = world.prove();
        let refuted = obligations.iter().filter(|one| one.verdict.outcome() == Outcome::Refuted);
        let found = refuted.filter_map(|one| match &one.verdict {
            Verdict::Refuted(found) => Some(found.sentence.clone()),
            _ => None,
        });
        let sentences: Vec<String> = found.collect();
        if !sentences.iter().any(|sentence| expected.iter().all(|part| sentence.contains(part))) {
            failures.push(format!("{kind}: {expected:?} is not in\n    {}", wrong(&obligations).join("\n    ")));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(MUTATIONS.len() >= 20);
}

#[test]
fn what_nobody_knows_is_unknown() {
    let unknown = |change: fn(&mut World), expected: &str| {
        let mut world = serverless();
        change(&mut world);
        let found = wrong(&world.prove());
        assert!(!found.is_empty() && found.iter().all(|one| one.contains(": unknown: ")), "{found:?}");
        assert!(found.iter().any(|one| one.contains(expected)), "{found:?}");
    };
    unknown(
        |w| deny(w, "lambda:*", json!({"StringEquals": {"aws:ResourceTag/Frozen": "yes"}})),
        "`aws:ResourceTag/Frozen`",
    );
    unknown(|w| deny(w, "lambda:*", json!({"NumericLessThan": {"lambda:Made": "3"}})), "`lambda:Made`");
    unknown(
        |w| add(w, json!({"Sid": "Some", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::audit-*"})),
        "such as `arn:",
    );
}

#[test]
fn a_list_of_what_is_allowed_must_allow_it() {
    let allow = |actions: Value| json!({"Sid": "Open", "Effect": "Allow", "Action": actions, "Resource": "*"});
    let mut world = serverless();
    add(&mut world, allow(json!("*")));
    assert!(wrong(&world.prove()).is_empty());
    let mut world = serverless();
    add(&mut world, allow(json!(["s3:*", "iam:*"])));
    assert!(wrong(&world.prove()).iter().all(|one| one.contains("basic.scp-1.json does not allow `")));
    assert!(!wrong(&world.prove()).is_empty());
}

#[test]
fn a_hold_needs_somebody_who_may_lift_it() {
    let mut world = regulated();
    world.operators.retain(|one| one.duty == Duty::Deployment);
    let found = wrong(&world.prove());
    assert!(found.iter().any(|one| one.contains("refuted") && one.contains("LegalHold")), "{found:?}");
}
