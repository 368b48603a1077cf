//! REST APIs.

use std::panic::Location;

use super::{And, Function, UserPool, component};
use crate::dsl::bounds;
use crate::dsl::draft::Draft;
use crate::dsl::handle::Handle;
use crate::dsl::isolation::Names;
use crate::model::component::Throttle;

component! {
    /// An API Gateway REST API: where it is pooled, each tenant has a usage plan and a key.
    RestApi<R = Free>, "rest_api"
}

impl RestApi {
    /// An API without ways in.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<R> RestApi<R> {
    /// Adds a way in: method and path, such as `GET /orders/{id}`, and the function that answers.
    #[track_caller]
    pub fn route<S>(mut self, on: &str, call: Handle<Function, S>) -> RestApi<And<R, S>>
    where
        R: Names<S>,
    {
        let route = self.draft.route(on, call.mark(), Location::caller());
        self.draft.body.routes.extend(route);
        RestApi::with_draft(self.draft)
    }

    /// Sets the user pool whose tokens are asked for.
    #[track_caller]
    pub fn authorizer<S>(mut self, pool: Handle<UserPool, S>) -> RestApi<And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.authorizer = self.draft.mention(pool.mark(), Location::caller());
        RestApi::with_draft(self.draft)
    }

    /// Whether requests are logged.
    pub fn access_logs(mut self, on: bool) -> Self {
        self.draft.body.access_logs = on;
        self
    }

    /// Sets how much one tenant may use: requests per second, and requests at once.
    #[track_caller]
    pub fn throttle(mut self, rate: u32, burst: u32) -> Self {
        let place = Location::caller();
        let rate = self.draft.within(&bounds::THROTTLE_RATE, rate, place);
        let burst = self.draft.within(&bounds::THROTTLE_BURST, burst, place);
        self.draft.body.throttle = Some(Throttle { rate, burst, daily_quota: None });
        self
    }

    /// Sets how much one tenant may use, and how many requests a day.
    #[track_caller]
    pub fn throttle_with_quota(self, rate: u32, burst: u32, per_day: u32) -> Self {
        let mut throttled = self.throttle(rate, burst);
        let per_day = throttled.draft.within(&bounds::DAILY_QUOTA, per_day, Location::caller());
        if let Some(throttle) = &mut throttled.draft.body.throttle {
            throttle.daily_quota = Some(per_day);
        }
        throttled
    }
}
