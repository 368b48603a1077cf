//! Synthesis takes what has been checked, and a blueprint has not.
use tenantry::prelude::*;
use tenantry::synth::{Destination, Inputs, Options, synth};

fn make(blueprint: &Blueprint, inputs: &Inputs<'_>) {
    let _ = synth(blueprint, inputs, Destination::Nowhere, &Options::default(), &mut Default::default());
}

fn main() {}
