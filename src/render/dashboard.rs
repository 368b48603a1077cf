//! A dashboard: `AWS::CloudWatch::Dashboard` with one graph for each component that is shown.

use super::context::Context;
use super::metrics;
use crate::cfn::expr::kind::Text;
use crate::cfn::types::cloudwatch;
use crate::cfn::{Expr, Node, Pseudo};
use crate::model::component::Dashboard;

/// Graphs beside each other on the grid of 24 columns.
const COLUMNS: usize = 3;

pub(super) fn render(dashboard: &Dashboard, cx: &mut Context<'_>) {
    // The body is JSON inside text. Only names that CloudFormation fills in come from outside, and they are
    // letters, digits and dashes.
    let mut body: Vec<Node> = vec![r#"{"widgets":["#.into()];
    let mut shown = 0;
    for component in &dashboard.show {
        let Some(metric) = metrics::of(cx, component) else { continue };
        let (column, row) = (shown % COLUMNS, shown / COLUMNS);
        let comma = if shown == 0 { "" } else { "," };
        body.push(
            format!(
                concat!(
                    r#"{}{{"type":"metric","x":{},"y":{},"width":8,"height":6,"properties":{{"title":"{}: {}","#,
                    r#""stat":"{}","period":300,"metrics":[["{}","{}","{}",""#
                ),
                comma,
                column * 8,
                row * 6,
                component,
                metric.title,
                metric.statistic,
                metric.namespace,
                metric.name,
                metric.dimension,
            )
            .into(),
        );
        body.push(metric.value);
        body.push(r#""]],"region":""#.into());
        body.push(Pseudo::Region.into());
        body.push(r#""}}"#.into());
        shown += 1;
    }
    body.push("]}".into());
    let resource = cloudwatch::Dashboard::new(Expr::<Text>::concat(body)).dashboard_name(cx.physical_name("", 255));
    cx.add("dashboard", &resource);
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testing::{pooled, siloed};

    const SHOWN: &str = "components:\n  - { function: Api, code: { inline: x } }\n  - { queue: Jobs, partition_by: t }\n  - { dashboard: Board, show: [Api, Jobs] }";

    #[test]
    fn the_body_is_json_once_names_are_filled_in() {
        for stack in [siloed(SHOWN), pooled(SHOWN)] {
            let body = stack.get("CloudWatch::Dashboard", "/DashboardBody/Fn::Sub");
            let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
            assert_eq!(body["widgets"].as_array().unwrap().len(), 2);
            assert_eq!(body["widgets"][1]["x"], 8);
            assert_eq!(body["widgets"][0]["properties"]["metrics"][0][1], "Errors");
        }
    }
}
