//! The first version of a file's form, as whoever receives files has come to know it: it never changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use telness_core::call::{Diversion, Party};
use telness_core::class::Class;
use telness_core::decide::{ForwardedBy, TargetVerdict};
use telness_core::number::Number;
use telness_core::record::billing::Format;
use telness_core::record::{CallRecord, EventKind};
use telness_core::world::Rate;
use telness_store::billing::Issued;
use telness_store::control::Control;
use telness_store::{SqliteStore, Upkeep};

use crate::sample::{call, event};
use crate::scene::{HOUR, NEXT_HOUR, Scene};
use crate::scratch::Scratch;

/// Calls of all kinds: plain with a rate, forwarded here, forwarded before, with texts that a spreadsheet would run, an
/// emergency.
fn calls() -> Vec<CallRecord> {
    let mut all: Vec<CallRecord> = (0..5).map(|ms| call("nordtel", ms)).collect();
    let rated: &mut TargetVerdict = &mut all[0].personal.trace.targets[0];
    rated.rate = Some(("4670".parse().unwrap(), Rate(120_000)));
    all[1].personal.trace.forwarded_by = Some(ForwardedBy {
        tenant: "nordtel".parse().unwrap(),
        user: Some("anna".parse().unwrap()),
        number: Number::E164 { number: "+46701740620".parse().unwrap() },
    });
    let before = Diversion { by: Arc::from("+46701740621"), cause: Arc::from("no-answer") };
    all[2].personal.diversions = vec![before];
    all[3].personal.from = Some(Party { sent: Arc::from("=cmd|' /C calc'!A0"), read: None });
    all[3].routing.sip_call_id = Some(Arc::from("@SUM(1,2);\"x\"\r\n-3"));
    all[4].routing.class = Class::Emergency;
    all[4].routing.rule = None;
    all
}

#[test]
fn the_first_version_of_files_is_what_it_was() {
    let scratch = Scratch::new("billing-golden");
    let store = Arc::new(SqliteStore::open(&scratch.path().join("store.sqlite")).unwrap());
    let control = Control::of_sqlite(Arc::clone(&store));
    crate::run(async {
        let scene = Scene::new(store as Arc<dyn Upkeep>, &control, Box::new(|_| {})).await;
        for (ms, record) in (0..).zip(calls()) {
            scene.talked(&record, ms, 61_234).await;
        }
        scene.close(NEXT_HOUR).await;
        scene.report(event("nordtel", 0, "sooner", EventKind::Ended, 12_000)).await;
        scene.close(NEXT_HOUR + HOUR).await;
        for sequence in [1, 2] {
            for (format, ending) in [(Format::JsonLines, "jsonl"), (Format::Csv, "csv")] {
                let issued = scene.billing.issue(&"nordtel".parse().unwrap(), sequence, format).await.unwrap().unwrap();
                compare(&issued, &format!("v1-{sequence}.{ending}"));
            }
        }
    });
}

fn compare(issued: &Issued, name: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/billing/golden").join(name);
    if std::env::vars().any(|(name, value)| name == "TELNESS_BLESS" && value == "1") {
        std::fs::write(&path, &issued.text).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == issued.text, "{name} is not what it was");
}
