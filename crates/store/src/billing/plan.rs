//! What is to be written of calls, seen what is there: pure, so that any order of looks can be tried.

use std::collections::BTreeMap;

use telness_core::call::CallId;
use telness_core::record::billing::{BillingRecord, LegState, Looked};

/// A record that is there.
#[derive(Clone, Debug)]
pub(super) struct Existing {
    /// The file that has it; none while it waits.
    pub(super) sequence: Option<i64>,
    pub(super) record: BillingRecord,
}

/// What is to be written.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// Records, in place of the one of the same leg that waits, if one does.
    pub(super) put: Vec<BillingRecord>,
    /// Calls and legs whose record waits and does not hold any more.
    pub(super) drop: Vec<(String, String)>,
    /// Calls that were to have a record and get none: what it was to say is over.
    pub(super) lost: Vec<String>,
}

/// What there is of one leg: the last record in a file, and the one that waits.
#[derive(Default)]
struct Leg {
    issued: Option<(i64, BillingRecord)>,
    waiting: Option<BillingRecord>,
}

impl Leg {
    fn last(&self) -> Option<&BillingRecord> {
        self.waiting.as_ref().or(self.issued.as_ref().map(|(_, issued)| issued))
    }
}

/// Works out what is new. `existing` has the records of all these calls, those of a leg by revision.
pub(super) fn plan<'a>(
    looked: impl Iterator<Item = (CallId, &'a Looked)>,
    existing: impl IntoIterator<Item = Existing>,
) -> Planned {
    let mut legs: BTreeMap<(String, String), Leg> = BTreeMap::new();
    for one in existing {
        let leg = legs.entry((one.record.call_id.clone(), one.record.leg.clone())).or_default();
        match one.sequence {
            Some(sequence) => leg.issued = Some((sequence, one.record)),
            None => leg.waiting = Some(one.record),
        }
    }
    let mut planned = Planned::default();
    for (call_id, looked) in looked {
        let call_id = call_id.to_string();
        if looked.pruned {
            planned.take_courses(&call_id, looked, &legs);
            continue;
        }
        for record in &looked.records {
            let leg = legs.remove(&(call_id.clone(), record.leg.clone())).unwrap_or_default();
            planned.take(&leg, record);
        }
        for open in &looked.open {
            // What was made of it does not hold any more; what holds is not known yet.
            let leg = legs.remove(&(call_id.clone(), open.to_string())).unwrap_or_default();
            planned.drop_waiting(&leg);
        }
        let gone: Vec<_> = legs.keys().filter(|(of, _)| *of == call_id).cloned().collect();
        for key in gone {
            let leg = legs.remove(&key).unwrap_or_default();
            match &leg.issued {
                Some((_, issued)) if issued.state != LegState::Void => planned.take(&leg, &issued.clone().voided()),
                _ => planned.drop_waiting(&leg),
            }
        }
    }
    planned
}

impl Planned {
    /// Of a call that was pruned no record goes and none is made: those that there are get the course of their legs.
    fn take_courses(&mut self, call_id: &str, looked: &Looked, legs: &BTreeMap<(String, String), Leg>) {
        let mut lost = looked.unreported && !legs.keys().any(|(of, _)| of == call_id);
        for course in &looked.records {
            let leg = legs.get(&(call_id.to_owned(), course.leg.clone()));
            match leg.and_then(|leg| Some((leg, leg.last()?))) {
                Some((leg, last)) => self.take(leg, &last.clone().with_course_of(course)),
                None => lost = true,
            }
        }
        if lost {
            self.lost.push(call_id.to_owned());
        }
    }

    fn take(&mut self, leg: &Leg, record: &BillingRecord) {
        match &leg.issued {
            Some((_, issued)) if issued.says_the_same(record) => self.drop_waiting(leg),
            _ if leg.waiting.as_ref().is_some_and(|waiting| waiting.says_the_same(record)) => {}
            Some((sequence, issued)) => {
                let replaced = issued.revision.revision;
                self.put.push(record.clone().revised(replaced.saturating_add(1), Some((replaced, *sequence))));
            }
            None => self.put.push(record.clone()),
        }
    }

    fn drop_waiting(&mut self, leg: &Leg) {
        if let Some(waiting) = &leg.waiting {
            self.drop.push((waiting.call_id.clone(), waiting.leg.clone()));
        }
    }
}
