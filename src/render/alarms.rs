//! Alarms: one `AWS::CloudWatch::Alarm` for each component that is watched.

use super::context::Context;
use super::metrics;
use crate::cfn::Expr;
use crate::cfn::expr::kind::Text;
use crate::cfn::types::cloudwatch;
use crate::model::component::Alarms;

pub(super) fn render(alarms: &Alarms, cx: &mut Context<'_>) {
    for watched in &alarms.watch {
        let Some(metric) = metrics::of(cx, watched) else { continue };
        let identity = cx.identity_of(watched);
        let mut alarm = cloudwatch::Alarm::new()
            .alarm_name(cx.physical_name(&identity.kebab(), 255))
            .alarm_description(format!("{watched}: {}", metric.title))
            .namespace(metric.namespace)
            .metric_name(metric.name)
            .dimensions([cloudwatch::AlarmDimension::new(metric.dimension, Expr::<Text>::from_node(metric.value))])
            .statistic(metric.statistic)
            .period(300_i64)
            .evaluation_periods(1_i64)
            .threshold(1_i64)
            .comparison_operator("GreaterThanOrEqualToThreshold")
            .treat_missing_data("notBreaching");
        if let Some(topic) = &alarms.notify {
            alarm = alarm.alarm_actions([Expr::<Text>::from_node(cx.arn(topic))]);
        }
        cx.add(identity.as_str(), &alarm);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Rendered, pooled, render, siloed};

    const WATCHED: &str = "components:\n  - { function: Api, code: { inline: x } }\n  - { queue: Jobs, partition_by: t }\n  - { table: Orders, partition_by: t }\n  - { http_api: Front, routes: [{ on: GET /, call: Api }] }\n  - { alarms: Watch, watch: [Api, Jobs, Orders, Front] }";

    #[test]
    fn one_alarm_for_each_component() {
        for stack in [siloed(WATCHED), pooled(WATCHED)] {
            assert_eq!(stack.types().iter().filter(|one| **one == "CloudWatch::Alarm").count(), 4);
            assert_eq!(stack.node("WatchApi")["MetricName"], "Errors");
            assert_eq!(stack.node("WatchJobs")["MetricName"], "ApproximateNumberOfMessagesVisible");
            assert_eq!(stack.node("WatchOrders")["Dimensions"][0]["Name"], "TableName");
            assert_eq!(stack.node("WatchFront")["MetricName"], "5xx");
        }
    }

    #[test]
    fn a_tenants_alarms_leave_shared_dead_letters_to_the_cells() {
        let graph = render(
            "bridge",
            "pooled: [Jobs]\nsiloed: [Orders, Watch]\ncomponents: [{ queue: Jobs, partition_by: t }, { table: Orders }, { alarms: Watch, watch: [Jobs, Orders] }]",
        );
        let tenant = Rendered(graph.tenant.unwrap());
        assert_eq!(tenant.types(), ["DynamoDB::Table", "CloudWatch::Alarm"]);
    }
}
