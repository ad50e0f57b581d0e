//! Calls, gateways that die and come back, probes that see it late, and storms of calls, in virtual time: the spine's own
//! functions on a world that changes under them. What happens depends on the seed alone, so a failure is repeated with
//! `TELNESS_SEED=N`; `TELNESS_SIMULATED_CALLS=3000000` is the long form.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test; its form is chosen by the environment"
)]

mod gateways;
mod simulation;

use telness_testkit::Dice;

use simulation::{Report, Simulation};

/// Calls of the short form.
const CALLS: u64 = 40_000;

fn from_environment(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var(name).map_or_else(|_| otherwise(), |text| text.parse().expect("a number"))
}

fn simulated(seed: u64, calls: u64) -> Report {
    println!("TELNESS_SEED={seed}");
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Simulation::new(seed).run(calls))
}

#[test]
fn e9_e11_every_simulated_emergency_call_is_routed_and_reaches_what_lives() {
    let report = simulated(
        from_environment("TELNESS_SEED", Dice::fresh_seed),
        from_environment("TELNESS_SIMULATED_CALLS", || CALLS),
    );
    println!("{report:#?}");
    // What is promised is asserted where it happens; here, that it was put to the test.
    assert!(report.emergency.routed > 100 && report.emergency.refused == 0, "{report:?}");
    assert!(report.emergency.by_a_later_step > 0, "no emergency call needed its next route: {report:?}");
    assert!(report.normal.refused > 0 && report.normal.reached > 0, "no storm was one: {report:?}");
    assert_eq!(report.vital.refused, 0, "a flood of normal calls touched the vital ones: {report:?}");
}

#[test]
fn a_simulation_is_the_same_for_the_same_seed_and_no_other() {
    let [once, again, other] = [7, 7, 8].map(|seed| simulated(seed, 3_000));
    assert_eq!(once, again);
    assert_ne!(once.digest, other.digest);
}
