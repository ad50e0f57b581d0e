//! `telness decks load`: a deck from a file into force, whole or not at all.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use telness_core::deck::{Currency, DeckError, DeckFault};
use telness_core::names::TrunkName;
use telness_engine::clock::Clock;
use telness_engine::deck_flow::{DeckFile, DeckInForce, DeckLoadError, DeckLoader, Progress};
use telness_engine::supervise::Supervisor;
use telness_store::control::{DeckHead, Edit, Expect};

use super::super::editing::{EditFlags, ExpectFlags};
use super::super::in_store::{Access, failed, in_store};
use super::super::progress::{Bar, DRAWN_EVERY};
use super::super::{Exit, Failure, Output, SettingFlags};

/// What to load.
#[derive(Args, Debug)]
pub(super) struct Load {
    /// The deck, as comma-separated values with a heading; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The trunk that it is of, by its name in the plan
    #[arg(long)]
    trunk: TrunkName,
    /// The currency of its amounts, such as SEK
    #[arg(long)]
    currency: Currency,
    /// How many rows it has; another number refuses it, as when a pipe ended early
    #[arg(long, value_name = "N")]
    rows: Option<u64>,
    #[command(flatten)]
    expect: ExpectFlags,
    #[command(flatten)]
    edit: EditFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

/// A deck to be read, and its length if that is known.
type Opened = (Box<dyn Read + Send>, Option<u64>);

impl Load {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { file, trunk, currency, rows, expect, edit, settings } = self;
        let name = file.display().to_string();
        let (input, bytes) =
            open(&file).map_err(|why| Failure::cannot(format_args!("{name} cannot be read: {why}")))?;
        let head = DeckHead { trunk, currency };
        in_store(&settings, Access::Changes, async |control| {
            let tasks = Supervisor::new();
            let loader = DeckLoader::new(control, Clock::system(), tasks.clone());
            let concerns = loader.concerns(&head).await.map_err(|error| failed(&error))?;
            let deck = DeckFile { head: head.clone(), input, rows };
            let bar = Bar::new("rows", bytes, out.is_json());
            let loaded = load(&loader, deck, (edit.edit(), expect.expect()), bar).await;
            tasks.drain().await;
            match loaded {
                Ok(in_force) => done(&head, &in_force, &concerns, out),
                Err(error) => refused(&name, error, out),
            }
        })
    }
}

/// Opens the file without reading of it.
fn open(file: &Path) -> io::Result<Opened> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let opened = File::open(file)?;
    let about = opened.metadata()?;
    let bytes = about.is_file().then_some(about.len());
    Ok((Box::new(opened), bytes))
}

async fn load(
    loader: &DeckLoader,
    deck: DeckFile<Box<dyn Read + Send>>,
    (edit, expect): (Edit, Expect),
    bar: Bar,
) -> Result<DeckInForce, DeckLoadError> {
    let progress = Progress::default();
    let mut loaded = std::pin::pin!(loader.load(deck, edit, expect, &progress));
    let mut ticks = tokio::time::interval(DRAWN_EVERY);
    loop {
        tokio::select! {
            loaded = &mut loaded => return loaded,
            _ = ticks.tick() => bar.draw(progress.rows_written(), progress.bytes_read()),
        }
    }
}

fn done(head: &DeckHead, deck: &DeckInForce, concerns: &[String], out: &mut Output) -> Result<Exit, Failure> {
    let DeckHead { trunk, currency } = head;
    let DeckInForce { version, revision, rows, replaced } = deck;
    if out.is_json() {
        out.json(&json!({
            "trunk": trunk, "currency": currency, "rows": rows, "revision": revision, "version": version,
            "replaced": replaced, "warnings": concerns,
        }))?;
        return Ok(Exit::Done);
    }
    out.line(format_args!("the deck of {trunk} is in force: {rows} rows in {currency}, change {version}"))?;
    if let Some(replaced) = replaced {
        out.line(format_args!("it takes the place of one of {} rows, of {}", replaced.rows, replaced.at))?;
    }
    for concern in concerns {
        out.line(format_args!("warning: {concern}"))?;
    }
    Ok(Exit::Done)
}

fn refused(name: &str, error: DeckLoadError, out: &mut Output) -> Result<Exit, Failure> {
    match error {
        DeckLoadError::File(DeckError::Faulty { faults, count }) => faulty(name, &faults, count, out),
        DeckLoadError::File(DeckError::Read(why)) => {
            Err(Failure::cannot(format_args!("{name} cannot be read to its end, and nothing was changed: {why}")))
        }
        error @ DeckLoadError::Rows { .. } => {
            Err(Failure::new(Exit::No, format_args!("{name} is refused, and nothing was changed: {error}")))
        }
        DeckLoadError::Store(error) => Err(failed(&error)),
        error => Err(Failure::cannot(error)),
    }
}

/// Tells what is wrong with a file, line by line.
fn faulty(name: &str, faults: &[DeckFault], count: u64, out: &mut Output) -> Result<Exit, Failure> {
    if out.is_json() {
        let shown = |fault: &DeckFault| json!({ "line": fault.line, "column": fault.column, "message": fault.message });
        out.json(&json!({ "file": name, "faults": faults.iter().map(shown).collect::<Vec<_>>(), "count": count }))?;
        return Ok(Exit::No);
    }
    for fault in faults {
        out.line(fault)?;
    }
    let more = count.saturating_sub(u64::try_from(faults.len()).unwrap_or(u64::MAX));
    if more > 0 {
        out.line(format_args!("and {more} more"))?;
    }
    out.line(format_args!(
        "{name} is refused for {count} fault{}; nothing was changed",
        if count == 1 { "" } else { "s" }
    ))?;
    Ok(Exit::No)
}
