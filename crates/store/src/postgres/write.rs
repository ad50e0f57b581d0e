//! One batch from a journal, in one transaction. What is there stays as it is; what contradicts it is kept beside it.

use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash as _;
use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::Transaction;
use futures_util::try_join;
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::{CallEvent, Routing};
use telness_core::time::Timestamp;
use uuid::Uuid;

use super::calls::{self, Columns};
use super::trouble::Trouble;
use super::value::{Day, Time};
use super::{copy_in, early, events, marks, read, to_json};
use crate::billing::Hours;
use crate::{Entry, JournalId, Position, Shipment, StoreError, Written};

/// Moves the position on, from one that is not before where the store was seen to be.
const POSITION: &str = "INSERT INTO ship_positions (journal, position)
    SELECT $1, $2 WHERE coalesce((SELECT position FROM ship_positions WHERE journal = $1), -1) >= $3
    ON CONFLICT (journal) DO UPDATE SET position = greatest(ship_positions.position, excluded.position),
    shipped_at = now()";
const KEYED_RETIE: &str = "UPDATE keyed_calls SET received_at = $3 WHERE tenant = $1 AND call_id = $2
    AND received_at = $4";
const POSITION_READ: &str = "SELECT position FROM ship_positions WHERE journal = $1";
const KEYED_INSERT: &str = "INSERT INTO keyed_calls (tenant, call_id, received_at)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) ON CONFLICT (tenant, call_id) DO NOTHING";
/// Whether there are events that wait for their call, and ids of version 7 whose first record has another time than
/// they tell.
const RARITIES: &str = "SELECT EXISTS (SELECT 1 FROM early_events),
    EXISTS (SELECT 1 FROM keyed_calls WHERE get_byte(uuid_send(call_id), 6) >> 4 = 7)";
const CONTRADICTION: &str = "INSERT INTO contradictions (tenant, call_id, digest, received_at, routing, personal)
    VALUES ($1, $2, $3, $4, $5::text::json, $6) ON CONFLICT DO NOTHING";

/// Whose call it is.
pub(super) type Key = (TenantName, CallId);

/// A call of a batch by its key.
type Call<'a> = (&'a Key, &'a Record);

/// One call of a batch.
struct Record {
    routing: Box<Routing>,
    personal: Vec<u8>,
}

/// What is to be written, in an order that does not depend on the journal's: two nodes that write the same rows never
/// wait for each other in a circle.
pub(super) struct Batch {
    journal: JournalId,
    after: Option<Position>,
    position: i64,
    /// The first record of each call.
    calls: BTreeMap<Key, Record>,
    /// Further ones under the same id.
    doubled: Vec<Record>,
    reports: BTreeMap<Key, Vec<CallEvent>>,
}

impl Batch {
    pub(super) fn of(shipment: Shipment) -> Result<Self, StoreError> {
        let Shipment { journal, after, upto, entries } = shipment;
        let position = i64::try_from(upto.0).map_err(|_| StoreError::Broken(format!("{upto:?} is out of range")))?;
        let (mut calls, mut doubled, mut reports) = (BTreeMap::new(), Vec::new(), BTreeMap::<Key, Vec<_>>::new());
        for entry in entries {
            match entry {
                Entry::Call { routing, personal } => {
                    let record = Record { routing, personal };
                    match calls.entry((record.routing.tenant.clone(), record.routing.call_id)) {
                        Place::Vacant(place) => drop(place.insert(record)),
                        Place::Occupied(_) => doubled.push(record),
                    }
                }
                Entry::Event(event) => reports.entry((event.tenant.clone(), event.call_id)).or_default().push(*event),
            }
        }
        Ok(Self { journal, after, position, calls, doubled, reports })
    }

    /// The days that its calls are of. An event has no say: what it tells of a call that is not here may be anything.
    pub(super) fn days(&self) -> BTreeSet<Day> {
        self.calls.values().map(|record| Day::of(record.routing.received_at)).collect()
    }

    /// Whether some of its calls may be copied: of one day, so that their rows are locked in the order of their keys, and
    /// under ids that nobody but this node gives, once each. Such a call comes twice only after a fault.
    pub(super) fn is_for_copy(&self) -> bool {
        self.days().len() == 1 && self.calls.values().any(|record| tells_its_time(&record.routing))
    }

    /// The calls that tell their time, and the others, in the order in which everybody writes them.
    fn telling_first(&self) -> (Vec<Call<'_>>, Vec<Call<'_>>) {
        self.calls.iter().partition(|(_, record)| tells_its_time(&record.routing))
    }
}

/// The millisecond that an id tells: one of version 7 was made when its call was received. Another one tells nothing.
pub(super) fn told_by(id: CallId) -> Option<Timestamp> {
    let millis = i64::try_from(id.0.as_u128() >> 80).ok()?;
    (id.0.get_version_num() == 7).then(|| Timestamp::from_micros(millis.saturating_mul(1_000)))
}

/// Whether a call is found by its id alone.
fn tells_its_time(routing: &Routing) -> bool {
    told_by(routing.call_id)
        .is_some_and(|at| at.as_micros().div_euclid(1_000) == routing.received_at.as_micros().div_euclid(1_000))
}

/// Writes a batch that [is for copying](Batch::is_for_copy): of the calls that tell their time nothing is to be there,
/// and the others are looked at. If something may be there, or the store was set back, it is [`Trouble::NotNew`], and
/// [`batch`] knows what to do.
pub(super) async fn copied_batch(
    transaction: &Transaction<'_>,
    batch: &Batch,
    has_strays: &AtomicBool,
) -> Result<Written, Trouble> {
    let (telling, others) = batch.telling_first();
    let mut rows = copy_in::Rows::new(telling.len());
    for (_, record) in &telling {
        rows.push(&record.routing, &record.personal)?;
    }
    let (hours, journal) = (hours_of(telling.iter().map(|(_, record)| *record)), batch.journal.as_text());
    // In one go, and the COPY last: from then on until the rows have come the server listens to nothing else.
    for statement in [POSITION, RARITIES, marks::MARK, copy_in::COPY] {
        transaction.prepare_cached(statement).await?;
    }
    let (moved, (any_early, any_stray), (), sink) = try_join!(
        move_on(transaction, batch),
        rarities(transaction),
        marks::put(transaction, &journal, &hours),
        copy_in::begin(transaction)
    )?;
    has_strays.store(any_stray, Ordering::Relaxed);
    if !moved || any_stray {
        return Err(Trouble::NotNew);
    }
    rows.send(sink).await?;
    let mut offered = Offered::default();
    offered.insert(transaction, &others, any_stray).await?;
    offered.keep_beside(transaction, batch).await?;
    take_events(transaction, batch, any_early, offered.hours).await
}

/// Writes any batch, with a look at what is there.
pub(super) async fn batch(
    transaction: &Transaction<'_>,
    batch: &Batch,
    has_strays: &AtomicBool,
) -> Result<Written, Trouble> {
    // What does not depend on each other is asked for in one go: a batch costs few journeys to the server and back.
    let (moved, (any_early, any_stray)) = try_join!(move_on(transaction, batch), rarities(transaction))?;
    if !moved {
        return Err(StoreError::SetBack { found: position(transaction, batch.journal).await? }.into());
    }
    has_strays.store(any_stray, Ordering::Relaxed);
    // In the order of a batch that is copied, so that the two never wait for each other in a circle.
    let (telling, others) = batch.telling_first();
    let mut offered = Offered::default();
    offered.insert(transaction, &telling, any_stray).await?;
    offered.insert(transaction, &others, any_stray).await?;
    offered.keep_beside(transaction, batch).await?;
    take_events(transaction, batch, any_early, offered.hours).await
}

/// What came of calls that may be here already.
#[derive(Default)]
struct Offered<'a> {
    hours: Hours,
    /// Those that are here, perhaps as another record.
    doubtful: Vec<&'a Record>,
}

impl<'a> Offered<'a> {
    /// Writes those that are not here.
    async fn insert(
        &mut self,
        transaction: &Transaction<'_>,
        calls: &[Call<'a>],
        any_stray: bool,
    ) -> Result<(), Trouble> {
        let elsewhere = elsewhere(transaction, calls, any_stray).await?;
        let (there, offered): (Vec<Call<'a>>, Vec<_>) = calls.iter().partition(|(key, _)| elsewhere.contains(*key));
        self.doubtful.extend(there.iter().map(|(_, record)| record));
        if offered.is_empty() {
            return Ok(());
        }
        let mut columns = Columns::default();
        for (_, record) in &offered {
            columns.push(&record.routing, &record.personal);
            self.hours.add(&record.routing.tenant, record.routing.received_at);
        }
        let insert = transaction.prepare_cached(calls::INSERT).await?;
        let written = transaction.execute(&insert, &columns.parameters()).await?;
        if usize::try_from(written).ok() != Some(offered.len()) {
            // Some were there: which, and whether they are the same, shows by reading them.
            self.doubtful.extend(offered.iter().map(|(_, record)| record));
        }
        Ok(())
    }

    /// Keeps what contradicts what is here beside it.
    async fn keep_beside(&mut self, transaction: &Transaction<'_>, batch: &'a Batch) -> Result<(), Trouble> {
        self.doubtful.extend(&batch.doubled);
        keep_others(transaction, &self.doubtful).await
    }
}

/// The hours of some calls.
fn hours_of<'a>(records: impl Iterator<Item = &'a Record>) -> Hours {
    let mut hours = Hours::default();
    records.for_each(|record| hours.add(&record.routing.tenant, record.routing.received_at));
    hours
}

/// Takes in a batch's events, and those that waited for its calls, which are here now; and marks some hours and those
/// of the calls that changed.
async fn take_events(
    transaction: &Transaction<'_>,
    batch: &Batch,
    any_early: bool,
    mut hours: Hours,
) -> Result<Written, Trouble> {
    let awaited = if any_early {
        early::waiting_for(transaction, batch.calls.keys().chain(batch.reports.keys())).await?
    } else {
        BTreeSet::new()
    };
    let written = events::take(transaction, batch.reports.clone(), &awaited, &mut hours).await?;
    marks::put(transaction, &batch.journal.as_text(), &hours).await?;
    Ok(written)
}

/// Says how far the journal has come; false if the store has come less far than it was seen to.
async fn move_on(transaction: &Transaction<'_>, batch: &Batch) -> Result<bool, Trouble> {
    let seen = batch.after.map_or(-1, |after| after.0.cast_signed());
    let statement = transaction.prepare_cached(POSITION).await?;
    Ok(transaction.execute(&statement, &[&batch.journal.0.as_slice(), &batch.position, &seen]).await? > 0)
}

async fn rarities(transaction: &Transaction<'_>) -> Result<(bool, bool), Trouble> {
    let look = transaction.prepare_cached(RARITIES).await?;
    let row = transaction.query_one(&look, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Which of some calls are here with another time than these have.
async fn elsewhere(
    transaction: &Transaction<'_>,
    calls: &[Call<'_>],
    any_stray: bool,
) -> Result<BTreeSet<Key>, Trouble> {
    let (telling, others): (Vec<Call<'_>>, Vec<_>) =
        calls.iter().copied().partition(|(_, record)| tells_its_time(&record.routing));
    let strays = others.iter().map(|(key, _)| (*key).clone()).filter(|(_, id)| told_by(*id).is_some()).collect();
    let mut elsewhere: BTreeSet<Key> = read::told(transaction, &strays).await?.into_keys().collect();
    let others: Vec<_> = others.into_iter().filter(|(key, _)| !elsewhere.contains(*key)).collect();
    if !others.is_empty() {
        let times: Vec<Time> = others.iter().map(|(_, record)| Time(record.routing.received_at)).collect();
        let (tenants, ids): (Vec<&str>, Vec<Uuid>) = others.iter().map(|((name, id), _)| (name.as_str(), id.0)).unzip();
        let insert = transaction.prepare_cached(KEYED_INSERT).await?;
        let written = transaction.execute(&insert, &[&tenants, &ids, &times]).await?;
        if usize::try_from(written).ok() != Some(ids.len()) {
            elsewhere.extend(tied_to_another(transaction, &others).await?);
        }
    }
    if any_stray {
        elsewhere.extend(tied_to_another(transaction, &telling).await?);
    }
    Ok(elsewhere)
}

/// Which ids were tied to the time of another record. One whose record was pruned since is tied to the new one: the key
/// that made it is free again.
async fn tied_to_another(transaction: &Transaction<'_>, calls: &[Call<'_>]) -> Result<Vec<Key>, Trouble> {
    let keys: Vec<&Key> = calls.iter().map(|(key, _)| *key).collect();
    let tied = read::tied(transaction, &keys).await?;
    let other = calls.iter().filter(|(key, record)| tied.get(*key).is_some_and(|at| record.routing.received_at != *at));
    let (mut others, mut freed) = (Vec::new(), Vec::new());
    let other: Vec<_> = other.collect();
    let asked = other.iter().map(|(key, _)| (*key).clone()).collect();
    let there = if other.is_empty() { HashMap::new() } else { read::times(transaction, &asked).await? };
    for (key, record) in other {
        if there.contains_key(*key) { others.push((*key).clone()) } else { freed.push((*key, record)) }
    }
    for (key, record) in freed {
        let retie = transaction.prepare_cached(KEYED_RETIE).await?;
        let (time, freed_at) = (Time(record.routing.received_at), tied.get(key).copied().map(Time));
        // Another node may have been first.
        if transaction.execute(&retie, &[&key.0.as_str(), &key.1.0, &time, &freed_at]).await? == 0 {
            others.push(key.clone());
        }
    }
    Ok(others)
}

/// Keeps records whose calls are there already, if they are not the same records.
async fn keep_others(transaction: &Transaction<'_>, doubtful: &[&Record]) -> Result<(), Trouble> {
    if doubtful.is_empty() {
        return Ok(());
    }
    let keys: BTreeSet<Key> =
        doubtful.iter().map(|record| (record.routing.tenant.clone(), record.routing.call_id)).collect();
    // In one order on every node, as all that is locked.
    let mut doubtful = doubtful.to_vec();
    doubtful.sort_by_key(|record| (record.routing.tenant.clone(), record.routing.call_id, record.routing.received_at));
    let (mut there, blank) = (HashMap::new(), crate::upkeep::blank()?);
    for row in read::rows(transaction, &keys).await? {
        there.insert(calls::id_of(&row)?, (calls::routing(&row)?, row.try_get::<_, Vec<u8>>(calls::PERSONAL)?));
    }
    for Record { routing, personal } in doubtful {
        let kept = there.get(&(routing.tenant.clone(), routing.call_id));
        let is_kept = |(kept, kept_personal): &(Routing, Vec<u8>)| {
            // What was pruned of the call since does not come back with the same record.
            if *kept_personal == blank {
                is_same(kept, &routing.clone().pruned())
            } else {
                is_same(kept, routing) && kept_personal == personal
            }
        };
        if !kept.is_some_and(is_kept) {
            keep_beside(transaction, routing, personal).await?;
        }
    }
    Ok(())
}

/// Whether a record is the one that was written: as it is, or as Postgres can hold it.
fn is_same(kept: &Routing, routing: &Routing) -> bool {
    let held = routing.sip_call_id.as_deref().map(calls::without_nul);
    kept == routing || *kept == Routing { sip_call_id: held.map(Into::into), ..routing.clone() }
}

async fn keep_beside(transaction: &Transaction<'_>, routing: &Routing, personal: &[u8]) -> Result<(), Trouble> {
    let text = to_json(routing)?;
    let mut hasher = SipHasher24::new();
    text.hash(&mut hasher);
    personal.hash(&mut hasher);
    let digest = hasher.finish128().as_bytes();
    let insert = transaction.prepare_cached(CONTRADICTION).await?;
    let (tenant, id, at) = (routing.tenant.as_str(), routing.call_id.0, Time(routing.received_at));
    let written = transaction.execute(&insert, &[&tenant, &id, &digest.as_slice(), &at, &text, &personal]).await?;
    if written > 0 {
        tracing::warn!(tenant = %routing.tenant, call = %routing.call_id, "a second record of this call differs; both are kept");
    }
    Ok(())
}

/// How far a journal was shipped.
pub(super) async fn position(transaction: &Transaction<'_>, journal: JournalId) -> Result<Option<Position>, Trouble> {
    let select = transaction.prepare_cached(POSITION_READ).await?;
    let row = transaction.query_opt(&select, &[&journal.0.as_slice()]).await?;
    let position = row.map(|row| row.try_get::<_, i64>(0)).transpose()?;
    Ok(position.map(|position| Position(position.cast_unsigned())))
}
