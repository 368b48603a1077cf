//! A pool cell and twenty silo tenants of three tiers, deployed, updated, broken, killed and resumed: the program itself, built
//! with `deploy`, against moto, by way of a proxy that fails as AWS does. `tools/test-env.sh` installs moto. What moto does
//! not show stands in `docs/engines.md`.

#[cfg(test)]
#[path = "../support/engine.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod engine;

#[cfg(test)]
#[path = "../support/http.rs"]
mod http;

#[cfg(test)]
#[path = "../support/patience.rs"]
mod patience;

#[cfg(test)]
#[path = "../support/proxy.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod proxy;

#[cfg(test)]
mod fleet;

#[cfg(test)]
mod refusals;

#[cfg(test)]
mod story;
