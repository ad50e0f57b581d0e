//! What the stores of these tests hold: something of everything, in an order and number that a seed says.

use std::time::Duration;

use telness_core::deck::DeckRow;
use telness_core::directory::{Block, NumberEntry, NumberState, Preferences, Tenant, User};
use telness_core::record::billing::Settling;
use telness_core::record::{CallRecord, EventKind};
use telness_core::time::Timestamp;
use telness_core::world::Rate;
use telness_store::billing::{Billing, BillingFile, Closing};
use telness_store::control::{DeckHead, Edit, Expect};
use telness_store::{Entry, JournalId, Position};
use telness_testkit::Dice;
use uuid::Uuid;

use super::Kept;
use super::sample::{at_ms, call, entry, event};

pub(super) const TENANTS: [&str; 3] = ["nordtel", "sydtel", "north.tel_2"];

pub(super) fn edit(comment: &str) -> Edit {
    Edit { author: "anna@nordtel.example".to_owned(), comment: comment.to_owned(), at: at_ms(7) }
}

pub(super) fn tenant(name: &str) -> Tenant {
    serde_json::from_value(serde_json::json!({ "name": name, "outside_line_prefixes": ["0", "9"] })).unwrap()
}

pub(super) fn user(tenant: &str, name: &str, extension: Option<u64>) -> User {
    User {
        name: name.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        extension: extension.map(|extension| extension.to_string().parse().unwrap()),
        devices: serde_json::from_str(r#"[{"trunk":"pbx","number":"ext:201"},{"trunk":"m","number":"+46701740605"}]"#)
            .unwrap(),
        preferences: Preferences { do_not_disturb: extension.is_some(), language: Some("sv".parse().unwrap()) },
    }
}

pub(super) fn number(last: u64, tenant: &str, user: Option<&str>) -> NumberEntry {
    NumberEntry {
        number: format!("+468465004{last:02}").parse().unwrap(),
        state: if user.is_some() { NumberState::Assigned } else { NumberState::Quarantined },
        tenant: tenant.parse().unwrap(),
        user: user.map(|user| user.parse().unwrap()),
        cutover: None,
    }
}

pub(super) fn deck_row(prefix: &str, price: u32) -> DeckRow {
    DeckRow {
        prefix: prefix.parse().unwrap(),
        price: Rate(price),
        connection_fee: Rate(7),
        first_s: 60,
        next_s: 1,
        origin: prefix.starts_with('4').then(|| "46".parse().unwrap()),
        surcharge: Rate(0),
        valid_from: prefix.ends_with('7').then(|| at_ms(0)),
        valid_until: None,
    }
}

/// Brings a deck into force.
pub(super) async fn load_deck(kept: &Kept, trunk: &str, rows: &[DeckRow]) {
    let head = DeckHead { trunk: trunk.parse().unwrap(), currency: "SEK".parse().unwrap() };
    let load = kept.control.begin_deck(&head, at_ms(1)).await.unwrap();
    kept.control.add_deck_rows(load, rows, at_ms(2)).await.unwrap();
    kept.control.finish_deck(&edit("rates"), load, Expect::Any).await.unwrap();
}

/// Fills an empty store.
pub(super) async fn fill(kept: &Kept, seed: u64) {
    let mut dice = Dice::seeded(seed);
    edits(kept, &mut dice, 2_500).await;
    calls(kept, &mut dice, 600).await;
}

/// The same with as little of each as makes a file of everything.
pub(super) async fn fill_a_little(kept: &Kept, seed: u64) {
    let mut dice = Dice::seeded(seed);
    edits(kept, &mut dice, 20).await;
    calls(kept, &mut dice, 2).await;
}

async fn edits(kept: &Kept, dice: &mut Dice, rows_max: u64) {
    let control = &kept.control;
    for name in &TENANTS[..2] {
        control.put(&edit("begin"), tenant(name), Expect::Absent).await.unwrap();
        for at in 0..1 + dice.below(20) {
            let extension = (at % 2 == 0).then_some(200 + at);
            control.put(&edit(""), user(name, &format!("user-{at}"), extension), Expect::Absent).await.unwrap();
        }
    }
    let numbers = (0..dice.below(40)).map(|at| {
        let tenant = TENANTS[usize::try_from(at % 2).unwrap()];
        (number(at, tenant, (at % 3 == 0).then_some("user-0")), Expect::Any)
    });
    let numbers: Vec<_> = numbers.collect();
    if !numbers.is_empty() {
        control.put_all(&edit("numbers"), numbers).await.unwrap();
    }
    let block = Block {
        first: "+46846500400".parse().unwrap(),
        last: "+46846500499".parse().unwrap(),
        tenant: None,
        note: "a note \"with\" \\ and é".to_owned(),
    };
    control.put(&edit("block"), block, Expect::Any).await.unwrap();
    let gone = user(TENANTS[0], "gone", None);
    control.put(&edit(""), gone.clone(), Expect::Any).await.unwrap();
    control.delete::<User>(&edit("away"), &telness_store::control::Entity::key(&gone), Expect::Any).await.unwrap();
    for at in 0..1 + dice.below(3) {
        control.publish_plan(&edit("a plan"), &format!("plan: {at}\n"), Expect::Any).await.unwrap();
    }
    control.publish_revision(&edit("back"), 1, Expect::Any).await.unwrap();
    let rows: Vec<DeckRow> =
        (0..dice.below(rows_max)).map(|at| deck_row(&format!("{}", 3_100 + at), u32::try_from(at).unwrap())).collect();
    load_deck(kept, "carrier-one", &[deck_row("46", 1)]).await;
    load_deck(kept, "carrier-one", &[&[deck_row("467", 2)], rows.as_slice()].concat()).await;
    load_deck(kept, "carrier-two", &[deck_row("44", 3)]).await;
    control
        .delete::<telness_store::control::Deck>(&edit(""), &"carrier-two".parse().unwrap(), Expect::Any)
        .await
        .unwrap();
}

fn keyed(mut record: CallRecord, lot: u64) -> CallRecord {
    let lot = lot.wrapping_add(1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    record.routing.call_id.0 = Uuid::from_u64_pair(lot & !0xf000 | 0x8000, 1 << 63 | lot >> 2);
    record
}

fn event_of(record: &CallRecord, event_id: &str, kind: EventKind, after_ms: i64) -> Entry {
    let at = |ms| Timestamp::from_micros(record.routing.received_at.as_micros() + ms * 1_000);
    let mut event = event(record.routing.tenant.as_str(), 0, event_id, kind, 0);
    event.call_id = record.routing.call_id;
    (event.occurred_at, event.received_at) = (at(after_ms), at(after_ms + 30));
    Entry::Event(Box::new(event))
}

/// Calls over some days, with events that count, that are beyond those, that wait, and records that contradict.
async fn calls(kept: &Kept, dice: &mut Dice, calls_max: u64) {
    let (mut entries, mut first) = (Vec::new(), None);
    for number in 0..40 + i64::try_from(dice.below(calls_max)).unwrap() {
        let tenant = TENANTS[usize::try_from(dice.below(3)).unwrap()];
        let mut record = call(tenant, number * 200_000 + number);
        if dice.below(3) == 0 {
            record = keyed(record, u64::try_from(number).unwrap());
        }
        first.get_or_insert_with(|| record.clone());
        if number % 40 != 7 {
            entries.push(entry(&record));
        }
        if number % 40 == 9 {
            let mut other = record.clone();
            other.routing.node = "node-other".parse().unwrap();
            entries.push(entry(&other));
        }
        for (kind, after) in [(EventKind::Ringing, 100), (EventKind::Answered, 2_000), (EventKind::Ended, 62_000)] {
            if dice.below(4) > 0 {
                entries.push(event_of(&record, &format!("{number}-{after}"), kind, after));
            }
        }
        if number == 11 {
            entries.extend((0..150).map(|at| event_of(&record, &format!("flood-{at}"), EventKind::Ringing, at)));
        }
    }
    for (number, batch) in entries.chunks(300).enumerate() {
        let upto = Position(u64::try_from(number + 1).unwrap());
        kept.store.write(JournalId([9; 16]), upto, batch.to_vec()).await.unwrap();
    }
    issued(kept, &first.unwrap()).await;
}

/// Files for billing that are closed, with a correction, and a record that waits for the next.
async fn issued(kept: &Kept, first: &CallRecord) {
    let report = async |number: u64, event: Entry| {
        kept.store.write(JournalId([8; 16]), Position(number), vec![event]).await.unwrap();
    };
    close(kept, 60 * HOUR).await;
    report(1, event_of(first, "sooner", EventKind::Ended, 3_000)).await;
    close(kept, 61 * HOUR).await;
    report(2, event_of(first, "sooner-still", EventKind::Failed, 2_500)).await;
    report(3, event_of(first, "soonest", EventKind::Ended, 2_400)).await;
    assert!(Billing::of(&kept.control).gather(closing(61 * HOUR)).await.unwrap().records > 0);
}

pub(super) const HOUR: i64 = 3_600_000;

/// Records and files so many milliseconds after the first call.
pub(super) async fn close(kept: &Kept, ms: i64) -> Vec<BillingFile> {
    let billing = Billing::of(&kept.control);
    billing.gather(closing(ms)).await.unwrap();
    let mut files = Vec::new();
    for tenant in billing.tenants().await.unwrap() {
        files.extend(billing.close(&tenant, closing(ms)).await.unwrap());
    }
    files
}

pub(super) fn closing(ms: i64) -> Closing {
    let settling = Settling { settle: Duration::from_secs(900), open_max: Duration::from_secs(172_800) };
    Closing { settling, file_records_max: 50, now: at_ms(ms) }
}
