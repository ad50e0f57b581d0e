//! Kills the real process under load at arbitrary moments, starts it again on the same folder, and holds it to
//! what it acknowledged (N1, N2, N5). `TELNESS_KILLS=200` for the long form, `TELNESS_SEED=…` for the same moments.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test; its form is chosen by the environment"
)]

#[path = "../acknowledged/mod.rs"]
mod acknowledged;

use std::time::Duration;

use telness_testkit::{Dice, Service, ServiceOptions, pause};

use acknowledged::callers::{CALLERS, Callers};
use acknowledged::ledger::Ledger;
use acknowledged::{from_environment, verify};

/// Kills in the short form, which every change runs.
const KILLS: u64 = 15;

/// The longest time under load before a kill.
const UNDER_LOAD_MS_MAX: u64 = 900;

fn options(folder: &tempfile::TempDir) -> ServiceOptions {
    // Small segments and batches, so that kills also fall between them.
    ServiceOptions::new(env!("CARGO_BIN_EXE_telness"), folder.path())
        .set("journal.segment_bytes_max", "300000")
        .set("shipper.batch_records_max", "200")
        .set("log.filter", "warn")
}

#[test]
fn n2_killed_at_any_moment_every_acknowledged_call_and_event_is_there_once() {
    let kills = from_environment("TELNESS_KILLS", || KILLS);
    let seed = from_environment("TELNESS_SEED", Dice::fresh_seed);
    println!("{kills} kills, TELNESS_SEED={seed}");
    let mut dice = Dice::seeded(seed);
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let mut ledger = Ledger::default();
    for kill in 0..kills {
        let mut service = Service::start(&options);
        verify::replays(&service, &mut ledger, &mut dice);
        let callers = Callers::start(&service, &ledger, &mut dice);
        pause(Duration::from_millis(dice.below(UNDER_LOAD_MS_MAX)));
        service.kill();
        let answered = callers.join(&mut ledger);
        println!("kill {kill}: {answered} answers before it");
        if dice.one_in(4) {
            // Killed again while it picks up what the first kill left.
            Service::start_and_kill(&options, Duration::from_millis(dice.below(150)));
        }
    }
    let service = Service::start(&options);
    verify::replays(&service, &mut ledger, &mut dice);
    verify::everything(&service, &ledger);
    println!("{}", ledger.summary());
    assert!(ledger.calls() > usize::try_from(kills).unwrap() * 10, "hardly any load: {}", ledger.summary());
}

#[test]
fn n1_asked_to_stop_it_answers_what_is_in_hand_and_loses_nothing() {
    let mut dice = Dice::seeded(1);
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let mut ledger = Ledger::default();
    for _ in 0..3 {
        let mut service = Service::start(&options);
        let callers = Callers::start(&service, &ledger, &mut dice);
        pause(Duration::from_millis(100 + dice.below(200)));
        service.ask_to_stop();
        let status = service.stopped();
        assert_eq!(status.code(), Some(0), "{}", service.log());
        let before = ledger.unanswered();
        callers.join(&mut ledger);
        // A connection may be closed just as its next request is written; none that was in hand goes unanswered.
        let cut = ledger.unanswered() - before;
        assert!(cut <= CALLERS, "{cut} of {CALLERS} connections were cut");
    }
    let service = Service::start(&options);
    verify::everything(&service, &ledger);
}
