//! Mutations of what is emitted: each breaks the isolation of tenants in one way, and must be refuted with a request
//! that the public simulator of IAM policies allows too. Rewrites that keep the meaning must stay proved.

#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
#[path = "../support/simulator.rs"]
mod simulator;

#[cfg(test)]
mod world;

#[cfg(test)]
mod refuted;

#[cfg(test)]
mod proved;

#[cfg(test)]
mod same;
