//! HTTP APIs.

use std::panic::Location;

use super::{And, Function, UserPool, component};
use crate::dsl::bounds;
use crate::dsl::draft::Draft;
use crate::dsl::handle::Handle;
use crate::dsl::isolation::Names;

component! {
    /// An API Gateway HTTP API.
    HttpApi<R = Free>, "http_api"
}

impl HttpApi {
    /// An API without ways in.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<R> HttpApi<R> {
    /// Adds a way in: method and path, such as `GET /orders/{id}`, and the function that answers.
    #[track_caller]
    pub fn route<S>(mut self, on: &str, call: Handle<Function, S>) -> HttpApi<And<R, S>>
    where
        R: Names<S>,
    {
        let route = self.draft.route(on, call.mark(), Location::caller());
        self.draft.body.routes.extend(route);
        HttpApi::with_draft(self.draft)
    }

    /// Sets the user pool whose tokens are asked for; the API is open to everybody by default.
    #[track_caller]
    pub fn authorizer<S>(mut self, pool: Handle<UserPool, S>) -> HttpApi<And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.authorizer = self.draft.mention(pool.mark(), Location::caller());
        HttpApi::with_draft(self.draft)
    }

    /// Whether requests are logged; on by default.
    pub fn access_logs(mut self, on: bool) -> Self {
        self.draft.body.access_logs = on;
        self
    }

    /// Sets the requests per second, all callers together; 1,000 by default.
    #[track_caller]
    pub fn rate(mut self, requests: u32) -> Self {
        self.draft.body.rate = self.draft.within(&bounds::HTTP_RATE, requests, Location::caller());
        self
    }

    /// Sets the requests at once, all callers together; 2,000 by default.
    #[track_caller]
    pub fn burst(mut self, requests: u32) -> Self {
        self.draft.body.burst = self.draft.within(&bounds::HTTP_BURST, requests, Location::caller());
        self
    }
}
