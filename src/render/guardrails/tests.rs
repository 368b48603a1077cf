use super::*;
use crate::cfn::Node;
use crate::model::guardrail::{ActionPattern, BucketPattern, InstanceTypePattern, OrganizationId, TagKey};
use crate::model::{AccountId, Region};

fn facts() -> Facts {
    Facts::shipped().unwrap()
}

/// One role that deploys and one that breaks glass, so that a snapshot shows which of them a statement exempts.
fn exemptions() -> Exemptions {
    let mut exemptions = Exemptions::nobody();
    exemptions.deployment.insert(RolePattern::new("deploy-*").unwrap());
    exemptions.break_glass.insert(RolePattern::new("BreakGlass").unwrap());
    exemptions
}

fn every_guardrail() -> Vec<Guardrail> {
    let action = |text| ActionPattern::new(text).unwrap();
    let key = |text| TagKey::new(text).unwrap();
    let region = |text| Region::new(text).unwrap();
    vec![
        Guardrail::Regions(Regions::new([region("eu-west-1"), region("eu-central-1")], [action("q")]).unwrap()),
        Guardrail::Services(
            Services::new(Some("serverless_only".to_owned()), [action("rekognition:Detect*")]).unwrap(),
        ),
        Guardrail::InstanceTypes(InstanceTypes::new([InstanceTypePattern::new("t4g.*").unwrap()]).unwrap()),
        Guardrail::DenyLeaveOrganization,
        Guardrail::DenyRoot,
        Guardrail::DenyIamUsers,
        Guardrail::DenyPublicSharing,
        Guardrail::ProtectAudit(ProtectAudit { log_archives: [BucketPattern::new("audit-*").unwrap()].into() }),
        Guardrail::ProtectTags(ProtectTags::new([key("TenantId"), key("Tier")], [key("TenantId")]).unwrap()),
        Guardrail::LegalHold,
        Guardrail::DataPerimeter(DataPerimeter {
            organization: OrganizationId::new("o-a1b2c3d4e5").unwrap(),
            trusted_accounts: [AccountId::new("012345678901").unwrap()].into(),
        }),
        Guardrail::Suspended,
    ]
}

fn lowered(guardrails: &[Guardrail]) -> Lowered {
    lower(guardrails, &exemptions(), &facts()).unwrap()
}

fn exempt_roles_of(statement: &Scp) -> Vec<String> {
    let roles = statement.conditions().get(&Operator::ArnNotLike).and_then(|keys| keys.get("aws:PrincipalArn"));
    roles.into_iter().flatten().map(|role| serde_json::to_value(role).unwrap().as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_guardrail_says_what_it_said() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../snapshots/guardrails");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let all = lowered(&every_guardrail());
    settings.bind(|| {
        for group in &all.service_control {
            insta::assert_snapshot!(group.name.clone(), serde_json::to_string_pretty(&group.statements).unwrap());
        }
        for group in &all.resource_control {
            insta::assert_snapshot!(group.name.clone(), serde_json::to_string_pretty(&group.statements).unwrap());
        }
    });
}

#[test]
fn every_name_is_lowered_and_listed() {
    let names: BTreeSet<&str> = every_guardrail().iter().map(Guardrail::name).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), Guardrail::NAMES);
}

#[test]
fn the_order_of_guardrails_does_not_matter() {
    let mut backwards = every_guardrail();
    backwards.reverse();
    assert_eq!(lowered(&backwards), lowered(&every_guardrail()));
}

#[test]
fn the_region_guardrail_exempts_every_global_service() {
    let all = lowered(&every_guardrail());
    let group = all.service_control.iter().find(|group| group.name == "regions").unwrap();
    let exempt = group.statements[0].not_actions().unwrap();
    for action in facts().global_services().keys() {
        assert!(exempt.contains(action), "{action}");
    }
    assert!(exempt.contains(&"q:*".to_owned()));
}

/// The statements that bind deployments are these, each on purpose. All others must let the deployment through,
/// or the tool locks itself out.
#[test]
fn only_these_statements_bind_a_deployment() {
    let all = lowered(&every_guardrail());
    let statements = || all.service_control.iter().flat_map(|group| &group.statements);
    let binding: BTreeSet<&str> = statements()
        .filter(|statement| !exempt_roles_of(statement).contains(&"arn:*:iam::*:role/deploy-*".to_owned()))
        .filter_map(|statement| statement.name())
        .collect();
    assert_eq!(
        binding.into_iter().collect::<Vec<_>>(),
        [
            "DenyIamUsers",
            "DenyLeaveOrganization",
            "DenyRoot",
            "ExternalShares",
            "ExternalSharing",
            "InstanceTypes",
            "LegalHold",
            "LegalHoldRelease",
            "PublicAcls",
            "PublicDatabases",
            "PublicFunctionUrls",
            "PublicFunctions",
            "PublicImages",
            "PublicSnapshots",
        ]
    );
    let unbreakable: Vec<&str> = statements()
        .filter(|statement| !exempt_roles_of(statement).contains(&"arn:*:iam::*:role/BreakGlass".to_owned()))
        .filter_map(|statement| statement.name())
        .collect();
    assert_eq!(unbreakable, ["DenyLeaveOrganization", "DenyRoot"]);
}

#[test]
fn whoever_is_exempt_by_name_keeps_the_name_to_himself() {
    let all = lowered(&[Guardrail::Suspended]);
    let group = all.service_control.iter().find(|group| group.name == EXEMPT_ROLES).unwrap();
    let statement = &group.statements[0];
    let closed: Vec<Node> = exempt_roles_of(statement).into_iter().map(Node::from).collect();
    assert_eq!(statement.resources().unwrap(), closed);
    assert!(statement.actions().unwrap().contains(&"iam:CreateRole".to_owned()));
    // Nobody is exempt from leaving, so there is no name to keep.
    assert_eq!(lowered(&[Guardrail::DenyLeaveOrganization]).service_control.len(), 1);
}

#[test]
fn the_tools_of_aws_are_exempt_by_default() {
    let all = lower(&every_guardrail(), &Exemptions::default(), &facts()).unwrap();
    let suspended = all.service_control.iter().find(|group| group.name == "suspended").unwrap();
    assert_eq!(
        exempt_roles_of(&suspended.statements[0]),
        [
            "arn:*:iam::*:role/AWSCloudFormationStackSetExecutionRole",
            "arn:*:iam::*:role/AWSControlTowerExecution",
            "arn:*:iam::*:role/OrganizationAccountAccessRole",
            "arn:*:iam::*:role/cdk-*-cfn-exec-role-*",
            "arn:*:iam::*:role/cdk-*-deploy-role-*",
            "arn:*:iam::*:role/stacksets-exec-*",
        ]
    );
}

#[test]
fn no_statement_names_a_partition_or_allows_anything() {
    let all = lowered(&every_guardrail());
    let service_control = all.service_control.iter().flat_map(|group| &group.statements);
    let resource_control = all.resource_control.iter().flat_map(|group| &group.statements);
    let texts: Vec<String> = service_control
        .map(|statement| serde_json::to_string(statement).unwrap())
        .chain(resource_control.map(|statement| serde_json::to_string(statement).unwrap()))
        .collect();
    for text in texts {
        assert!(!text.contains("arn:aws"), "{text}");
        assert!(text.contains(r#""Effect":"Deny""#), "{text}");
        assert!(text.is_ascii(), "{text}");
    }
}

#[test]
fn the_data_perimeter_stays_within_what_resource_control_policies_reach() {
    let facts = facts();
    for group in lowered(&every_guardrail()).resource_control {
        for statement in group.statements {
            for action in statement.actions().unwrap() {
                let service = action.split(':').next().unwrap();
                assert!(facts.resource_control().supported.contains(service), "{action}");
            }
        }
    }
}

#[test]
fn what_cannot_be_lowered_is_reported_all_at_once() {
    let misspelt = Guardrail::Services(Services::new(Some("serverles".to_owned()), []).unwrap());
    let errors = lower(&[misspelt, Guardrail::Suspended], &Exemptions::nobody(), &facts()).unwrap_err();
    let findings: Vec<_> = errors.iter().map(|error| error.diagnostic(Origin::Derived)).collect();
    assert_eq!(findings[0].message, "there is no preset of services `serverles`");
    assert_eq!(findings[0].help, ["the presets are `containers`, `serverless_only`"]);
    assert_eq!(findings[1].code.name, "guardrail/setting");
}

/// A misspelt action would deny nothing, and a condition on a key that no request carries would never deny.
#[test]
fn guardrails_speak_of_actions_and_keys_that_exist() {
    use crate::cfn::catalogue::{Clause, Patterns, lint_statement};

    fn wrong<P>(groups: &[Group<P>]) -> Vec<String> {
        let statements = groups.iter().flat_map(|group| &group.statements);
        let problems = statements.flat_map(|statement| {
            let actions = statement.actions().or(statement.not_actions()).unwrap();
            let values: Vec<&str> = actions.iter().map(String::as_str).collect();
            let operators: Vec<_> = statement.conditions().iter().map(|(one, keys)| (one.name(), keys)).collect();
            let clauses: Vec<Clause<'_>> = operators
                .iter()
                .flat_map(|(operator, keys)| keys.iter().map(move |(key, values)| (operator, key, values)))
                .map(|(operator, key, values)| {
                    let texts = values.iter().filter_map(|value| match value {
                        Node::Text(text) => Some(text.as_ref()),
                        _ => None,
                    });
                    Clause::new(operator, key, texts)
                })
                .collect();
            let patterns = Patterns { negated: statement.actions().is_none(), values: &values };
            lint_statement(statement.effect(), patterns, &clauses)
        });
        problems.map(|problem| problem.message()).collect()
    }

    let all = lowered(&every_guardrail());
    assert_eq!(wrong(&all.service_control), [""; 0]);
    assert_eq!(wrong(&all.resource_control), [""; 0]);
}
