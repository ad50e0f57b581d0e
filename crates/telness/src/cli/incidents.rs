//! `telness incidents`: what happened to emergency calls on the node of a data folder, also while it does not run.

use clap::Args;
use telness_engine::incidents::{Incident, IncidentList};
use telness_engine::incidents_file;

use super::{Exit, Failure, Output, SettingFlags};

/// The node whose incidents they are.
#[derive(Args, Debug)]
pub(super) struct Incidents {
    /// Those alone that go on
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Incidents {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.settings.load(None)?.settings;
        let file = incidents_file(&settings.data);
        let mut list =
            IncidentList::read(&file).map_err(|why| Failure::cannot(format_args!("{}: {why}", file.display())))?;
        list.incidents.retain(|incident| !self.open || incident.closed_at.is_none());
        if out.is_json() {
            out.json(&list)?;
            return Ok(Exit::Done);
        }
        if list.unreadable > 0 {
            out.line(format_args!("{} lines of {} cannot be read", list.unreadable, file.display()))?;
        }
        if list.incidents.is_empty() {
            out.line(if self.open { "no incident is open" } else { "there was no incident" })?;
            return Ok(Exit::Done);
        }
        out.line(format_args!("{:<27} {:<27} {:<24} {:>6}  SCOPE", "OPENED", "CLOSED", "KIND", "FAILED"))?;
        for incident in &list.incidents {
            out.line(line(incident))?;
        }
        Ok(Exit::Done)
    }
}

fn line(incident: &Incident) -> String {
    let closed = incident.closed_at.map_or("-".to_owned(), |at| at.to_string());
    let (opened, kind) = (incident.opened_at.to_string(), incident.kind.as_str());
    let (failed, scope) = (incident.emergency_calls_failed, &incident.scope);
    format!("{opened:<27} {closed:<27} {kind:<24} {failed:>6}  {scope}")
}
