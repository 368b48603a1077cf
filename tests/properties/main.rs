//! What holds for every blueprint: the shipped ones, and one with every kind of component. A property says more than
//! a snapshot, and does not move when the output does.

#[cfg(test)]
mod determinism;
#[cfg(test)]
mod expand;
#[cfg(test)]
mod expression;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod logical_ids;
#[cfg(test)]
mod names;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod product;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod sources;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
