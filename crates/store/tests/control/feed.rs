//! Many at once, and those who follow what they change.

use super::*;

pub(crate) async fn one_of_many_at_once_wins(control: Control) {
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
pub(crate) struct Taken {
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
pub(crate) async fn pollers_skip_nothing(control: Control) {
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

pub(crate) async fn tombstones_tell_of_what_is_gone(control: Control) {
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

/// Whoever asked may go away at any point: then all of the change was made or nothing, and nobody stands in the way of
/// the next one.
pub(crate) async fn whoever_goes_away_leaves_nothing_half_done(control: Control) {
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
