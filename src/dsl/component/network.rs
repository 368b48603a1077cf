//! Networks.

use std::panic::Location;

use super::component;
use crate::dsl::bounds;
use crate::dsl::draft::Draft;

component! {
    /// A VPC with isolated subnets and no way to the internet.
    Network<>, "network"
}

impl Network {
    /// A network.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }

    /// Sets the address range; `10.0.0.0/16` by default.
    pub fn cidr(mut self, range: impl Into<String>) -> Self {
        self.draft.body.cidr = range.into();
        self
    }

    /// Sets how many availability zones have a subnet; 2 by default.
    #[track_caller]
    pub fn zones(mut self, zones: u32) -> Self {
        self.draft.body.zones = self.draft.within(&bounds::ZONES, zones, Location::caller());
        self
    }

    /// Sets the services reached over interface endpoints, such as `kms`. Each is billed by the hour.
    pub fn endpoints<T: Into<String>>(mut self, services: impl IntoIterator<Item = T>) -> Self {
        self.draft.body.endpoints = services.into_iter().map(Into::into).collect();
        self
    }

    /// Whether flow logs are kept; off by default.
    pub fn flow_logs(mut self, on: bool) -> Self {
        self.draft.body.flow_logs = on;
        self
    }
}
