//! What engines and clients that nobody here wrote do with what is emitted. `tools/test-env.sh` installs them; without one
//! of them a test fails, unless `TENANTRY_SKIP_EXTERNAL=1` is set. LocalStack alone may be absent, and tests say so.

#[cfg(test)]
#[path = "../support/engine.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod engine;

#[cfg(test)]
#[path = "../support/http.rs"]
mod http;

#[cfg(test)]
#[path = "../support/proxy.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod proxy;

#[cfg(test)]
mod itself;

#[cfg(test)]
mod types;

#[cfg(test)]
mod clients;

#[cfg(test)]
mod ci;
