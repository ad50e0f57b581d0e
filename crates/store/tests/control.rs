//! What the control plane promises: one suite, run over each database.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    reason = "a test"
)]

mod scratch;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use scratch::Scratch;
use telness_core::deck::DeckRow;
use telness_core::directory::{Block, NumberEntry, NumberState, Preferences, Tenant, User};
use telness_core::number::E164;
use telness_core::time::Timestamp;
use telness_core::world::Rate;
use telness_store::SqliteStore;
use telness_store::control::{
    Change, ChangeCursor, Changed, Control, ControlError, Deck, DeckHead, DeckLoad, DeckRowKey, Edit, Entity, Expect,
    ListQuery, LogQuery, NodeReport, Refusal, UserKey, Version,
};
use tokio::task::JoinSet;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_795_478_400_000_000 + seconds * 1_000_000)
}

fn edit(comment: &str) -> Edit {
    Edit { author: "anna@nordtel.example".to_owned(), comment: comment.to_owned(), at: at(0) }
}

fn tenant(name: &str) -> Tenant {
    Tenant { name: name.parse().unwrap(), suspended: false, outside_line_prefixes: Vec::new() }
}

fn user(tenant: &str, name: &str) -> User {
    User {
        name: name.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        extension: None,
        devices: serde_json::from_str(r#"[{"trunk":"pbx","number":"ext:201"}]"#).unwrap(),
        preferences: Preferences::default(),
    }
}

fn with_extension(mut user: User, extension: &str) -> User {
    user.extension = Some(extension.parse().unwrap());
    user
}

/// The numbers that may be used for this in Sweden: +46 8 465 004 00 to 99.
fn number(last: u32) -> E164 {
    format!("+468465004{last:02}").parse().unwrap()
}

fn assigned(last: u32, tenant: &str, user: &str) -> NumberEntry {
    NumberEntry {
        number: number(last),
        state: NumberState::Assigned,
        tenant: tenant.parse().unwrap(),
        user: Some(user.parse().unwrap()),
        cutover: None,
    }
}

fn block(first: u32, last: u32, tenant: Option<&str>) -> Block {
    let tenant = tenant.map(|name| name.parse().unwrap());
    Block { first: number(first), last: number(last), tenant, note: "a note".to_owned() }
}

fn refusal(error: ControlError) -> Refusal {
    match error {
        ControlError::Refused { refusal, .. } => refusal,
        other => panic!("{other:?}"),
    }
}

fn conflict_with(error: ControlError) -> String {
    match refusal(error) {
        Refusal::Conflict { with, .. } => with,
        other => panic!("{other:?}"),
    }
}

/// Two tenants with a user each.
async fn two_tenants(control: &Control) {
    for name in ["nordtel", "sydtel"] {
        control.put(&edit("begin"), tenant(name), Expect::Absent).await.unwrap();
        control.put(&edit("begin"), user(name, "anna"), Expect::Absent).await.unwrap();
    }
}

/// All of a kind, in pages of a few.
async fn all_of<E: Entity>(
    list: impl AsyncFn(ListQuery<E>) -> telness_store::control::ListPage<E>,
) -> Vec<(E::Key, Version)> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = list(ListQuery { tenant: None, after, limit: 3 }).await;
        assert!(page.items.len() <= 3);
        all.extend(page.items.iter().map(|item| (item.value.key(), item.version)));
        let Some(next) = page.next else { return all };
        after = Some(next);
    }
}

async fn what_is_put_is_read(control: Control) {
    two_tenants(&control).await;
    let mut anna = with_extension(user("nordtel", "anna"), "201");
    anna.preferences = Preferences { do_not_disturb: true, language: Some("sv".parse().unwrap()) };
    let version = control.put(&edit("an extension"), anna.clone(), Expect::Any).await.unwrap();
    let stored = control.get::<User>(&anna.key()).await.unwrap().unwrap();
    assert_eq!((stored.value, stored.version), (anna.clone(), version));
    assert_eq!(control.version().await.unwrap(), version);
    let mut nordtel = tenant("nordtel");
    nordtel.suspended = true;
    nordtel.outside_line_prefixes = vec!["0".parse().unwrap(), "00".parse().unwrap()];
    control.put(&edit(""), nordtel.clone(), Expect::Any).await.unwrap();
    assert_eq!(control.get::<Tenant>(&nordtel.name).await.unwrap().unwrap().value, nordtel);
    let ported = NumberEntry { state: NumberState::PortedIn, cutover: Some(at(60)), ..assigned(1, "nordtel", "anna") };
    control.put(&edit(""), ported.clone(), Expect::Absent).await.unwrap();
    assert_eq!(control.get::<NumberEntry>(&number(1)).await.unwrap().unwrap().value, ported);
    let ten = block(10, 19, Some("nordtel"));
    control.put(&edit(""), ten.clone(), Expect::Absent).await.unwrap();
    assert_eq!(control.get::<Block>(&number(10)).await.unwrap().unwrap().value, ten);
    // Lists come in pages, in the order of their keys, and may be of one tenant.
    let many = (0..8).map(|at| (user("sydtel", &format!("user-{at}")), Expect::Absent)).collect();
    control.put_all(&edit("many"), many).await.unwrap();
    let all = all_of::<User>(async |query| control.list(&query).await.unwrap()).await;
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!((all.len(), &all), (10, &sorted));
    let query = ListQuery { tenant: Some("nordtel".parse().unwrap()), after: None, limit: 100 };
    let page = control.list::<User>(&query).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}

async fn one_of_many_at_once_wins(control: Control) {
    let mut version = control.put(&edit("begin"), tenant("nordtel"), Expect::Absent).await.unwrap();
    for round in 0..3 {
        let mut tasks = JoinSet::new();
        for task in 0..64 {
            let control = control.clone();
            tasks.spawn(async move {
                let mut changed = tenant("nordtel");
                changed.suspended = task % 2 == 0;
                control.put(&edit(&format!("{round} {task}")), changed, Expect::Version(version)).await
            });
        }
        let ended = tasks.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 63));
        version = won.into_iter().next().unwrap().unwrap();
        for error in lost {
            assert_eq!(refusal(error.unwrap_err()), Refusal::Unexpected { found: Some(version) });
        }
        assert_eq!(control.get::<Tenant>(&"nordtel".parse().unwrap()).await.unwrap().unwrap().version, version);
    }
    // A refused change took no number.
    assert_eq!(control.version().await.unwrap(), version);
    let again = control.put(&edit("again"), tenant("nordtel"), Expect::Absent).await.unwrap_err();
    assert_eq!(refusal(again), Refusal::Unexpected { found: Some(version) });
    let nobody = control.put(&edit("nobody"), tenant("sydtel"), Expect::Version(version)).await.unwrap_err();
    assert_eq!(refusal(nobody), Refusal::Unexpected { found: None });
}

/// What a node has that took in changes.
#[derive(Debug, Default, PartialEq)]
struct Taken {
    users: BTreeMap<UserKey, User>,
    seen: Vec<(Version, String)>,
}

impl Taken {
    fn take(&mut self, (version, change): (Version, Change)) {
        assert!(self.seen.last().is_none_or(|(last, _)| *last <= version), "versions come in their order");
        match change {
            Change::User(Changed::Put(user)) => {
                self.seen.push((version, user.name.to_string()));
                self.users.insert(user.key(), user);
            }
            Change::User(Changed::Gone(key)) => {
                self.seen.push((version, key.name.to_string()));
                self.users.remove(&key);
            }
            _ => {}
        }
    }
}

/// Sixteen write, in an order of chance and with pauses; pollers with pages of all sizes miss nothing.
async fn pollers_skip_nothing(control: Control) {
    const WRITERS: u64 = 16;
    const WRITES: u64 = 12;
    control.put(&edit("begin"), tenant("nordtel"), Expect::Absent).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let control = control.clone();
        writers.spawn(async move {
            let mut chance = writer * 7919 + 1;
            for write in 0..WRITES {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                tokio::time::sleep(std::time::Duration::from_millis(chance >> 60)).await;
                // Each user is put once and never again, so that each write has to be seen.
                let several = (0..1 + (chance >> 40) % 3)
                    .map(|item| (user("nordtel", &format!("user-{writer}-{write}-{item}")), Expect::Absent));
                control.put_all(&edit(""), several.collect()).await.unwrap();
            }
        });
    }
    let mut pollers = JoinSet::new();
    for limit in [1_u32, 2, 7, 1000] {
        let control = control.clone();
        let last = async |control: &Control| control.version().await.unwrap().0 == 1 + (WRITERS * WRITES).cast_signed();
        pollers.spawn(async move {
            let (mut cursor, mut taken) = (ChangeCursor::default(), Taken::default());
            loop {
                let all_written = last(&control).await;
                let changes = control.changes_after(&cursor, limit).await.unwrap();
                assert!(changes.changes.len() <= limit as usize);
                changes.changes.into_iter().for_each(|change| taken.take(change));
                cursor = changes.next;
                if all_written && !changes.more {
                    return taken;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    writers.join_all().await;
    let stored = all_of::<User>(async |query| control.list(&query).await.unwrap()).await;
    assert!(u64::try_from(stored.len()).unwrap() >= WRITERS * WRITES);
    for taken in pollers.join_all().await {
        let seen: BTreeMap<String, Version> =
            taken.seen.iter().map(|(version, name)| (name.clone(), *version)).collect();
        let wanted: BTreeMap<String, Version> =
            stored.iter().map(|(key, version)| (key.name.to_string(), *version)).collect();
        assert_eq!(seen, wanted);
        assert_eq!(taken.seen.len(), wanted.len(), "nothing comes twice");
    }
}

async fn tombstones_tell_of_what_is_gone(control: Control) {
    two_tenants(&control).await;
    control.put(&edit(""), assigned(1, "nordtel", "anna"), Expect::Absent).await.unwrap();
    let mut taken = Taken::default();
    let first = control.changes_after(&ChangeCursor::default(), 100).await.unwrap();
    first.changes.into_iter().for_each(|change| taken.take(change));
    assert_eq!(taken.users.len(), 2);
    control.delete::<NumberEntry>(&edit("gone"), &number(1), Expect::Any).await.unwrap();
    let anna = user("nordtel", "anna").key();
    let gone = control.delete::<User>(&edit("gone"), &anna, Expect::Any).await.unwrap();
    assert_eq!(control.get::<User>(&anna).await.unwrap(), None);
    let next = control.changes_after(&first.next, 100).await.unwrap();
    assert_eq!(next.changes.len(), 2);
    assert!(next.changes.contains(&(gone, Change::User(Changed::Gone(anna.clone())))));
    next.changes.into_iter().for_each(|change| taken.take(change));
    assert_eq!(taken.users.keys().map(ToString::to_string).collect::<Vec<_>>(), ["sydtel/anna"]);
    // What is gone is absent: it can be made again, and not be deleted again.
    assert_eq!(refusal(control.delete::<User>(&edit(""), &anna, Expect::Any).await.unwrap_err()), Refusal::NotFound);
    let stale = control.put(&edit(""), user("nordtel", "anna"), Expect::Version(gone)).await.unwrap_err();
    assert_eq!(refusal(stale), Refusal::Unexpected { found: None });
    let back = control.put(&edit("back"), user("nordtel", "anna"), Expect::Absent).await.unwrap();
    let last = control.changes_after(&next.next, 100).await.unwrap();
    assert_eq!(last.changes, [(back, Change::User(Changed::Put(user("nordtel", "anna"))))]);
    assert!(control.changes_after(&last.next, 100).await.unwrap().changes.is_empty());
}

async fn one_fault_in_a_bulk_changes_nothing(control: Control) {
    two_tenants(&control).await;
    let before = control.version().await.unwrap();
    let fine = |last| (assigned(last, "nordtel", "anna"), Expect::Absent);
    let mut items: Vec<_> = (0..90).map(fine).collect();
    items[41] = (assigned(41, "nordtel", "bo"), Expect::Absent);
    items[70] = (assigned(70, "osttel", "anna"), Expect::Absent);
    let ControlError::Faults { faults, count } = control.put_all(&edit(""), items).await.unwrap_err() else { panic!() };
    // The tenant that is not there has no such user either.
    let told: Vec<_> = faults.iter().map(|fault| (fault.place, fault.key.as_str())).collect();
    assert_eq!((told, count), (vec![(41, "+46846500441"), (70, "+46846500470"), (70, "+46846500470")], 3));
    // Something expected that is not so, something invalid and something twice are told by place as well.
    let mut items: Vec<_> = (0..90).map(fine).collect();
    items[7].1 = Expect::Version(before);
    let ControlError::Faults { faults, count } = control.put_all(&edit(""), items).await.unwrap_err() else { panic!() };
    assert_eq!((faults[0].place, &faults[0].refusal, count), (7, &Refusal::Unexpected { found: None }, 1));
    let mut items: Vec<_> = (0..90).map(fine).collect();
    items[88] = fine(3);
    items[5].0.user = None;
    let ControlError::Faults { faults, count } = control.put_all(&edit(""), items).await.unwrap_err() else { panic!() };
    assert!(matches!(faults[0].refusal, Refusal::Invalid(_)));
    assert_eq!((faults[0].place, faults[1].place, &faults[1].refusal, count), (5, 88, &Refusal::Twice { first: 3 }, 2));
    assert_eq!(control.version().await.unwrap(), before);
    assert!(all_of::<NumberEntry>(async |query| control.list(&query).await.unwrap()).await.is_empty());
    assert!(
        control
            .log(&LogQuery { entity: Some("number".to_owned()), limit: 1, ..LogQuery::default() })
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    // Without a fault all are there by one change.
    let version = control.put_all(&edit("all"), (0..90).map(fine).collect()).await.unwrap();
    let all = all_of::<NumberEntry>(async |query| control.list(&query).await.unwrap()).await;
    assert!(all.len() == 90 && all.iter().all(|(_, of)| *of == version));
    assert_eq!(version.0, before.0 + 1);
}

async fn nothing_points_to_what_is_not_there(control: Control) {
    two_tenants(&control).await;
    let e = edit("");
    let orphan = control.put(&e, user("osttel", "anna"), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(orphan), "tenant osttel");
    let other = control.put(&e, assigned(1, "nordtel", "bo"), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(other), "user nordtel/bo");
    control.put(&e, user("sydtel", "bo"), Expect::Absent).await.unwrap();
    let of_another_tenant = control.put(&e, assigned(1, "nordtel", "bo"), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(of_another_tenant), "user nordtel/bo");
    control.put(&e, assigned(1, "nordtel", "anna"), Expect::Absent).await.unwrap();
    let twice = control.put(&e, assigned(1, "sydtel", "anna"), Expect::Absent).await.unwrap_err();
    assert!(matches!(refusal(twice), Refusal::Unexpected { found: Some(_) }));
    let holds = control.delete::<User>(&e, &user("nordtel", "anna").key(), Expect::Any).await.unwrap_err();
    assert_eq!(conflict_with(holds), "number +46846500401");
    let has_users = control.delete::<Tenant>(&e, &"sydtel".parse().unwrap(), Expect::Any).await.unwrap_err();
    assert!(conflict_with(has_users).starts_with("user sydtel/"));
    // An extension has one holder in a tenant; two may exchange theirs in one change.
    let anna = |extension| (with_extension(user("nordtel", "anna"), extension), Expect::Any);
    let bo = |extension| (with_extension(user("nordtel", "bo"), extension), Expect::Any);
    control.put_all(&e, vec![anna("201"), bo("202")]).await.unwrap();
    control.put_all(&e, vec![anna("202"), bo("201")]).await.unwrap();
    control.put(&e, with_extension(user("sydtel", "anna"), "201"), Expect::Any).await.unwrap();
    let (taken, expect) = anna("201");
    let taken = control.put(&e, taken, expect).await.unwrap_err();
    assert_eq!(conflict_with(taken), "user nordtel/bo");
    // Blocks do not overlap, whichever of them comes first.
    control.put(&e, block(20, 39, None), Expect::Absent).await.unwrap();
    for (first, last) in [(10, 20), (39, 50), (25, 30), (10, 90), (20, 39)] {
        let error = control.put(&e, block(first, last, None), Expect::Absent).await.unwrap_err();
        if first != 20 {
            assert_eq!(conflict_with(error), "block +46846500420 to +46846500439");
        }
    }
    let among = vec![(block(40, 60, None), Expect::Any), (block(50, 70, None), Expect::Any)];
    assert!(matches!(control.put_all(&e, among).await, Err(ControlError::Faults { count: 2, .. })));
    let side_by_side = vec![(block(20, 29, None), Expect::Any), (block(30, 39, Some("sydtel")), Expect::Absent)];
    control.put_all(&e, side_by_side).await.unwrap();
    // A tenant without anything can go.
    control.put(&e, tenant("osttel"), Expect::Absent).await.unwrap();
    control.delete::<Tenant>(&e, &"osttel".parse().unwrap(), Expect::Any).await.unwrap();
}

async fn plans_are_numbered_and_one_is_published(control: Control) {
    assert_eq!(control.published_plan().await.unwrap(), None);
    let e = edit("first");
    let first = control.publish_plan(&e, "version: 1\n# first å\n", Expect::Absent).await.unwrap();
    let second = control.publish_plan(&edit("second"), "version: 1\n", Expect::Version(first.version)).await.unwrap();
    assert_eq!((first.revision, second.revision), (1, 2));
    let late = control.publish_plan(&e, "late", Expect::Version(first.version)).await.unwrap_err();
    assert_eq!(refusal(late), Refusal::Unexpected { found: Some(second.version) });
    let back = control.publish_revision(&edit("back"), 1, Expect::Any).await.unwrap();
    assert_eq!((back.revision, back.comment.as_str()), (1, "back"));
    assert_eq!(control.published_plan().await.unwrap(), Some(back.clone()));
    assert_eq!(refusal(control.publish_revision(&e, 9, Expect::Any).await.unwrap_err()), Refusal::NotFound);
    let read = control.plan(1).await.unwrap().unwrap();
    assert_eq!((read.text.as_str(), read.head.comment.as_str()), ("version: 1\n# first å\n", "first"));
    assert_eq!(control.plan(3).await.unwrap(), None);
    // Going back makes no revision; the next text is the third.
    let third = control.publish_plan(&e, "version: 1\n", Expect::Any).await.unwrap();
    let revisions =
        |heads: Vec<telness_store::control::PlanHead>| heads.iter().map(|head| head.revision).collect::<Vec<_>>();
    assert_eq!(revisions(control.plans(None, 2).await.unwrap()), [3, 2]);
    assert_eq!(revisions(control.plans(Some(2), 2).await.unwrap()), [1]);
    let changes = control.changes_after(&ChangeCursor::after(second.version), 10).await.unwrap();
    let wanted = [(back.version, Change::Plan { revision: 1 }), (third.version, Change::Plan { revision: 3 })];
    assert_eq!(changes.changes, wanted);
}

fn deck_row(prefix: u64, price: u32) -> DeckRow {
    DeckRow {
        prefix: prefix.to_string().parse().unwrap(),
        price: Rate(price),
        connection_fee: Rate(5),
        first_s: 60,
        next_s: 1,
        origin: None,
        surcharge: Rate(0),
        valid_from: None,
        valid_until: None,
    }
}

async fn load(control: &Control, rows: &[DeckRow]) -> DeckLoad {
    let head = DeckHead { trunk: "carrier".parse().unwrap(), currency: "SEK".parse().unwrap() };
    let load = control.begin_deck(&head, at(0)).await.unwrap();
    for batch in rows.chunks(100) {
        control.add_deck_rows(load, batch, at(1)).await.unwrap();
    }
    load
}

async fn rows_of(control: &Control, revision: u64) -> Vec<DeckRow> {
    let mut all: Vec<DeckRow> = Vec::new();
    loop {
        let after = all.last().map(DeckRowKey::from);
        let mut page = control.deck_rows(revision, after.as_ref(), 70).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.append(&mut page);
    }
}

async fn a_deck_is_in_force_whole_or_not(control: Control) {
    let carrier = "carrier".parse().unwrap();
    let mut rows: Vec<DeckRow> = (1000..1250).map(|prefix| deck_row(prefix, 10)).collect();
    // The same prefix for an origin and from a time on.
    rows.push(DeckRow { origin: Some("47".parse().unwrap()), surcharge: Rate(7), ..deck_row(1100, 10) });
    rows.push(DeckRow { valid_from: Some(at(9)), valid_until: Some(at(99)), ..deck_row(1100, 11) });
    rows.sort_by_key(|row| (row.prefix.to_string(), row.origin.map(|origin| origin.to_string()), row.valid_from));
    let first = load(&control, &rows).await;
    let cursor = ChangeCursor::after(control.version().await.unwrap());
    assert_eq!(control.get::<Deck>(&carrier).await.unwrap(), None, "what is being loaded shows nowhere");
    assert!(control.changes_after(&cursor, 10).await.unwrap().changes.is_empty());
    let version = control.finish_deck(&edit("first"), first, Expect::Absent).await.unwrap();
    let deck = control.get::<Deck>(&carrier).await.unwrap().unwrap();
    assert_eq!((deck.version, deck.value.rows, deck.value.revision), (version, 252, first.revision));
    assert_eq!(rows_of(&control, first.revision).await, rows);
    assert_eq!(
        control.changes_after(&cursor, 10).await.unwrap().changes,
        [(version, Change::Deck(Changed::Put(deck.value.clone())))]
    );

    // An interrupted load leaves what is in force, and nothing in the end.
    let interrupted = load(&control, &rows[..200]).await;
    let twice = control.add_deck_rows(interrupted, &[deck_row(1900, 1), deck_row(1000, 1)], at(2)).await.unwrap_err();
    assert!(matches!(refusal(twice), Refusal::Invalid(_)));
    assert_eq!(rows_of(&control, interrupted.revision).await.len(), 200, "of a refused batch nothing stays");
    assert_eq!(control.get::<Deck>(&carrier).await.unwrap().unwrap(), deck);
    while control.sweep_decks(at(1)).await.unwrap() {}
    assert_eq!(rows_of(&control, interrupted.revision).await.len(), 200, "somebody may still be loading");
    while control.sweep_decks(at(2)).await.unwrap() {}
    assert!(rows_of(&control, interrupted.revision).await.is_empty());
    assert_eq!(
        refusal(control.add_deck_rows(interrupted, &[deck_row(1, 1)], at(3)).await.unwrap_err()),
        Refusal::NotFound
    );
    assert_eq!(refusal(control.finish_deck(&edit(""), interrupted, Expect::Any).await.unwrap_err()), Refusal::NotFound);
    let empty = load(&control, &[]).await;
    assert!(matches!(
        refusal(control.finish_deck(&edit(""), empty, Expect::Any).await.unwrap_err()),
        Refusal::Invalid(_)
    ));
    control.abandon_deck(empty).await.unwrap();
    assert_eq!(rows_of(&control, first.revision).await, rows);

    // Another deck takes its place; of two that were loaded at once the second is refused.
    let (second, third) = (load(&control, &[deck_row(46, 1)]).await, load(&control, &[deck_row(46, 2)]).await);
    let now = control.finish_deck(&edit("second"), second, Expect::Version(version)).await.unwrap();
    let late = control.finish_deck(&edit("third"), third, Expect::Version(version)).await.unwrap_err();
    assert_eq!(refusal(late), Refusal::Unexpected { found: Some(now) });
    while control.sweep_decks(at(2)).await.unwrap() {}
    assert!(rows_of(&control, first.revision).await.is_empty() && rows_of(&control, third.revision).await.is_empty());
    assert_eq!(rows_of(&control, second.revision).await, [deck_row(46, 1)]);
    control.delete::<Deck>(&edit("gone"), &carrier, Expect::Version(now)).await.unwrap();
    while control.sweep_decks(at(2)).await.unwrap() {}
    assert!(rows_of(&control, second.revision).await.is_empty());
}

async fn the_log_says_who_changed_what(control: Control) {
    two_tenants(&control).await;
    let mut changed = tenant("nordtel");
    changed.suspended = true;
    let version = control.put(&edit("not paid"), changed, Expect::Any).await.unwrap();
    control.delete::<User>(&edit("left"), &user("nordtel", "anna").key(), Expect::Any).await.unwrap();
    let of = |tenant: &str, limit| LogQuery { tenant: Some(tenant.parse().unwrap()), limit, ..LogQuery::default() };
    let page = control.log(&of("nordtel", 2)).await.unwrap();
    let (left, not_paid) = (&page.entries[0], &page.entries[1]);
    assert_eq!((left.key.as_str(), left.comment.as_str(), &left.after), ("nordtel/anna", "left", &None));
    assert!(left.before.as_ref().unwrap()["devices"].is_array());
    assert_eq!((not_paid.at_place.version, not_paid.author.as_str()), (version, "anna@nordtel.example"));
    assert_eq!(not_paid.before.as_ref().unwrap()["suspended"], false);
    assert_eq!(not_paid.after.as_ref().unwrap()["suspended"], true);
    assert_eq!(not_paid.at, at(0));
    let rest = control.log(&LogQuery { before: page.next, ..of("nordtel", 10) }).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next), (2, None));
    assert!(rest.entries.iter().all(|entry| entry.before.is_none() && entry.tenant == left.tenant));
    let one = LogQuery {
        entity: Some("user".to_owned()),
        key: Some("sydtel/anna".to_owned()),
        limit: 9,
        ..LogQuery::default()
    };
    assert_eq!(control.log(&one).await.unwrap().entries.len(), 1);
}

/// Whoever asked may go away at any point: then all of the change was made or nothing, and nobody stands in the way of
/// the next one.
async fn whoever_goes_away_leaves_nothing_half_done(control: Control) {
    control.put(&edit("begin"), tenant("nordtel"), Expect::Absent).await.unwrap();
    for at in 0..120_u64 {
        let several = [0, 1].map(|item| (user("nordtel", &format!("user-{at}-{item}")), Expect::Absent));
        let (e, patience) = (edit(""), std::time::Duration::from_micros(at * 60));
        let _ = tokio::time::timeout(patience, control.put_all(&e, several.into())).await;
        let next = control.put(&edit("next"), tenant("nordtel"), Expect::Any).await.unwrap();
        assert_eq!(control.version().await.unwrap(), next);
    }
    let users = all_of::<User>(async |query| control.list(&query).await.unwrap()).await;
    let mut by_version: BTreeMap<Version, usize> = BTreeMap::new();
    users.iter().for_each(|(_, version)| *by_version.entry(*version).or_default() += 1);
    assert!(by_version.values().all(|count| *count == 2), "{by_version:?}");
    // No version was taken by a change that was not made.
    let query = LogQuery { entity: Some("tenant".to_owned()), limit: 1000, ..LogQuery::default() };
    let tenants = control.log(&query).await.unwrap().entries.len();
    assert_eq!(control.version().await.unwrap().0, i64::try_from(tenants + by_version.len()).unwrap());
}

async fn nodes_are_known_by_what_they_said_last(control: Control) {
    let report = |name: &str, second| NodeReport {
        name: name.parse().unwrap(),
        started_at: at(0),
        seen_at: at(second),
        version: "0.1.0".to_owned(),
        schema_version: 3,
        plan_revision: 7,
        served_version: 42,
        snapshot_age_s: (second > 1).then_some(5),
        journal_bytes: 1 << 40,
        backlog_records: 0,
        backlog_age_s: 0,
    };
    let before = control.version().await.unwrap();
    for (name, second) in [("node-b", 1), ("node-a", 1), ("node-b", 2)] {
        control.heartbeat(&report(name, second)).await.unwrap();
    }
    assert_eq!(control.nodes().await.unwrap(), [report("node-a", 1), report("node-b", 2)]);
    assert!(control.forget_node(&"node-a".parse().unwrap()).await.unwrap());
    assert!(!control.forget_node(&"node-a".parse().unwrap()).await.unwrap());
    assert_eq!(control.nodes().await.unwrap(), [report("node-b", 2)]);
    assert_eq!(control.version().await.unwrap(), before, "what nodes say is no change");
}

/// A deck of a million rows, and as many numbers by pages: run by hand, with what it took printed.
async fn a_million(control: Control) {
    let begun = tokio::time::Instant::now();
    let rows: Vec<DeckRow> = (0..1_000_000_u64).map(|at| deck_row(10_000_000 + at * 37 % 1_000_003, 10)).collect();
    let head = DeckHead { trunk: "carrier".parse().unwrap(), currency: "SEK".parse().unwrap() };
    let load = control.begin_deck(&head, at(0)).await.unwrap();
    for batch in rows.chunks(10_000) {
        control.add_deck_rows(load, batch, at(1)).await.unwrap();
    }
    control.finish_deck(&edit(""), load, Expect::Any).await.unwrap();
    println!("a million rows were loaded in {:?}", begun.elapsed());
    let (begun, mut read, mut after) = (tokio::time::Instant::now(), 0, None);
    loop {
        let page = control.deck_rows(load.revision, after.as_ref(), 10_000).await.unwrap();
        let Some(last) = page.last() else { break };
        read += page.len();
        after = Some(DeckRowKey::from(last));
    }
    println!("{read} rows were read in {:?}", begun.elapsed());
    two_tenants(&control).await;
    let begun = tokio::time::Instant::now();
    let before = control.version().await.unwrap();
    // Of a country code that nobody has.
    let entry =
        |at: u64| NumberEntry { number: format!("+999{at:07}").parse().unwrap(), ..assigned(0, "nordtel", "anna") };
    for part in 0..20 {
        let items = (0..10_000).map(|at| (entry(part * 10_000 + at), Expect::Absent)).collect();
        control.put_all(&edit(""), items).await.unwrap();
    }
    println!("200,000 numbers were put in {:?}", begun.elapsed());
    let (begun, mut cursor, mut read) = (tokio::time::Instant::now(), ChangeCursor::after(before), 0);
    loop {
        let changes = control.changes_after(&cursor, 10_000).await.unwrap();
        read += changes.changes.len();
        cursor = changes.next;
        if !changes.more {
            break;
        }
    }
    println!("{read} changes were read in {:?}", begun.elapsed());
    let begun = tokio::time::Instant::now();
    control.delete::<Deck>(&edit(""), &"carrier".parse().unwrap(), Expect::Any).await.unwrap();
    while control.sweep_decks(at(0)).await.unwrap() {}
    println!("a million rows were swept away in {:?}", begun.elapsed());
}

/// The suite over one database: a function that gives a test an empty one.
macro_rules! suite {
    ($with_control:ident) => {
        #[test]
        fn what_is_put_is_read() {
            $with_control("put", super::what_is_put_is_read);
        }

        #[test]
        fn one_of_many_at_once_wins() {
            $with_control("at-once", super::one_of_many_at_once_wins);
        }

        #[test]
        fn pollers_skip_nothing() {
            $with_control("pollers", super::pollers_skip_nothing);
        }

        #[test]
        fn tombstones_tell_of_what_is_gone() {
            $with_control("tombstones", super::tombstones_tell_of_what_is_gone);
        }

        #[test]
        fn s3_one_fault_in_a_bulk_changes_nothing() {
            $with_control("bulk", super::one_fault_in_a_bulk_changes_nothing);
        }

        #[test]
        fn nothing_points_to_what_is_not_there() {
            $with_control("integrity", super::nothing_points_to_what_is_not_there);
        }

        #[test]
        fn plans_are_numbered_and_one_is_published() {
            $with_control("plans", super::plans_are_numbered_and_one_is_published);
        }

        #[test]
        fn s3_a_deck_is_in_force_whole_or_not() {
            $with_control("decks", super::a_deck_is_in_force_whole_or_not);
        }

        #[test]
        fn the_log_says_who_changed_what() {
            $with_control("log", super::the_log_says_who_changed_what);
        }

        #[test]
        fn whoever_goes_away_leaves_nothing_half_done() {
            $with_control("goes-away", super::whoever_goes_away_leaves_nothing_half_done);
        }

        #[test]
        #[ignore = "takes minutes; run it by hand to see how long"]
        fn a_million() {
            $with_control("a-million", super::a_million);
        }

        #[test]
        fn nodes_are_known_by_what_they_said_last() {
            $with_control("nodes", super::nodes_are_known_by_what_they_said_last);
        }
    };
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

mod sqlite {
    use super::*;

    fn with_control<F: Future<Output = ()>>(name: &str, test: impl FnOnce(Control) -> F) {
        let scratch = Scratch::new(name);
        let store = SqliteStore::open(&scratch.path().join("store.sqlite")).unwrap();
        run(test(Control::of_sqlite(Arc::new(store))));
    }

    suite!(with_control);
}

mod postgres {
    use std::sync::OnceLock;

    use telness_store::{Migrations, PostgresOptions, PostgresStore, Tls};
    use telness_testkit::Postgres;

    use super::*;

    /// The server of this test's process.
    fn server() -> &'static Postgres {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Postgres::start)
    }

    fn options() -> PostgresOptions {
        let url = server().url(&server().database());
        PostgresOptions { tls: Tls::Off, connections_max: 4, ..PostgresOptions::new(url) }
    }

    fn with_control<F: Future<Output = ()>>(_: &str, test: impl FnOnce(Control) -> F) {
        let options = options();
        run(async {
            Migrations::new(&options).unwrap().up().await.unwrap();
            let store = PostgresStore::open(&options).unwrap();
            test(Control::of_postgres(&store)).await;
        });
    }

    suite!(with_control);

    #[test]
    fn the_schema_is_what_its_steps_made() {
        let migrations = Migrations::new(&options()).unwrap();
        run(async {
            migrations.up().await.unwrap();
            migrations.verify().await.unwrap();
        });
    }

    #[test]
    fn a_change_is_hinted_at_when_it_is_committed() {
        let options = options();
        run(async {
            Migrations::new(&options).unwrap().up().await.unwrap();
            let store = PostgresStore::open(&options).unwrap();
            let control = Control::of_postgres(&store);
            let mut hints = store.hints();
            // The listener says so as well when it has begun to listen.
            let hinted = async {
                loop {
                    control.put(&edit(""), tenant("nordtel"), Expect::Any).await.unwrap();
                    let next = tokio::time::timeout(std::time::Duration::from_millis(500), hints.changed()).await;
                    if next.is_ok() {
                        return;
                    }
                }
            };
            tokio::time::timeout(std::time::Duration::from_secs(20), hinted).await.unwrap();
        });
    }
}
