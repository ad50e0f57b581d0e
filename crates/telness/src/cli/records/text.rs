//! Recorded calls for people: a line each, or one on a page.

use telness_core::decide::Action;
use telness_core::record::{CallRecord, Personal, Routing};
use telness_store::{EVENTS_OF_A_KIND_MAX, Page, StoredCall};

use crate::cli::route::text::{party, write_step, write_trace};
use crate::cli::{Failure, Output};

pub(super) fn list(page: &Page, out: &mut Output) -> Result<(), Failure> {
    if page.calls.is_empty() {
        return out.line("no calls");
    }
    for call in &page.calls {
        let (routing, personal) = (&call.routing, &call.personal);
        let from = from(personal);
        let trunk = routing.trunk.as_ref().map_or(String::new(), |trunk| format!(" to {trunk}"));
        let state = word(&call.cdr.state);
        out.line(format_args!(
            "{}  {}  {:<9}  {from} -> {}  {}{trunk}  {state}",
            routing.received_at,
            routing.call_id,
            routing.class.as_str(),
            to(personal),
            routing.reason,
        ))?;
    }
    match &page.next {
        Some(next) => out.line(format_args!("more with --after {next}")),
        None => Ok(()),
    }
}

pub(super) fn one(call: &StoredCall, others: &[CallRecord], trace: bool, out: &mut Output) -> Result<(), Failure> {
    let (routing, personal) = (&call.routing, &call.personal);
    out.line(format_args!("call    {}  at {}", routing.call_id, routing.received_at))?;
    out.line(format_args!("class   {}, {} workflow", routing.class.as_str(), routing.workflow.as_str()))?;
    out.line(format_args!(
        "tenant  {}, node {}, plan revision {}",
        routing.tenant, routing.node, routing.plan_revision
    ))?;
    out.line(format_args!("from    {}", from(personal)))?;
    out.line(format_args!("to      {}", to(personal)))?;
    for note in &personal.notes {
        out.line(format_args!("note    {} in `{}`: {}", note.reason, note.field, note.detail))?;
    }
    out.line(format_args!("answer  {}", answer(routing)))?;
    for (at, step) in personal.steps.iter().enumerate() {
        write_step(at, step, out)?;
    }
    let talked = call.cdr.talk_ms.map_or(String::new(), |ms| format!(", talked {ms} ms"));
    out.line(format_args!("state   {}{talked}", word(&call.cdr.state)))?;
    for event in &call.events {
        let cause = event.cause.and_then(|cause| serde_json::to_string(&cause).ok()).unwrap_or_default();
        out.line(format_args!("event   {}  leg {} {} {cause}", event.occurred_at, event.leg, event.kind.as_str()))?;
    }
    if call.more_events {
        out.line(format_args!("event   more were reported than the {EVENTS_OF_A_KIND_MAX} of each kind that count"))?;
    }
    for CallRecord { routing, personal } in others {
        out.line(format_args!(
            "other   record of this id, at {} by {}, to {}: {}",
            routing.received_at,
            routing.node,
            to(personal),
            answer(routing)
        ))?;
    }
    if trace { write_trace(&personal.trace, out) } else { Ok(()) }
}

/// What was answered, why, and by which rule.
fn answer(routing: &Routing) -> String {
    let action = if routing.action == Action::Route { "route" } else { "reject" };
    let by = routing.rule.as_ref().map_or(String::new(), |rule| format!(", by the rule {rule}"));
    format!("{action}: {}{by}", routing.reason)
}

/// The word that a value is in JSON.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.as_ref().and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

/// The called party, or that it was removed.
fn to(personal: &Personal) -> String {
    if personal.pruned { "(pruned)".to_owned() } else { party(&personal.to) }
}

/// The calling party, or that there was none, or that it was removed.
fn from(personal: &Personal) -> String {
    let none = if personal.pruned { "(pruned)" } else { "nobody" };
    personal.from.as_ref().map_or(none.to_owned(), party)
}
