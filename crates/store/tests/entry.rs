//! The journal's entries: what any released version wrote is read for ever.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    dead_code,
    reason = "a test"
)]

mod sample;

use std::path::{Path, PathBuf};

use telness_core::call::{Diversion, FieldFault, Location, Privacy};
use telness_core::reason::Reason;
use telness_core::record::EventKind;
use telness_store::Entry;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Entries with everything in them that there can be, and with as little as there can be.
fn of_version_1() -> Vec<(&'static str, Entry)> {
    let mut full = sample::call("nordtel", 5);
    full.routing.degraded = vec!["portability:timeout".into()];
    full.routing.request_hash = Some(u64::MAX);
    full.personal.privacy = Privacy::Withheld;
    full.personal.diversions = vec![Diversion { by: "+46846500401".into(), cause: "no-answer".into() }];
    full.personal.location = Some(Location {
        latitude: Some(59.3293),
        longitude: Some(18.0686),
        cell: Some("240-01-1-7".into()),
        ..Location::default()
    });
    full.personal.notes = vec![FieldFault {
        field: "location.uncertainty_m".into(),
        reason: Reason::Routed,
        detail: "not a number: Å".into(),
    }];

    let mut least = sample::call("nordtel", 6);
    let routing = &mut least.routing;
    (routing.peer, routing.site, routing.rule, routing.matched_prefix) = (None, None, None, None);
    (routing.trunk, routing.gateway, routing.caller_key, routing.called_key) = (None, None, None, None);
    routing.sip_call_id = None;
    least.personal.from = None;
    least.personal.metadata.clear();
    least.personal.steps.clear();
    least.personal.trace = telness_core::decide::Trace::default();

    let ended = sample::event("nordtel", 5, "leg-1.1:ended", EventKind::Ended, 61_000);
    let mut ringing = sample::event("nordtel", 5, "r", EventKind::Ringing, 100);
    ringing.sip_call_id = None;
    vec![
        ("v1-call-full.bin", sample::entry(&full)),
        ("v1-call-least.bin", sample::entry(&least)),
        ("v1-event-full.bin", Entry::Event(Box::new(ended))),
        ("v1-event-least.bin", Entry::Event(Box::new(ringing))),
    ]
}

#[test]
fn s2_entries_of_version_1_are_read_for_ever() {
    for (name, expected) in of_version_1() {
        let read = Entry::decode(&std::fs::read(file(name)).unwrap()).unwrap();
        // The personal part is bytes, and what was optional may be written otherwise later.
        match (read, expected) {
            (Entry::Call { routing, personal }, Entry::Call { routing: expected, personal: expected_personal }) => {
                assert_eq!(routing, expected, "{name}");
                assert_eq!(Entry::personal(&personal).unwrap(), Entry::personal(&expected_personal).unwrap(), "{name}");
            }
            (read, expected) => assert_eq!(read, expected, "{name}"),
        }
    }
}

/// Whoever changes the form of what is written learns it here. Until version 1 is released, its files may be written
/// anew: delete one and run this test twice. Afterwards a change needs a version of its own.
#[test]
fn s2_entries_are_written_as_version_1_wrote_them() {
    for (name, entry) in of_version_1() {
        let bytes = entry.encode().unwrap();
        if !file(name).exists() {
            std::fs::write(file(name), &bytes).unwrap();
            panic!("{name} was not there and is written now");
        }
        let kept = std::fs::read(file(name)).unwrap();
        assert_eq!(bytes, kept, "{name}: {:?} in place of {:?}", lossy(&bytes), lossy(&kept));
        assert_eq!(Entry::decode(&bytes).unwrap(), entry);
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_is_no_entry_is_refused_and_says_why() {
    let call = sample::entry(&sample::call("nordtel", 1)).encode().unwrap();
    for (bytes, why) in [
        (&b""[..], "cut short"),
        (&b"\x01"[..], "cut short"),
        (&b"\x01\x01\xff\xff"[..], "cut short"),
        (&b"\x01\x01\xff\xff\xff\xff\x80"[..], "cut short"),
        (&b"\x01\x07\x80"[..], "kind 7"),
        (&b"\x02\x01\x80"[..], "version 2"),
        (&b"\x01\x02\x80"[..], "missing field"),
        (&b"\x01\x02{}"[..], "invalid type: integer"),
        // A map, an array and a text that say they are longer than memory.
        (&b"\x01\x02\xdf\xff\xff\xff\xff"[..], "failed to fill"),
        (&b"\x01\x02\xdd\xff\xff\xff\xff"[..], "failed to fill"),
        (&b"\x01\x02\x81\xdb\xff\xff\xff\xff"[..], "unexpected end of file"),
    ] {
        let error = Entry::decode(bytes).unwrap_err().to_string();
        assert!(error.contains(why), "{bytes:?}: {error}");
    }
    // A personal part is read later; a routing part that is cut short is found at once.
    let routing_bytes = usize::try_from(u32::from_le_bytes(call[2..6].try_into().unwrap())).unwrap();
    for length in 0..6 + routing_bytes {
        assert!(Entry::decode(&call[..length]).is_err(), "cut to {length} bytes");
    }
}
