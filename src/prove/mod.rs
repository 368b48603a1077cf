//! Claims about what is shipped, proved or refuted: tenants are kept apart, and guardrails lock nobody out.
//!
//! A proof reads templates and policy documents as they are deployed, and a declaration of who owns what
//! ([`tenancy`]). It never sees the model that the policies were made from, so it works on templates that somebody else
//! wrote. `docs/proof.md` is the argument.

pub mod automaton;
pub mod formula;
pub mod glob;
pub mod lockout;
pub mod packing;
pub mod policy;
pub mod proof;
pub mod question;
pub mod shipped;
pub mod template;
pub mod tenancy;
pub mod text;
