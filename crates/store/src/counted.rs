//! Which of a call's events count: of each kind the first by the switch's clock. That bounds what a call costs to keep
//! and to read, is the same for every order of arrival (N6), and a flood of one kind hides no other.
//!
//! Every store uses this, and keeps what does not count beside what does: it was acknowledged (N2).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::Hasher as _;

use siphasher::sip128::{Hasher128 as _, SipHasher24};
use telness_core::record::{CallEvent, EventId, EventKind};

/// How many events of each kind count in one call: more than a call to a hundred telephones at once has.
pub const EVENTS_OF_A_KIND_MAX: usize = 128;

/// What makes two reports one event: the id, and all that was said under it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EventKey {
    pub(crate) id: EventId,
    pub(crate) digest: [u8; 16],
}

impl EventKey {
    /// Of when and where we got it nothing counts.
    pub(crate) fn of(event: &CallEvent) -> Self {
        let mut hasher = SipHasher24::new();
        hasher.write(event.leg.as_str().as_bytes());
        hasher.write(&[0]);
        hasher.write(event.kind.as_str().as_bytes());
        // A switch that tells no time gets that of our receipt, which is another one when it repeats the report.
        let told = Some(event.occurred_at).filter(|at| *at != event.received_at);
        hasher.write(&told.map_or(i64::MIN, |at| at.as_micros()).to_le_bytes());
        for part in [event.cause.and_then(|cause| cause.sip), event.cause.and_then(|cause| cause.q850).map(u16::from)] {
            hasher.write(&part.unwrap_or(0).to_le_bytes());
        }
        hasher.write(event.sip_call_id.as_deref().unwrap_or_default().as_bytes());
        Self { id: event.event_id.clone(), digest: hasher.finish128().as_bytes() }
    }
}

/// The events of one call that count.
pub(crate) struct CountedEvents(BTreeMap<EventKey, Counted>);

struct Counted {
    event: CallEvent,
    /// Whether the store has the event, be it another copy.
    stored: bool,
    /// Whether the store has yet to write it.
    changed: bool,
}

/// An event that does not count.
pub(crate) struct Beyond {
    pub(crate) key: EventKey,
    pub(crate) event: CallEvent,
    /// Whether it did so far, so that the store has to put it aside.
    pub(crate) counted_before: bool,
}

impl CountedEvents {
    /// Those that a store has.
    pub(crate) fn of(stored: Vec<(EventKey, CallEvent)>) -> Self {
        let counted = |event| Counted { event, stored: true, changed: false };
        Self(stored.into_iter().map(|(key, event)| (key, counted(event))).collect())
    }

    /// Whether events of a kind have reached their limit, so that there may be others beyond it.
    pub(crate) fn has_full_kind(&self) -> bool {
        EventKind::ALL.into_iter().any(|kind| self.of_kind(kind).count() >= EVENTS_OF_A_KIND_MAX)
    }

    /// Adds reports, and gives back what does not count. Of the same report received twice the earlier stays.
    pub(crate) fn add<'a>(&mut self, reports: impl IntoIterator<Item = &'a CallEvent>) -> Vec<Beyond> {
        for report in reports {
            match self.0.entry(EventKey::of(report)) {
                Entry::Vacant(place) => {
                    place.insert(Counted { event: report.clone(), stored: false, changed: true });
                }
                Entry::Occupied(mut place) => {
                    let had = place.get_mut();
                    if (report.received_at, &report.node) < (had.event.received_at, &had.event.node) {
                        (had.event, had.changed) = (report.clone(), true);
                    }
                }
            }
        }
        let gone = self.surplus().into_iter().filter_map(|key| self.0.remove_entry(&key));
        gone.map(|(key, one)| Beyond { key, event: one.event, counted_before: one.stored }).collect()
    }

    /// Those that a store has yet to write.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&EventKey, &CallEvent)> {
        self.0.iter().filter(|(_, one)| one.changed).map(|(key, one)| (key, &one.event))
    }

    /// All of them.
    pub(crate) fn into_events(self) -> Vec<CallEvent> {
        self.0.into_values().map(|one| one.event).collect()
    }

    fn of_kind(&self, kind: EventKind) -> impl Iterator<Item = (&EventKey, &Counted)> {
        self.0.iter().filter(move |(_, one)| one.event.kind == kind)
    }

    fn surplus(&self) -> Vec<EventKey> {
        let mut surplus = Vec::new();
        for kind in EventKind::ALL {
            let mut sorted: Vec<_> = self.of_kind(kind).map(|(key, one)| (one.event.occurred_at, key)).collect();
            if sorted.len() > EVENTS_OF_A_KIND_MAX {
                sorted.sort_unstable();
                surplus.extend(sorted.into_iter().skip(EVENTS_OF_A_KIND_MAX).map(|(_, key)| key.clone()));
            }
        }
        surplus
    }
}
