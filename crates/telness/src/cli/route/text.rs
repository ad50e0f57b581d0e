//! A tried call for people: what it is, where it goes, what was weighed, and what was drawn.

use std::fmt::{Display, Write as _};

use telness_core::call::{Call, Party};
use telness_core::decide::{Action, Decision, Step, Trace, Verdict};
use telness_core::location::Located;
use telness_core::plan::Plan;
use telness_core::standing::{Refusal, Standing};
use telness_engine::Trial;

use super::{Lot, weights};
use crate::cli::{Failure, Output};

pub(super) fn write(trial: &Trial, plan: &Plan, lot: &Lot, out: &mut Output) -> Result<(), Failure> {
    let class = trial.classified.class;
    out.line(format_args!("call    {}  at {}", lot.id, lot.at))?;
    out.line(format_args!("class   {}, {} workflow", class.as_str(), class.workflow().as_str()))?;
    if let Some(emergency) = trial.classified.emergency {
        out.line(format_args!("        {} of {}", emergency.service.urn(emergency.test), emergency.region))?;
    }
    write_asker(&trial.standing, out)?;
    match &trial.outcome {
        Ok((call, decision)) => {
            write_decision(call, decision, out)?;
            write_weights(plan, call, decision, lot, out)
        }
        Err(refusal) => write_refusal(refusal, out),
    }
}

fn write_asker(standing: &Standing, out: &mut Output) -> Result<(), Failure> {
    let or_none = |name: Option<&dyn Display>| name.map_or("none".to_owned(), ToString::to_string);
    let peer = or_none(standing.peer.as_ref().map(|name| name as &dyn Display));
    let site = or_none(standing.site.as_ref().map(|name| name as &dyn Display));
    let tenant = or_none(standing.tenant.as_ref().map(|name| name as &dyn Display));
    out.line(format_args!("asker   peer {peer}, site {site}, tenant {tenant}, region {}", standing.place.region))
}

fn write_refusal(refusal: &Refusal, out: &mut Output) -> Result<(), Failure> {
    out.line("answer  refused; nothing would be recorded")?;
    for denial in &refusal.denials {
        out.line(format_args!("        {}: {}", denial.reason, denial.detail))?;
    }
    for fault in &refusal.faults {
        out.line(format_args!("        {} in `{}`: {}", fault.reason, fault.field, fault.detail))?;
    }
    Ok(())
}

fn write_decision(call: &Call, decision: &Decision, out: &mut Output) -> Result<(), Failure> {
    out.line(format_args!("from    {}", call.from.as_ref().map_or("nobody".to_owned(), party)))?;
    out.line(format_args!("to      {}", party(&call.to)))?;
    for note in &call.notes {
        out.line(format_args!("note    {} in `{}`: {}", note.reason, note.field, note.detail))?;
    }
    let by = decision.rule.as_ref().map_or(String::new(), |rule| format!(", by the rule {rule}"));
    let prefix = decision.matched_prefix.map_or(String::new(), |prefix| format!(" (prefix {prefix})"));
    let action = match decision.action {
        Action::Route => "route",
        Action::Reject => "reject",
    };
    out.line(format_args!("answer  {action}: {}{by}{prefix}", decision.reason))?;
    if decision.action == Action::Reject {
        out.line(format_args!("        {}", decision.reason.page().what))?;
    }
    for missing in &decision.degraded {
        out.line(format_args!("        without {missing}"))?;
    }
    for (at, step) in decision.steps.iter().enumerate() {
        write_step(at, step, out)?;
    }
    write_trace(&decision.trace, out)
}

/// What shared by weight and came first, and whose draw that was.
fn write_weights(plan: &Plan, call: &Call, decision: &Decision, lot: &Lot, out: &mut Output) -> Result<(), Failure> {
    for drawn in weights::drawn(plan, decision, call) {
        let shares: Vec<_> = drawn.shares.iter().map(|(name, weight)| format!("{name} {weight}")).collect();
        out.line(format_args!("  {} by weight ({}): {} came first", drawn.of, shares.join(", "), drawn.first))?;
    }
    let whose = if lot.of_node {
        "the draw of this data folder's node: a call with this id is put in the same order there"
    } else {
        "no node's draw: this data folder has no server key yet"
    };
    out.line(format_args!("  {whose}"))
}

/// The targets of a step, a line each.
pub(in crate::cli) fn write_step(at: usize, step: &Step, out: &mut Output) -> Result<(), Failure> {
    for target in &step.targets {
        let mut line = format!(
            "step {}  {} {}/{}  {}",
            at.saturating_add(1),
            target.leg,
            target.trunk,
            target.gateway,
            target.uri
        );
        let ring = target.ring_ms.map_or("rings without end".to_owned(), |ms| format!("rings {ms} ms"));
        let caller = target.caller.as_deref().unwrap_or("nobody");
        // Writing to a string does not fail.
        let response = target.response_ms.map_or(String::new(), |ms| format!("heard of in {ms} ms, "));
        let _ = write!(line, "  from {caller}, {response}set up in {} ms, {ring}", target.setup_ms);
        out.line(line)?;
    }
    Ok(())
}

/// Every candidate with its verdict, and what was drawn.
pub(in crate::cli) fn write_trace(trace: &Trace, out: &mut Output) -> Result<(), Failure> {
    if let Some(located) = &trace.located {
        out.line(located_in_words(located))?;
    }
    out.line("weighed")?;
    for rule in &trace.rules {
        let prefix = rule.prefix.map_or("any number".to_owned(), |prefix| format!("prefix {prefix}"));
        let rewritten = rule.rewritten.map_or(String::new(), |to| format!(", rewrote to {to}"));
        let verdict = verdict(rule.verdict);
        out.line(format_args!("  rule {} ({prefix}, priority {}): {verdict}{rewritten}", rule.rule, rule.priority))?;
    }
    for target in &trace.targets {
        let gateway = target.gateway.as_ref().map_or(String::new(), |gateway| format!("/{gateway}"));
        let user = target.user.as_ref().map_or(String::new(), |user| format!(" of user {user}"));
        out.line(format_args!("  target {}{gateway}{user}: {}", target.trunk, verdict(target.verdict)))?;
    }
    out.line(format_args!("drawn   {:016x}", trace.draw))
}

/// Where an emergency call was taken to be.
fn located_in_words(located: &Located) -> String {
    let area = located.area.as_ref().map_or("no area".to_owned(), |area| format!("area {area}"));
    let municipality = located.municipality.as_ref().map_or(String::new(), |code| format!(" (municipality {code})"));
    let address = located.address.as_ref().map_or(String::new(), |address| format!(", {address}"));
    let region = located.region.map_or(String::new(), |region| format!(" in {region}"));
    let default = if located.default { ", as a default" } else { "" };
    let nomadic = if located.nomadic { ", nomadic" } else { "" };
    let passed: Vec<&str> = located.passed_over.iter().map(|source| source.as_str()).collect();
    let passed = if passed.is_empty() { String::new() } else { format!(", passing over {}", passed.join(" and ")) };
    let (source, row) = (located.source.as_str(), located.row.as_str());
    format!("place   {area}{region}{municipality}{address} by {source}{default}{nomadic}{passed}; routes of {row}")
}

/// A verdict in its own word.
fn verdict(verdict: Verdict) -> String {
    match serde_json::to_value(verdict) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Object(fields)) => {
            let one = |(word, why): (&String, &serde_json::Value)| format!("{word}: {}", why.as_str().unwrap_or(""));
            fields.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}

/// A number as read, and as sent where that differs.
pub(in crate::cli) fn party(party: &Party) -> String {
    match &party.read {
        Some(read) if read.to_string() == *party.sent => read.to_string(),
        Some(read) => format!("{read} (sent {:?})", party.sent),
        None => format!("not read (sent {:?})", party.sent),
    }
}
