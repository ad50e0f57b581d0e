//! `telness migrate status|up|verify`: brings the schema of a shared database forward, and tells how far it is.

use clap::{Args, Subcommand};
use serde_json::json;
use telness_engine::storage;
use telness_store::{MigrationStatus, Migrations, StoreError};

use super::{Exit, Failure, Output, SettingFlags};

/// What to do with the schema.
#[derive(Args, Debug)]
pub(super) struct Migrate {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tells which steps the database has; the answer is no while one is missing
    Status(SettingFlags),
    /// Takes the steps that are missing. It is safe beside a running service, and beside another one that does it
    Up(SettingFlags),
    /// Looks whether what the steps made is there, unchanged
    Verify(SettingFlags),
}

impl Migrate {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let (Action::Status(flags) | Action::Up(flags) | Action::Verify(flags)) = &self.action;
        let settings = flags.load(None)?.settings;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::cannot)?;
        runtime.block_on(async {
            let Some(migrations) = storage::migrations(&settings.store).map_err(|error| failed(&error))? else {
                return own_file(out);
            };
            match self.action {
                Action::Status(_) => status(&migrations, out).await,
                Action::Up(_) => up(&migrations, out).await,
                Action::Verify(_) => verify(&migrations, out).await,
            }
        })
    }
}

/// A file in the data folder is brought forward by the service itself.
fn own_file(out: &mut Output) -> Result<Exit, Failure> {
    let told = "there is no shared database (store.url): the service brings its own file forward when it opens it";
    if out.is_json() { out.json(&json!({ "shared": false })) } else { out.line(told) }?;
    Ok(Exit::Done)
}

async fn status(migrations: &Migrations, out: &mut Output) -> Result<Exit, Failure> {
    let steps = migrations.status().await.map_err(|error| failed(&error))?;
    if out.is_json() {
        let shown =
            |step: &MigrationStatus| json!({ "version": step.version, "name": step.name, "applied": step.applied });
        out.json(&json!({ "shared": true, "steps": steps.iter().map(shown).collect::<Vec<_>>() }))?;
    } else {
        for step in &steps {
            let applied = if step.applied { "applied" } else { "missing" };
            out.line(format_args!("{:>4}  {applied:<8}{}", step.version, step.name))?;
        }
    }
    Ok(if steps.iter().all(|step| step.applied) { Exit::Done } else { Exit::No })
}

async fn up(migrations: &Migrations, out: &mut Output) -> Result<Exit, Failure> {
    let done = migrations.up().await.map_err(|error| failed(&error))?;
    if out.is_json() {
        out.json(&json!({ "shared": true, "taken": done }))?;
    } else if done.is_empty() {
        out.line("nothing to do: the database has every step")?;
    } else {
        for version in done {
            out.line(format_args!("step {version} is taken"))?;
        }
    }
    Ok(Exit::Done)
}

async fn verify(migrations: &Migrations, out: &mut Output) -> Result<Exit, Failure> {
    let why = match migrations.verify().await {
        Ok(()) => None,
        Err(error @ StoreError::Unavailable(_)) => return Err(failed(&error)),
        Err(error) => Some(error.to_string()),
    };
    if out.is_json() {
        out.json(&json!({ "shared": true, "ok": why.is_none(), "why": why }))?;
    } else {
        out.line(why.as_deref().unwrap_or("the schema is what its steps made"))?;
    }
    Ok(if why.is_none() { Exit::Done } else { Exit::No })
}

fn failed(error: &StoreError) -> Failure {
    Failure::cannot(format_args!("the schema cannot be looked at: {error}"))
}
