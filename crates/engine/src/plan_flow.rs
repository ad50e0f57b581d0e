//! From a plan's text to the world that calls are decided on: read, check, compile, put in service.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use telness_core::plan::{Fault, PLAN_BYTES_MAX, Plan, PlanFaults, read_plan};
use telness_store::control::{Control, ControlError, Edit, Expect, PublishedPlan};

use crate::node::Engine;
use crate::snapshot::{FaultyPlan, PlanFrom, PlanText};

/// The plan that is in service when none is given: a small Nordic operator's.
pub const EXAMPLE_PLAN: &str = include_str!("../../../examples/sweden.yaml");

/// Why a plan is not in service.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("the plan {path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The plan has faults; it is refused whole (S3).
    #[error("the plan {name} has faults:\n{rendered}")]
    Faulty {
        /// The file's name.
        name: String,
        /// Every fault, with its line.
        rendered: String,
    },
}

/// Why a plan was not published. What was published before still is.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The plan has faults; it is refused whole (S3).
    #[error("the plan has faults:\n{0}")]
    Faulty(PlanFaults),
    /// It is not as expected in the store, or the store cannot.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A defect.
    #[error("the check of the plan died: {0}")]
    Died(String),
}

/// A plan that was published, and what its check warned of.
#[derive(Clone, Debug, Serialize)]
pub struct Publication {
    /// Which revision is published now.
    #[serde(flatten)]
    pub published: PublishedPlan,
    /// What the plan was not refused for and somebody should know.
    pub warnings: Box<[Fault]>,
}

/// Checks a plan's text as `telness plan check` does, and publishes it as the store's next revision. `expect` is of the
/// publication that is there.
///
/// # Errors
/// When it has faults, all of them, or the store refuses or cannot; then nothing was changed.
pub async fn publish(
    control: &Control,
    edit: &Edit,
    text: Vec<u8>,
    expect: Expect,
) -> Result<Publication, PublishError> {
    let (text, warnings) = checked(text).await?;
    Ok(Publication { published: control.publish_plan(edit, &text, expect).await?, warnings })
}

/// Publishes a revision that the store has, to go back to it. It is checked anew: this telness may refuse what an
/// earlier one took.
///
/// # Errors
/// When there is none, it has faults, or the store refuses or cannot; then nothing was changed.
pub async fn publish_revision(
    control: &Control,
    edit: &Edit,
    revision: u64,
    expect: Expect,
) -> Result<Publication, PublishError> {
    let warnings = match control.plan(revision).await? {
        Some(plan) => checked(plan.text.into_bytes()).await?.1,
        // The store says that there is none.
        None => Box::default(),
    };
    Ok(Publication { published: control.publish_revision(edit, revision, expect).await?, warnings })
}

/// The text and its warnings, if the plan is good. A large one takes a while, so that is not done on a thread that carries
/// calls.
async fn checked(text: Vec<u8>) -> Result<(String, Box<[Fault]>), PublishError> {
    let checked = tokio::task::spawn_blocking(move || {
        let plan = read_plan(&text, 0).map_err(PublishError::Faulty)?;
        let text = String::from_utf8(text).map_err(|error| PublishError::Died(error.to_string()))?;
        Ok((text, plan.warnings))
    });
    checked.await.map_err(|error| PublishError::Died(error.to_string()))?
}

/// Reads, checks and compiles a plan file, or the example if there is none.
///
/// # Errors
/// When it cannot be read, or has faults: all of them.
pub fn load(path: Option<&Path>) -> Result<Plan, PlanError> {
    let Some(path) = path else {
        return compile("the built-in example", EXAMPLE_PLAN.as_bytes());
    };
    let text = read(path).map_err(|why| PlanError::Unreadable { path: path.to_owned(), why })?;
    compile(&path.display().to_string(), &text)
}

/// Reads a plan file as it is, as the first revision.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn text_of(path: &Path) -> Result<PlanText, PlanError> {
    let unreadable = |why| PlanError::Unreadable { path: path.to_owned(), why };
    let text = String::from_utf8(read(path).map_err(unreadable)?);
    let text = text.map_err(|error| unreadable(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(PlanText { name: path.display().to_string().into(), text: text.into(), revision: 1 })
}

/// Reads no more than shows that a plan is too large, and nothing that may never end, such as a pipe.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let bytes_max = u64::try_from(PLAN_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut text)?;
    Ok(text)
}

fn compile(name: &str, text: &[u8]) -> Result<Plan, PlanError> {
    let faulty = |faults: PlanFaults| PlanError::Faulty {
        name: name.to_owned(),
        rendered: faults.render(name, &String::from_utf8_lossy(text)),
    };
    read_plan(text, 1).map_err(faulty)
}

impl Engine {
    /// Reads the plan's file again and puts it in service as the next revision, while calls flow. A plan with faults
    /// changes nothing: the last good one stays (S3). Without a file the store is looked at now; the answer is the
    /// revision in service.
    ///
    /// # Errors
    /// When it cannot be read, or has faults.
    pub fn reload_plan(&self, path: Option<&Path>) -> Result<u64, PlanError> {
        let Some(path) = path else {
            self.snapshot.look_at_store();
            return Ok(self.snapshot.current().plan.revision);
        };
        let text = text_of(path)?;
        let faulty = |fault: FaultyPlan| PlanError::Faulty { name: fault.name.to_string(), rendered: fault.rendered };
        self.snapshot.put_plan_in_service(text, PlanFrom::File).map_err(faulty)
    }
}
