//! `telness decks show`: the deck of a trunk, or its rows.

use clap::Args;
use telness_core::deck::deck_header;
use telness_core::names::TrunkName;
use telness_store::control::{Deck, DeckRowKey};

use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};

/// Rows that are asked for at once.
const PAGE: u32 = 5_000;

/// Which one.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The trunk, by its name in the plan
    #[arg(value_name = "TRUNK")]
    trunk: TrunkName,
    /// Its rows as comma-separated values: what `load` takes
    #[arg(long, conflicts_with = "json")]
    rows: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Show {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { trunk, rows, settings } = self;
        in_store(&settings, Access::Reads, async |control| {
            let found = control.get::<Deck>(&trunk).await.map_err(|error| failed(&error))?;
            let found = found.ok_or_else(|| Failure::new(Exit::No, format_args!("{trunk} has no rate deck")))?;
            if !rows {
                if out.is_json() {
                    out.json(&found)?;
                } else {
                    out.line(format_args!("version {}", found.version))?;
                    out.line(serde_json::to_string_pretty(&found.value).map_err(Failure::cannot)?)?;
                }
                return Ok(Exit::Done);
            }
            out.line(deck_header())?;
            let (mut written, mut after) = (0_u64, None);
            loop {
                let page = control.deck_rows(found.value.revision, after.as_ref(), PAGE).await;
                let page = page.map_err(|error| failed(&error))?;
                for row in &page {
                    out.line(row.to_csv())?;
                }
                written = written.saturating_add(u64::try_from(page.len()).unwrap_or(0));
                after = page.last().map(DeckRowKey::from);
                if after.is_none() {
                    break;
                }
            }
            if written == found.value.rows {
                return Ok(Exit::Done);
            }
            Err(Failure::cannot(
                "another deck came into force while this one was read, so rows are missing; show it again",
            ))
        })
    }
}
