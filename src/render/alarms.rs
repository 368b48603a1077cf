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
