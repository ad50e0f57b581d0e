//! Emergency calls while the low workflow is offered ten times its limit, and something else goes wrong besides. The
//! short form of `scripts/overload`, which measures how long they take: on a busy machine that says nothing.

use std::time::Duration;

use telness_testkit::load::{Fault, Overload, Overloaded, overload};

fn driven(one_process: bool, fault: Fault) -> Overloaded {
    let folder = tempfile::tempdir().unwrap();
    let driven = overload(&Overload {
        telness: env!("CARGO_BIN_EXE_telness").into(),
        data_in: folder.path().to_owned(),
        one_process,
        bare: None,
        fault,
        calls_in_flight_max: 4,
        rate: 100.0,
        rest: Duration::from_secs(1),
        length: Duration::from_secs(2),
        settings: Vec::new(),
    });
    let driven = driven.unwrap();
    assert_eq!((driven.at_rest.failed, driven.during.failed), (0, 0), "{:?}", driven.during.first_failure);
    assert_eq!((driven.sent(), driven.routed), (300, 300), "every emergency call has a route: {driven}");
    driven
}

#[test]
fn e12_every_emergency_call_is_routed_while_the_low_workflow_is_offered_ten_times_its_limit() {
    for one_process in [false, true] {
        let (taken, refused) = driven(one_process, Fault::None).low.expect("it lives");
        assert!(taken > 0 && refused > 0, "it was no overload, or nothing else was carried: {taken}, {refused}");
    }
}

#[test]
fn e12_every_emergency_call_is_routed_while_the_disk_is_full_and_while_the_other_process_stands_still() {
    driven(false, Fault::DiskFull);
    driven(false, Fault::Stopped);
}

#[test]
fn e12_every_emergency_call_is_routed_while_the_database_hangs() {
    for one_process in [false, true] {
        driven(one_process, Fault::PostgresHung);
    }
}

#[test]
fn e13_every_emergency_call_is_routed_when_the_other_process_is_killed() {
    assert_eq!(driven(false, Fault::Killed).low, None);
}
