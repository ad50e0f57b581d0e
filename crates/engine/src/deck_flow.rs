//! A rate deck from a file into the store: every row is read and checked, and it comes into force whole or not at all.
//!
//! A thread of its own reads the file and hands on batches, of which few wait, so that a million rows are never held.
//! What was loaded shows nowhere until one change brings it into force. Whoever asked for a load and goes away gives it
//! up; what a killed process left is swept away when nobody touched it for [`LOAD_IDLE_MAX`].

mod concerns;

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use telness_core::deck::{DeckError, DeckReader, DeckRow};
use telness_core::names::TrunkName;
use telness_core::time::Timestamp;
use telness_store::control::{
    Control, ControlError, Deck, DeckHead, DeckLoad, Edit, Entity as _, Expect, Refusal, Version, Versioned,
};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::clock::Clock;
use crate::supervise::{self, Supervisor};

/// How many decks one process loads at once: each remembers the keys of its rows.
pub const LOADS_MAX: usize = 2;

/// How long nobody may touch a load before it is taken to be abandoned.
pub const LOAD_IDLE_MAX: Duration = Duration::from_secs(900);

/// Rows that are written at once.
const BATCH_ROWS: usize = 10_000;
/// Batches that are read ahead.
const BATCHES_AHEAD: usize = 2;

/// A deck as it comes.
#[derive(Debug)]
pub struct DeckFile<R> {
    /// What it is of.
    pub head: DeckHead,
    /// The rows, as comma-separated values.
    pub input: R,
    /// How many rows it should have, if that is known; a pipe that ended early has fewer.
    pub rows: Option<u64>,
}

/// A deck that was brought into force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeckInForce {
    /// The change that did.
    pub version: Version,
    /// Its revision.
    pub revision: u64,
    /// How many rows it has.
    pub rows: u64,
    /// What it took the place of.
    pub replaced: Option<Deck>,
}

/// Why a deck did not come into force. The former one stays.
#[derive(Debug, thiserror::Error)]
pub enum DeckLoadError {
    /// The file is no deck.
    #[error(transparent)]
    File(#[from] DeckError),
    /// It has another number of rows than was said.
    #[error("it has {found} rows and should have {expected}; is it whole?")]
    Rows {
        /// As was said.
        expected: u64,
        /// As it is.
        found: u64,
    },
    /// The store refused it, or could not.
    #[error(transparent)]
    Store(#[from] ControlError),
    /// The store did not answer whether it came into force.
    #[error("it is not known whether the deck came into force, for the store stopped answering: {0}; look at it again")]
    Unknown(ControlError),
    /// So many decks are being loaded already.
    #[error("{LOADS_MAX} rate decks are being loaded already; try again when one is done")]
    Busy,
    /// The load was given up before its end: by whoever asked for it, by a stop, or by a node that saw nobody touch it.
    #[error(
        "the load was given up before its end, and nothing was changed: load it again, and look whether the clocks \
         differ (nodes take a load for abandoned that nobody touched for 15 minutes)"
    )]
    GivenUp,
    /// The system gave no thread to read on.
    #[error("the system gave no thread to read the deck on: {0}")]
    System(#[from] io::Error),
}

/// How far a load has come, for whoever shows it meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    bytes_read: AtomicU64,
    rows_written: AtomicU64,
    stage: AtomicU8,
}

/// Rows are read and written, and show nowhere.
const LOADING: u8 = 0;
/// Whoever asked wants it no more: it cannot come into force.
const GIVEN_UP: u8 = 1;
/// It is being brought into force: nobody can give it up any more.
const FINISHING: u8 = 2;

impl Progress {
    /// Bytes of the file that were read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.0.bytes_read.load(Ordering::Relaxed)
    }

    /// Rows that the store has.
    #[must_use]
    pub fn rows_written(&self) -> u64 {
        self.0.rows_written.load(Ordering::Relaxed)
    }

    /// Gives the load up, unless it is being brought into force already. Only of one that was given up can it be said
    /// that it changed nothing; the end of another has to be waited for.
    #[must_use]
    pub fn give_up(&self) -> bool {
        self.leave_loading(GIVEN_UP)
    }

    /// Whether it is being brought into force, or was.
    #[must_use]
    pub fn is_finishing(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) == FINISHING
    }

    fn leave_loading(&self, to: u8) -> bool {
        self.0.stage.compare_exchange(LOADING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// Loads decks into a store.
#[derive(Clone, Debug)]
pub struct DeckLoader {
    control: Control,
    clock: Clock,
    tasks: Supervisor,
    places: Arc<Semaphore>,
}

impl DeckLoader {
    /// One whose loads are given up when `tasks` are to stop.
    #[must_use]
    pub fn new(control: Control, clock: Clock, tasks: Supervisor) -> Self {
        Self { control, clock, tasks, places: Arc::new(Semaphore::new(LOADS_MAX)) }
    }

    /// Loads a deck and brings it into force, in the place of the trunk's former one. `expect` is of that one; without
    /// it, the one that is in force now has to be still, so that of two loads at once one is told. Dropped before it is
    /// brought into force, it gives the load up; from then on the load goes to its end, whoever waits for it.
    ///
    /// # Errors
    /// When the file has faults, another deck came into force meanwhile, or the store cannot; then nothing was changed.
    pub async fn load<R: Read + Send + 'static>(
        &self,
        file: DeckFile<R>,
        edit: Edit,
        expect: Expect,
        progress: &Progress,
    ) -> Result<DeckInForce, DeckLoadError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| DeckLoadError::Busy)?;
        let (mut sender, answer) = oneshot::channel();
        let (loader, progress, stop) = (self.clone(), progress.clone(), self.tasks.stopping());
        self.tasks.task("the load of a deck", async move {
            let mut begun = None;
            let written = tokio::select! {
                written = loader.write(file, expect, &progress, &mut begun) => written,
                () = sender.closed() => Err(DeckLoadError::GivenUp),
                () = stop.cancelled() => Err(DeckLoadError::GivenUp),
            };
            let loaded = match written {
                Ok(_) if !progress.leave_loading(FINISHING) => Err(DeckLoadError::GivenUp),
                Ok(written) => loader.bring_into_force(written, edit).await,
                Err(why) => Err(why),
            };
            if let (Err(_), Some(load)) = (&loaded, begun) {
                loader.abandon(load).await;
            }
            drop(place);
            // Nobody waits for the answer of a load that was given up.
            let _ = sender.send(loaded);
        });
        answer.await.unwrap_or(Err(DeckLoadError::GivenUp))
    }

    /// What an operator should know of a deck that is about to be loaded, in sentences: that the published plan has no
    /// such trunk, that other decks are in another currency.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn concerns(&self, head: &DeckHead) -> Result<Vec<String>, ControlError> {
        concerns::concerns(&self.control, head).await
    }

    /// Sweeps away some of what no deck has: loads that were abandoned, decks that were replaced or deleted. Tells
    /// whether there is more.
    ///
    /// # Errors
    /// When the store cannot.
    pub async fn sweep(&self) -> Result<bool, ControlError> {
        let idle_max = i64::try_from(LOAD_IDLE_MAX.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp::from_micros(self.clock.now().as_micros().saturating_sub(idle_max));
        self.control.sweep_decks(before).await
    }

    /// Reads and writes all rows, which show nowhere yet.
    async fn write<R: Read + Send + 'static>(
        &self,
        file: DeckFile<R>,
        expect: Expect,
        progress: &Progress,
        begun: &mut Option<DeckLoad>,
    ) -> Result<Written, DeckLoadError> {
        let DeckFile { head, input, rows: expected } = file;
        let (replaced, expect) = self.in_force(&head.trunk, expect).await?;
        let (sender, mut parts) = mpsc::channel(BATCHES_AHEAD);
        let counts = progress.clone();
        supervise::thread("deck-reader", move || read(input, counts, &sender))?;
        while let Some(part) = parts.recv().await {
            let rows = match part {
                Part::Rows(rows) => rows,
                Part::End(ended) => {
                    let found = ended?;
                    if let Some(expected) = expected.filter(|expected| *expected != found) {
                        return Err(DeckLoadError::Rows { expected, found });
                    }
                    let load = begun.ok_or(DeckLoadError::GivenUp)?;
                    return Ok(Written { trunk: head.trunk, load, rows: found, replaced, expect });
                }
            };
            let load = match *begun {
                Some(load) => load,
                None => *begun.insert(self.control.begin_deck(&head, self.clock.now()).await?),
            };
            self.control.add_deck_rows(load, &rows, self.clock.now()).await.map_err(of_load)?;
            let written = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            progress.0.rows_written.fetch_add(written, Ordering::Relaxed);
        }
        // The thread that reads died, which its watch logged.
        Err(DeckLoadError::GivenUp)
    }

    /// The deck in force now, and what is expected in its place at the end. What is not as expected already is told
    /// before anything is read.
    async fn in_force(&self, trunk: &TrunkName, expect: Expect) -> Result<(Option<Deck>, Expect), ControlError> {
        let found = self.control.get::<Deck>(trunk).await?;
        let version = found.as_ref().map(|found| found.version);
        let now = version.map_or(Expect::Absent, Expect::Version);
        if expect != Expect::Any && expect != now {
            let refusal = Refusal::Unexpected { found: version };
            return Err(ControlError::Refused { entity: Deck::NAME, key: trunk.to_string(), refusal });
        }
        Ok((found.map(|Versioned { value, .. }| value), now))
    }

    /// Brings it into force. A store that goes away in the middle is asked again what came of it.
    async fn bring_into_force(&self, written: Written, edit: Edit) -> Result<DeckInForce, DeckLoadError> {
        let Written { trunk, load, rows, replaced, expect } = written;
        let edit = Edit { at: self.clock.now(), ..edit };
        let version = match self.control.finish_deck(&edit, load, expect).await {
            Ok(version) => version,
            Err(why @ ControlError::Store(_)) => match self.control.get::<Deck>(&trunk).await {
                Ok(Some(deck)) if deck.value.revision == load.revision => deck.version,
                Ok(_) => return Err(why.into()),
                Err(_) => return Err(DeckLoadError::Unknown(why)),
            },
            Err(why) => return Err(of_load(why)),
        };
        Ok(DeckInForce { version, revision: load.revision, rows, replaced })
    }

    async fn abandon(&self, load: DeckLoad) {
        if let Err(why) = self.control.abandon_deck(load).await {
            tracing::debug!(%why, "a load could not be given up; it is swept away when it was idle for long");
        }
    }
}

/// A load that is no more was given up by a node.
fn of_load(error: ControlError) -> DeckLoadError {
    match error {
        ControlError::Refused { entity, refusal: Refusal::NotFound, .. } if entity != Deck::NAME => {
            DeckLoadError::GivenUp
        }
        error => DeckLoadError::Store(error),
    }
}

/// A deck whose rows are all in the store, and in force nowhere.
struct Written {
    trunk: TrunkName,
    load: DeckLoad,
    rows: u64,
    replaced: Option<Deck>,
    expect: Expect,
}

/// What the thread that reads hands on.
enum Part {
    Rows(Vec<DeckRow>),
    /// All was handed on: how many rows there were.
    End(Result<u64, DeckError>),
}

/// Reads a file to its end, or until nobody wants it any more. From the first fault on it only looks for others.
fn read<R: Read>(input: R, progress: Progress, sender: &mpsc::Sender<Part>) {
    let ended = match DeckReader::new(Counted { input, progress }) {
        Ok(reader) => read_rows(reader, sender),
        Err(error) => Some(Err(error)),
    };
    if let Some(ended) = ended {
        // Without a receiver the load was given up.
        let _ = sender.blocking_send(Part::End(ended));
    }
}

fn read_rows<R: Read>(mut reader: DeckReader<R>, sender: &mpsc::Sender<Part>) -> Option<Result<u64, DeckError>> {
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    while let Some(row) = reader.next() {
        if reader.faults_so_far() > 0 {
            batch = Vec::new();
            if sender.is_closed() {
                return None;
            }
            continue;
        }
        batch.push(row);
        if batch.len() >= BATCH_ROWS {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS));
            sender.blocking_send(Part::Rows(full)).ok()?;
        }
    }
    if reader.faults_so_far() == 0 && !batch.is_empty() {
        sender.blocking_send(Part::Rows(batch)).ok()?;
    }
    Some(reader.finish())
}

/// Counts the bytes that pass.
struct Counted<R> {
    input: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.progress.0.bytes_read.fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Ok(read)
    }
}
