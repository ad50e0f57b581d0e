//! Pages of calls as CSV (RFC 4180) that a spreadsheet opens without running anything in it.

use telness_core::csv_cell;
use telness_store::Page;

use super::call_view::CallSummary;

/// The columns, in order. New ones are added at the end.
pub(super) const COLUMNS: [&str; 26] = [
    "id",
    "received_at",
    "class",
    "workflow",
    "type",
    "direction",
    "from_sent",
    "from",
    "to_sent",
    "to",
    "action",
    "reason",
    "trunk",
    "gateway",
    "rule",
    "plan_revision",
    "node",
    "sip_call_id",
    "state",
    "ringing_at",
    "answered_at",
    "ended_at",
    "talk_ms",
    "cause_sip",
    "cause_q850",
    "legs",
];

/// One page, with the names of the columns first.
pub(crate) fn page(page: &Page) -> String {
    let mut text = String::with_capacity(page.calls.len().saturating_add(1).saturating_mul(384));
    row(&mut text, COLUMNS.iter().map(|column| (*column).to_owned()));
    for call in &page.calls {
        row(&mut text, cells(&CallSummary::of(&call.routing, &call.personal, &call.cdr), call.cdr.legs.len()));
    }
    text
}

fn cells(call: &CallSummary<'_>, legs: usize) -> [String; 26] {
    fn shown<T: ToString>(value: Option<T>) -> String {
        value.map_or_else(String::new, |value| value.to_string())
    }
    let word = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    };
    let detail = &call.detail;
    [
        call.id.to_string(),
        call.received_at.to_string(),
        call.class.to_owned(),
        call.workflow.to_owned(),
        call.kind.as_str().to_owned(),
        word(serde_json::to_value(call.direction)),
        shown(call.from.as_ref().map(|from| from.sent)),
        shown(call.from.as_ref().and_then(|from| from.number.as_ref())),
        call.to.sent.to_owned(),
        shown(call.to.number.as_ref()),
        word(serde_json::to_value(call.action)),
        call.reason.name().to_owned(),
        shown(call.trunk),
        shown(call.gateway),
        shown(call.rule),
        call.plan_revision.to_string(),
        call.node.to_owned(),
        shown(call.sip_call_id),
        word(serde_json::to_value(detail.state)),
        shown(detail.ringing_at),
        shown(detail.answered_at),
        shown(detail.ended_at),
        shown(detail.talk_ms),
        shown(detail.cause.and_then(|cause| cause.sip)),
        shown(detail.cause.and_then(|cause| cause.q850)),
        legs.to_string(),
    ]
}

fn row(text: &mut String, cells: impl IntoIterator<Item = String>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        csv_cell::push(text, &cell);
    }
    text.push_str("\r\n");
}
