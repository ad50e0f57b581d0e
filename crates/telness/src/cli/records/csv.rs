//! Calls as comma-separated values (RFC 4180), safe to open in a spreadsheet.

use telness_store::{Page, StoredSummary};

use crate::cli::{Failure, Output};

const HEADING: &str =
    "received_at,call_id,tenant,class,type,direction,from,to,action,reason,rule,trunk,gateway,state,answered_at,ended_at,talk_ms";

pub(super) fn write(page: &Page, out: &mut Output) -> Result<(), Failure> {
    out.text(HEADING)?;
    out.text("\r\n")?;
    for call in &page.calls {
        let row: Vec<String> = fields(call).into_iter().map(quoted).collect();
        out.text(&row.join(","))?;
        out.text("\r\n")?;
    }
    Ok(())
}

fn fields(call: &StoredSummary) -> [String; 17] {
    fn text<T: ToString>(value: Option<&T>) -> String {
        value.map_or_else(String::new, ToString::to_string)
    }
    let (routing, personal, cdr) = (&call.routing, &call.personal, &call.cdr);
    let word = |value: serde_json::Result<serde_json::Value>| {
        value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let number = |party: &telness_core::call::Party| {
        party.read.as_ref().map_or_else(|| party.sent.to_string(), ToString::to_string)
    };
    [
        routing.received_at.to_string(),
        routing.call_id.to_string(),
        routing.tenant.to_string(),
        routing.class.as_str().to_owned(),
        routing.kind.as_str().to_owned(),
        word(serde_json::to_value(routing.direction)),
        personal.from.as_ref().map(number).unwrap_or_default(),
        number(&personal.to),
        word(serde_json::to_value(routing.action)),
        routing.reason.to_string(),
        text(routing.rule.as_ref()),
        text(routing.trunk.as_ref()),
        text(routing.gateway.as_ref()),
        word(serde_json::to_value(cdr.state)),
        text(cdr.answered_at.as_ref()),
        text(cdr.ended_at.as_ref()),
        text(cdr.talk_ms.as_ref()),
    ]
}

/// A field in quotes where it needs them. What a spreadsheet would take for a formula gets an apostrophe before it;
/// a number with its plus is none.
fn quoted(field: String) -> String {
    let number = field.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number;
    let field = if formula { format!("'{field}") } else { field };
    if field.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}
