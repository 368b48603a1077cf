//! A network: `AWS::EC2::VPC` with isolated subnets, gateway endpoints to S3 and DynamoDB, and a security group.
//! There is no internet gateway: what leaves goes to endpoints.

use super::access::log_streams;
use super::context::Context;
use crate::cfn::expr::kind::{Arn, Id, Text};
use crate::cfn::policy::{IamPolicy, Operator, Principal, ResourcePolicy, place, place::Identity, place::Trust};
use crate::cfn::policy::{Statement, TrustPolicy};
use crate::cfn::types::{ec2, iam, logs};
use crate::cfn::{Expr, Json, LogicalId, Node, Pseudo};
use crate::model::component::Network;
use crate::model::network::subnet_ranges;
use crate::model::{Attribute, Body, ComponentName};

pub(super) fn render(network: &Network, cx: &mut Context<'_>) {
    let vpc = cx.add(
        "vpc",
        &ec2::VPC::new().cidr_block(network.cidr.clone()).enable_dns_hostnames(true).enable_dns_support(true),
    );
    let vpc_id = || Expr::<Id>::reference(&vpc);
    let routes = cx.add("routes", &ec2::RouteTable::new(vpc_id()));
    let mut subnets = Vec::new();
    for (zone, range) in (0_u32..).zip(subnet_ranges(&network.cidr, network.zones).unwrap_or_default()) {
        let subnet = ec2::Subnet::new(vpc_id())
            .availability_zone(Expr::<Text>::from_node(Node::Select(zone, Box::new(Node::AvailabilityZones))))
            .cidr_block(range)
            .map_public_ip_on_launch(false);
        let subnet = cx.add(&format!("subnet/{zone}"), &subnet);
        let association =
            ec2::SubnetRouteTableAssociation::new(Expr::reference(&routes), Expr::<Id>::reference(&subnet));
        cx.add(&format!("association/{zone}"), &association);
        subnets.push(subnet);
    }
    for service in ["dynamodb", "s3"] {
        let endpoint = ec2::VPCEndpoint::new(vpc_id())
            .service_name(endpoint_name(service))
            .vpc_endpoint_type("Gateway")
            .route_table_ids([Expr::<Id>::reference(&routes)])
            .policy_document(Json::of(&own_account_only()));
        cx.add(&format!("endpoint/{service}"), &endpoint);
    }
    let group = ec2::SecurityGroup::new(format!("{} of tier {}", cx.name(), cx.tier.name))
        .vpc_id(vpc_id())
        .security_group_ingress([ec2::SecurityGroupIngressRule::new("tcp")
            .cidr_ip(network.cidr.clone())
            .from_port(443_i64)
            .to_port(443_i64)
            .description("TLS from inside the network")])
        .security_group_egress([ec2::SecurityGroupEgressRule::new("tcp")
            .cidr_ip("0.0.0.0/0")
            .from_port(443_i64)
            .to_port(443_i64)
            .description("TLS; the routes lead to endpoints only")]);
    let group = cx.add("group", &group);
    for service in &network.endpoints {
        let endpoint = ec2::VPCEndpoint::new(vpc_id())
            .service_name(endpoint_name(service))
            .vpc_endpoint_type("Interface")
            .private_dns_enabled(true)
            .subnet_ids(subnets.iter().map(Expr::<Id>::reference))
            .security_group_ids([Expr::<Id>::reference(&group)])
            .policy_document(Json::of(&own_account_only()));
        cx.add(&format!("endpoint/{service}"), &endpoint);
    }
    if network.flow_logs {
        flow_logs(&vpc, cx);
    }
}

fn endpoint_name(service: &str) -> Expr<Text> {
    Expr::concat(["com.amazonaws.".into(), Pseudo::Region.into(), format!(".{service}").into()])
}

/// Endpoints lead to this account's resources and to nobody else's.
fn own_account_only() -> ResourcePolicy {
    ResourcePolicy::new(vec![
        Statement::<place::Resource>::allow(Principal::Everyone, ["*"], ["*"])
            .when(Operator::StringEquals, "aws:PrincipalAccount", [Node::from(Pseudo::AccountId)])
            .when(Operator::StringEquals, "aws:ResourceAccount", [Node::from(Pseudo::AccountId)]),
    ])
}

fn flow_logs(vpc: &LogicalId, cx: &mut Context<'_>) {
    let name = Expr::concat(["/aws/vendedlogs/".into(), cx.physical_name("", 128).into_node()]);
    let group = cx.add("flow-logs", &logs::LogGroup::new().log_group_name(name).retention_in_days(30_i64));
    let trust =
        TrustPolicy::new(vec![
            Statement::<Trust>::allow(Principal::Service(vec!["vpc-flow-logs.amazonaws.com"]), ["sts:AssumeRole"])
                .when(Operator::StringEquals, "aws:SourceAccount", [Node::from(Pseudo::AccountId)]),
        ]);
    let write = IamPolicy::new(vec![Statement::<Identity>::allow(
        ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        [log_streams(Node::Ref(group.clone()))],
    )]);
    let role = iam::Role::new(Json::of(&trust))
        .role_name(cx.physical_name("flow", 64))
        .policies([iam::RoleInlinePolicy::new(Json::of(&write), "write")]);
    let role = cx.add("flow-role", &role);
    let flow_log = ec2::FlowLog::new(Expr::<Id>::reference(vpc), "VPC")
        .traffic_type("ALL")
        .log_destination_type("cloud-watch-logs")
        .log_group_name(Expr::reference(&group))
        .deliver_logs_permission_arn(Expr::<Arn>::get_att(&role, "Arn"));
    cx.add("flow-log", &flow_log);
}

/// The subnets and the security group that a function of the same stack is put into.
pub(super) fn placement(cx: &Context<'_>, network: &ComponentName) -> (Vec<Node>, Node) {
    let Some(member) = cx.other(network) else { return (Vec::new(), "".into()) };
    let id = |role: &str| super::context::logical_id(cx.tier, &member.component, role);
    let zones = match &member.component.body {
        Body::Network(network) => network.zones,
        _ => 0,
    };
    let subnets = (0..zones).map(|zone| Node::Ref(id(&format!("subnet/{zone}")))).collect();
    (subnets, Node::Ref(id("group")))
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    (attribute == Attribute::Id).then(|| Node::Ref(id("vpc")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pooled, siloed};

    #[test]
    fn a_network_leads_to_endpoints_only() {
        for stack in [siloed("components: [{ network: Net }]"), pooled("components: [{ network: Net }]")] {
            let types = stack.types();
            for nowhere in ["EC2::InternetGateway", "EC2::NatGateway", "EC2::Route"] {
                assert!(!types.contains(&nowhere), "{nowhere}");
            }
            assert_eq!(types.iter().filter(|one| **one == "EC2::VPCEndpoint").count(), 2);
            assert_eq!(types.iter().filter(|one| **one == "EC2::Subnet").count(), 2);
        }
    }

    #[test]
    fn endpoints_and_flow_logs_as_asked() {
        let stack = siloed("components: [{ network: Net, zones: 3, endpoints: [kms], flow_logs: true }]");
        assert_eq!(stack.node("NetEndpointKms")["VpcEndpointType"], "Interface");
        assert_eq!(stack.node("NetEndpointKms")["SubnetIds"].as_array().unwrap().len(), 3);
        assert_eq!(stack.get("EC2::FlowLog", "/TrafficType"), "ALL");
    }
}
