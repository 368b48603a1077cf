use super::*;
use crate::blueprint::lower;
use crate::diagnostics::{Sink, SourceMap};
use crate::render;

/// Types of which no resource holds data, keys, messages, code or logs of anybody: rules, links and addresses. A type that
/// is not here must have an owner wherever tenants share it.
const HOLDS_NOTHING: &[&str] = &[
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Cognito::UserPoolClient",
    "AWS::EC2::FlowLog",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::IAM::RolePolicy",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
];

const EVERYTHING: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/everything.yaml"));
const SHIPPED: [&str; 4] = [
    EVERYTHING,
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/blueprints/serverless-saas.yaml")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/blueprints/regulated-cases.yaml")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/blueprints/full-silo.yaml")),
];

fn model(text: &str) -> Model {
    let mut sink = Sink::new();
    let tree = crate::source::read("test.yaml", text.as_bytes(), &mut SourceMap::default(), &mut sink);
    let model = tree.and_then(|tree| lower(&tree, &mut sink));
    assert!(!sink.has_errors(), "{:?}", sink.into_sorted());
    model.unwrap()
}

fn bridge(tier: &str) -> (TierGraph, Declared) {
    let model = model(&format!(
        "tenantry: 1\nblueprint: shop\nowner: o\ncost_center: c\ncells: [{{ cell: eu-1, region: eu-west-1, account: '111111111111' }}]\n\
         tiers:\n  - tier: gold\n    isolation: bridge\n{tier}"
    ));
    let graph = render::tier(&model, &model.tiers[0]);
    let declared = declare(&model.tiers[0], &graph);
    (graph, declared)
}

/// The logical id of the only resource with a component and a role.
fn id(stack: &Option<StackGraph>, component: &str, role: &str) -> String {
    let nodes = &stack.as_ref().unwrap().nodes;
    let mut found = nodes.iter().filter(|node| node.component.as_str() == component && node.role == role);
    let id = found.next().unwrap_or_else(|| panic!("no {role} of {component}")).id.to_string();
    assert!(found.next().is_none(), "more than one {role} of {component}");
    id
}

#[test]
fn everything_that_tenants_share_has_an_owner() {
    let mut owned = 0;
    for text in SHIPPED {
        let model = model(text);
        for tier in &model.tiers {
            let graph = render::tier(&model, tier);
            let declared = declare(tier, &graph);
            let nodes = graph.cell.iter().flat_map(|stack| &stack.nodes);
            let ids: BTreeSet<String> = nodes.clone().map(|node| node.id.to_string()).collect();
            for node in nodes {
                let (id, of_type) = (node.id.as_str(), node.type_name.as_str());
                let custom = node.role == "custom";
                let role = of_type == "AWS::IAM::Role" && !custom;
                assert_eq!(declared.roles.contains_key(id), role, "{of_type} {id} acts for somebody");
                let holds = custom || !role && !HOLDS_NOTHING.contains(&of_type);
                assert_eq!(declared.owners.contains_key(id), holds, "{of_type} {id} has an owner");
                owned += usize::from(holds);
            }
            for id in declared.owners.keys().chain(declared.roles.keys()) {
                assert!(ids.contains(id), "{id} is declared and not rendered");
            }
            for actor in declared.roles.values() {
                if let Actor::Session { minted_by } = actor {
                    assert!(!minted_by.is_empty());
                    for minter in minted_by {
                        assert!(matches!(declared.roles.get(minter), Some(Actor::Platform { .. })), "{minter}");
                    }
                }
            }
        }
    }
    assert!(owned > 50, "{owned}");
}

/// A role of a tenant's own stack that may send into a shared queue is named with its template: it is that tenant's, and
/// may write messages in any tenant's name.
#[test]
fn roles_of_both_sides_reach_what_code_keeps_apart() {
    let (graph, declared) = bridge(
        "    siloed: [Own]\n    pooled: [Jobs, Worker]\n    components:\n      - { queue: Jobs, partition_by: tenant_id, visibility_timeout_seconds: 360 }\n      - { function: Own, code: { inline: x } }\n      - { function: Worker, consumes: [Jobs], code: { inline: x } }\n    allow: [{ from: Own, access: send, to: Jobs }]\n",
    );
    let queue = id(&graph.cell, "Jobs", "queue");
    let Owner::Application { reason, through } = &declared.owners[&queue] else { panic!("{declared:?}") };
    assert!(reason.contains("`tenant_id`"), "{reason}");
    assert_eq!(*through, [id(&graph.cell, "Worker", "role")]);
    assert_eq!(declared.from_silos[&queue], [id(&graph.tenant, "Own", "role")]);
    assert_eq!(declared.from_silos.len(), 1, "nobody else is let in from a silo");
    let Owner::Application { through, .. } = &declared.owners[&id(&graph.cell, "Jobs", "dead-letters")] else {
        panic!("{declared:?}")
    };
    assert!(through.is_empty());
    let Owner::Application { through, .. } = &declared.owners[&id(&graph.cell, "Worker", "logs")] else {
        panic!("{declared:?}")
    };
    assert_eq!(*through, [id(&graph.cell, "Worker", "role")]);
}

#[test]
fn tenant_keys_say_whose_an_item_is() {
    let model = model(EVERYTHING);
    let pool = model.tiers.iter().find(|tier| tier.name.as_str() == "pool").unwrap();
    let graph = render::tier(&model, pool);
    let declared = declare(pool, &graph);
    let owner = |component: &str, role: &str| declared.owners[&id(&graph.cell, component, role)].clone();
    let pattern = |text: &str| text.to_owned();
    assert_eq!(owner("Orders", "table"), Owner::PartitionKey { pattern: pattern("${tenant}") });
    assert_eq!(owner("Ledger", "table"), Owner::PartitionKey { pattern: pattern("${tenant}#*") });
    assert_eq!(owner("Files", "bucket"), Owner::ObjectKey { pattern: pattern("${tenant}/*") });
    let context = Owner::EncryptionContext { key: "TenantId".to_owned(), pattern: pattern("${tenant}") };
    assert_eq!(owner("Data", "key"), context);
    assert!(matches!(owner("Shared", "key"), Owner::Services { .. }));
    let because = Owner::Platform { reason: "it holds what is the same for all tenants".to_owned() };
    assert_eq!(owner("Settings", "custom"), because);
}
