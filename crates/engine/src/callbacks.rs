//! Who called an emergency number of late, so that the emergency service's call back to it is known as one (E15).
//!
//! A number counts as having called unless this node knows that it did not: that it was up for the whole window and has
//! forgotten nobody, and that no other node carried a call meanwhile. Where several nodes share a database none can know
//! what another took a second ago, so there every call that comes in by the emergency service's trunk is one back.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use telness_core::call::Draft;
use telness_core::class::{Callback, Classified};
use telness_core::number::Number;
use telness_core::plan::Plan;
use telness_core::record::{CallRecord, NumberKey};
use telness_core::standing::Standing;
use telness_core::time::Timestamp;
use telness_store::control::NodeReport;

use crate::clock::monotonic;
use crate::dialled::Dialled;
use crate::heartbeat::ALIVE_MAX;
use crate::node::Engine;

/// Emergency calls that are remembered, some 5 MB. More within the window than that, and the oldest is forgotten.
const CALLS_MAX: usize = 65_536;

/// The emergency calls of the window.
#[derive(Debug)]
pub(crate) struct Callbacks {
    window: Duration,
    recent: Mutex<Recent>,
}

#[derive(Debug)]
struct Recent {
    /// When each number called last. The clock is the monotonic one: no change of the time of day ends a window (S6).
    by_number: HashMap<NumberKey, Instant>,
    in_order: VecDeque<(Instant, NumberKey)>,
    /// Nobody who called since then is forgotten.
    whole_since: Instant,
    /// When it was last seen that no other node was there for the whole window.
    alone_at: Option<Instant>,
}

impl Recent {
    fn forget_oldest(&mut self) -> Option<Instant> {
        let (at, number) = self.in_order.pop_front()?;
        if self.by_number.get(&number) == Some(&at) {
            self.by_number.remove(&number);
        }
        Some(at)
    }
}

impl Callbacks {
    /// Nobody has called, as far as this node knows.
    pub(crate) fn new(window: Duration, now: Instant) -> Self {
        let recent = Recent { by_number: HashMap::new(), in_order: VecDeque::new(), whole_since: now, alone_at: None };
        Self { window, recent: Mutex::new(recent) }
    }

    /// Remembers that a number made an emergency call.
    fn called(&self, number: NumberKey, now: Instant) {
        let mut recent = self.lock();
        let is_over = |at: Instant| now.saturating_duration_since(at) > self.window;
        while recent.in_order.front().is_some_and(|(at, _)| is_over(*at)) {
            recent.forget_oldest();
        }
        if recent.in_order.len() >= CALLS_MAX
            && let Some(at) = recent.forget_oldest()
        {
            recent.whole_since = at;
        }
        recent.by_number.insert(number, now);
        recent.in_order.push_back((now, number));
    }

    /// Whether a call to a number by the emergency service's trunk is one back. Nothing if it is known not to be.
    fn callback(&self, number: NumberKey, now: Instant) -> Option<Callback> {
        let recent = self.lock();
        let since = |at: Instant| now.saturating_duration_since(at);
        if recent.by_number.get(&number).is_some_and(|at| since(*at) <= self.window) {
            return Some(Callback::Known);
        }
        let alone = recent.alone_at.is_some_and(|at| since(at) <= ALIVE_MAX);
        let knows_all = alone && since(recent.whole_since) > self.window;
        (!knows_all).then_some(Callback::Assumed)
    }

    /// Notes which nodes the store knew just now, at this node's time of day.
    pub(crate) fn saw_nodes(&self, own: &NodeReport, all: &[NodeReport]) {
        let alone = !all.iter().any(|node| node.name != own.name && self.may_have_called(node.seen_at, own.seen_at));
        self.lock().alone_at = alone.then(monotonic);
    }

    /// Whether a node that was last seen then may have carried a call within the window. Clocks of nodes differ.
    fn may_have_called(&self, seen_at: Timestamp, now: Timestamp) -> bool {
        let ago = now.as_micros().saturating_sub(seen_at.as_micros());
        let long_ago = self.window.saturating_add(ALIVE_MAX).as_micros();
        u128::try_from(ago).unwrap_or(0) <= long_ago
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number that the emergency service calls, if it does: known by the trunk and never by the number that is shown.
pub(crate) fn called_by_service(
    classified: Classified,
    dialled: &Dialled,
    draft: &Draft,
    standing: &Standing,
    plan: &Plan,
) -> Option<Number> {
    let trunk = plan.trunk(standing.trunk?)?;
    // Its own call to an emergency number is an emergency call like any other.
    if !trunk.emergency_service || classified.emergency.is_some() {
        return None;
    }
    dialled.read(draft, standing).to.ok().filter(|to| matches!(to, Number::E164 { .. }))
}

impl Engine {
    /// The class of a call, raised if it is the emergency service's call back to who called it.
    pub(crate) fn called_back(
        &self,
        classified: Classified,
        dialled: &Dialled,
        draft: &Draft,
        standing: &Standing,
        plan: &Plan,
    ) -> Classified {
        let Some(to) = called_by_service(classified, dialled, draft, standing, plan) else { return classified };
        let number = NumberKey::of(&to, self.identity.number_key());
        let Some(callback) = self.callbacks.callback(number, monotonic()) else { return classified };
        self.metrics.callback(callback);
        Classified::called_back(callback)
    }

    /// Remembers who made an emergency call, by its own number and by each that the emergency service is shown.
    pub(crate) fn remember_caller(&self, record: &CallRecord) {
        let key = self.identity.number_key();
        let of_text = |text: &str| Some(NumberKey::of(&Number::E164 { number: text.parse().ok()? }, key));
        let shown = record.personal.steps.iter().flat_map(|step| &step.targets).filter_map(|to| to.caller.as_deref());
        let mut numbers: Vec<NumberKey> =
            record.routing.caller_key.into_iter().chain(shown.filter_map(of_text)).collect();
        numbers.sort_unstable_by_key(|number| number.0);
        numbers.dedup();
        let now = monotonic();
        numbers.into_iter().for_each(|number| self.callbacks.called(number, now));
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(3600);
    const ANNA: NumberKey = NumberKey([1; 16]);
    const BO: NumberKey = NumberKey([2; 16]);

    /// A node that was always there and alone.
    fn settled() -> (Callbacks, Instant) {
        let began = monotonic();
        let callbacks = Callbacks::new(WINDOW, began);
        let now = began + WINDOW + Duration::from_secs(1);
        callbacks.lock().alone_at = Some(now);
        (callbacks, now)
    }

    fn report(name: &str, seen_at: i64) -> NodeReport {
        NodeReport {
            name: name.parse().unwrap(),
            started_at: Timestamp::from_micros(0),
            seen_at: Timestamp::from_micros(seen_at * 1_000_000),
            version: String::new(),
            schema_version: 0,
            plan_revision: 0,
            served_version: 0,
            snapshot_age_s: None,
            journal_bytes: 0,
            backlog_records: 0,
            backlog_age_s: 0,
            plan_from: String::new(),
            fault: None,
            key_check: String::new(),
        }
    }

    #[test]
    fn e15_who_called_within_the_window_is_known_and_who_did_not_is_known_too() {
        let (callbacks, now) = settled();
        callbacks.called(ANNA, now);
        assert_eq!(callbacks.callback(ANNA, now), Some(Callback::Known));
        assert_eq!(callbacks.callback(BO, now), None);
        let later = now + WINDOW;
        callbacks.called(BO, later);
        assert_eq!(callbacks.callback(ANNA, later), Some(Callback::Known), "another's call ends no window");
        callbacks.lock().alone_at = Some(later);
        assert_eq!(callbacks.callback(ANNA, later + Duration::from_millis(1)), None, "the window is over");
        // A call in between begins it anew.
        callbacks.called(ANNA, now + WINDOW / 2);
        assert_eq!(callbacks.callback(ANNA, later + Duration::from_millis(1)), Some(Callback::Known));
    }

    #[test]
    fn e15_unknown_counts_as_inside() {
        let began = monotonic();
        let fresh = Callbacks::new(WINDOW, began);
        fresh.lock().alone_at = Some(began + WINDOW);
        assert_eq!(fresh.callback(BO, began + WINDOW), Some(Callback::Assumed), "it was not up for the whole window");
        let (callbacks, now) = settled();
        callbacks.lock().alone_at = None;
        assert_eq!(callbacks.callback(BO, now), Some(Callback::Assumed), "nobody knows of other nodes");
        callbacks.lock().alone_at = Some(now);
        assert_eq!(callbacks.callback(BO, now + ALIVE_MAX), None);
        let late = now + ALIVE_MAX + Duration::from_millis(1);
        assert_eq!(callbacks.callback(BO, late), Some(Callback::Assumed), "the store has not told for too long");
    }

    #[test]
    fn e15_another_node_that_was_there_within_the_window_may_have_carried_the_call() {
        let (callbacks, _) = settled();
        let now = 100_000;
        let own = report("own", now);
        let other = |ago| report("other", now - ago);
        for (others, alone) in [
            (vec![], true),
            (vec![other(7_200)], true),
            (vec![other(0)], false),
            (vec![other(3_600)], false),
            (vec![other(-60)], false),
        ] {
            callbacks.saw_nodes(&own, &[vec![own.clone()], others.clone()].concat());
            assert_eq!(callbacks.lock().alone_at.is_some(), alone, "{others:?}");
        }
    }

    #[test]
    fn e11_more_callers_than_are_remembered_make_everybody_one() {
        let (callbacks, now) = settled();
        callbacks.called(ANNA, now);
        for at in 0..u32::try_from(CALLS_MAX).unwrap() {
            let mut number = [0; 16];
            number[..4].copy_from_slice(&at.to_le_bytes());
            callbacks.called(NumberKey(number), now);
        }
        let recent = callbacks.lock();
        assert_eq!((recent.in_order.len(), recent.by_number.contains_key(&ANNA)), (CALLS_MAX, false));
        drop(recent);
        assert_eq!(callbacks.callback(ANNA, now), Some(Callback::Assumed), "forgotten is not known");
        let later = now + WINDOW + Duration::from_secs(1);
        callbacks.lock().alone_at = Some(later);
        callbacks.called(BO, later);
        assert_eq!(callbacks.lock().in_order.len(), 1, "what is over takes no room");
        assert_eq!(callbacks.callback(ANNA, later), None);
    }
}
