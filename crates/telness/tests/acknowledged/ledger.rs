//! What the service acknowledged, and what was sent to it without an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

/// The parts of an answer that are the decision, and the same however often it is asked for.
const DECISION: [&str; 7] = ["id", "workflow", "class", "action", "reason", "steps", "plan_revision"];

/// Of an answer, what is the decision.
pub(crate) fn decision(answer: &Value) -> Value {
    let parts = DECISION.map(|part| {
        assert!(!answer[part].is_null(), "an answer has no {part}: {answer}");
        (part.to_owned(), answer[part].clone())
    });
    Value::Object(parts.into_iter().collect())
}

/// What is posted for a key, the same whenever the key is used; without a key, for any number.
pub(crate) fn body(of: u64) -> Value {
    json!({
        "from": format!("+467017406{:02}", 5 + of % 95),
        "to": format!("070-174 06 {:02}", 6 + of % 94),
        "type": "mobile",
        "metadata": { "of": of.to_string() },
    })
}

/// An event's name among those of its call.
pub(crate) type EventName = (String, String);

/// What one caller saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Calls without a key that were answered.
    pub(crate) calls: Vec<Value>,
    /// Keyed calls that were answered.
    pub(crate) keyed: Vec<(u64, Value)>,
    /// Keys that were sent; the answer may be missing.
    pub(crate) keys_sent: Vec<u64>,
    /// Events that were taken.
    pub(crate) events: Vec<EventName>,
    /// Events that were sent; the answer may be missing.
    pub(crate) events_sent: Vec<EventName>,
    /// Requests that were sent and not answered.
    pub(crate) unanswered: usize,
    /// Requests that were answered, events included.
    pub(crate) answered: usize,
}

/// What all callers saw, over all lives of the service.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    decisions: BTreeMap<String, Value>,
    by_key: BTreeMap<u64, Option<String>>,
    events: BTreeSet<EventName>,
    events_sent: BTreeSet<EventName>,
    unanswered: usize,
    next_key: Arc<std::sync::atomic::AtomicU64>,
}

impl Ledger {
    /// Adds what a caller saw. Answers to one key must agree, whoever got them and in whichever life.
    pub(crate) fn add(&mut self, seen: Seen) {
        for key in seen.keys_sent {
            self.by_key.entry(key).or_default();
        }
        for (key, answer) in seen.keyed {
            self.add_keyed(key, &answer);
        }
        for answer in seen.calls {
            let id = answer["id"].as_str().unwrap().to_owned();
            let other = self.decisions.insert(id.clone(), answer);
            assert!(other.is_none(), "two calls without a key got the id {id}");
        }
        self.events.extend(seen.events);
        self.events_sent.extend(seen.events_sent);
        self.unanswered += seen.unanswered;
    }

    /// Adds the answer to a key.
    pub(crate) fn add_keyed(&mut self, key: u64, answer: &Value) {
        let id = answer["id"].as_str().unwrap().to_owned();
        let known = self.by_key.entry(key).or_default().get_or_insert_with(|| id.clone());
        assert_eq!(*known, id, "the key {key} became two calls");
        let first = self.decisions.entry(id).or_insert_with(|| answer.clone());
        assert_eq!(first, answer, "the key {key} was decided twice, and differently");
    }

    /// Where the next keys come from, for all callers together.
    pub(crate) fn next_key(&self) -> Arc<std::sync::atomic::AtomicU64> {
        Arc::clone(&self.next_key)
    }

    /// Keys, with the call that they became if that is known.
    pub(crate) fn keys(&self) -> &BTreeMap<u64, Option<String>> {
        &self.by_key
    }

    /// Acknowledged calls.
    pub(crate) fn calls(&self) -> usize {
        self.decisions.len()
    }

    /// The acknowledged calls' ids with their decisions.
    pub(crate) fn decisions(&self) -> &BTreeMap<String, Value> {
        &self.decisions
    }

    /// Acknowledged events by call.
    pub(crate) fn events_by_call(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut by_call: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (call, event) in &self.events {
            by_call.entry(call).or_default().insert(event);
        }
        by_call
    }

    /// Whether this event was sent at all.
    pub(crate) fn was_sent(&self, call: &str, event: &str) -> bool {
        self.events_sent.contains(&(call.to_owned(), event.to_owned()))
    }

    /// Requests that were sent and not answered.
    pub(crate) const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// The figures, for people.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} calls acknowledged ({} keys), {} events, {} requests unanswered",
            self.decisions.len(),
            self.by_key.len(),
            self.events.len(),
            self.unanswered
        )
    }
}
