//! `telness explain [CODE|NAME]`: the page of a reason, or the list of all.

use clap::Args;
use serde_json::json;
use telness_core::reason::{Reason, ReasonPage};

use super::{Exit, Failure, Output};

/// Which reason.
#[derive(Args, Debug)]
pub(super) struct Explain {
    /// A code such as 200, or a name such as no_route; all are listed if not said
    #[arg(value_name = "CODE|NAME")]
    reason: Option<String>,
}

impl Explain {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Some(text) = self.reason else {
            return list(out);
        };
        let Ok(reason) = text.trim().to_ascii_lowercase().parse::<Reason>() else {
            return Err(Failure::new(Exit::No, format_args!("`{text}` is no reason; `telness explain` lists them")));
        };
        let page = reason.page();
        if out.is_json() {
            out.json(&page_json(page))?;
        } else {
            out.line(format_args!("{} {}", page.code, page.name))?;
            out.line(format_args!("\nWhat   {}\nWhy    {}\nTo do  {}\n", page.what, page.why, page.todo))?;
            let (http, sip) = (page.http, page.sip);
            let q850 = if page.q850 == 0 { String::new() } else { format!(", Q.850 cause {}", page.q850) };
            out.line(format_args!("HTTP {http} for a refused request; SIP {sip}{q850} for the call"))?;
        }
        Ok(Exit::Done)
    }
}

fn list(out: &mut Output) -> Result<Exit, Failure> {
    if out.is_json() {
        let pages: Vec<_> = Reason::ALL.iter().map(|reason| page_json(reason.page())).collect();
        out.json(&pages)?;
        return Ok(Exit::Done);
    }
    for reason in Reason::ALL {
        let page = reason.page();
        out.line(format_args!("{}  {:<22} {}", page.code, page.name, page.what))?;
    }
    Ok(Exit::Done)
}

fn page_json(page: &ReasonPage) -> serde_json::Value {
    json!({
        "code": page.code, "name": page.name, "what": page.what, "why": page.why, "todo": page.todo,
        "http": page.http, "sip": page.sip, "q850": (page.q850 != 0).then_some(page.q850),
    })
}
