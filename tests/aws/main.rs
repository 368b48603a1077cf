//! `deploy::aws` against moto, and against answers that AWS gives and moto does not.
//!
//! Where AWS is and who is calling is said by the environment, as users say it, and an environment belongs to a process:
//! each test here starts itself once more, as the test of the same name in `inside`, with an environment of its own. What
//! that writes is searched for credentials, whatever the test is about.

#[cfg(test)]
#[path = "../support/engine.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod engine;

#[cfg(test)]
#[path = "../support/http.rs"]
mod http;

#[cfg(test)]
#[path = "../support/patience.rs"]
mod patience;

#[cfg(test)]
#[path = "../support/proxy.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod proxy;

#[cfg(test)]
mod inside;

#[cfg(test)]
mod localstack;

#[cfg(test)]
mod outside;

#[cfg(test)]
mod permissions;
