//! `telness export`: all that the store keeps, as one file that either kind of store takes in again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use telness_core::names::TenantName;
use telness_engine::clock::Clock;
use telness_engine::config::Settings;
use telness_engine::identity::Identity;
use telness_engine::{read_secret, storage, store_file};
use telness_store::control::Control;
use telness_store::export::{self, Count, ExportError, What};

use super::progress::Bar;
use super::{Exit, Failure, Output, SettingFlags, records};

/// What to write, and where.
#[derive(Args, Debug)]
pub(super) struct Export {
    /// The file to write, which is not there yet; `-` for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only what is this tenant's: without plans and rate decks, which are nobody's
    #[arg(long)]
    tenant: Option<TenantName>,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Export {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.settings.load(None)?.settings;
        let to_stdout = self.file == Path::new("-");
        if to_stdout && io::stdout().is_terminal() {
            return Err(Failure::usage("an export is not for a terminal; name a file, or send it on to a program"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::cannot)?;
        runtime.block_on(async {
            if settings.data.is_dir() {
                records::catch_up(&settings).await?;
            }
            let file = store_file(&settings.data);
            let opened = storage::open_read_only(&settings.store, &file).map_err(|error| failed(&error.into()))?;
            let Some(opened) = opened else {
                let file = file.display();
                return Err(Failure::cannot(format_args!("there is no store {file} yet; name the node's with --data")));
            };
            let what = What {
                tenant: self.tenant.clone(),
                telness: env!("CARGO_PKG_VERSION").to_owned(),
                at: Clock::system().now(),
                key_check: key_checks(&settings, &opened.control).await?.into_iter().next(),
            };
            let bar = Bar::new("records written", None, out.is_json());
            if to_stdout {
                // What is asked for is on standard output, so what is said of it is not.
                return write(&opened.control, io::stdout().lock(), &what, bar).await.map(|_| Exit::Done);
            }
            let (counts, bytes) = to_file(&opened.control, &self.file, &what, bar).await?;
            self.say(&what, (&counts, bytes), out)
        })
    }

    fn say(&self, what: &What, (counts, bytes): (&[Count], u64), out: &mut Output) -> Result<Exit, Failure> {
        let file = self.file.display().to_string();
        if out.is_json() {
            let key_check = &what.key_check;
            out.json(&json!({ "file": file, "bytes": bytes, "counts": counts, "key_check": key_check }))?;
            return Ok(Exit::Done);
        }
        let records: u64 = counts.iter().map(|count| count.records).sum();
        out.line(format_args!("{file}: {records} records, {bytes} bytes"))?;
        for Count { section, records } in counts.iter().filter(|count| count.records > 0) {
            out.line(format_args!("{records:>12}  {section}"))?;
        }
        out.line(
            "Not in it: the server's key (server.key in the data folder, or identity.key_file), under which numbers are \
             searched and calls named, and the settings with the API keys. Copy them by themselves.",
        )?;
        Ok(Exit::Done)
    }
}

/// Writes beside and renames, so that a file that is there is whole.
async fn to_file(control: &Control, path: &Path, what: &What, bar: Bar) -> Result<(Vec<Count>, u64), Failure> {
    let unwritable = |why: io::Error| Failure::cannot(format_args!("{}: {why}", path.display()));
    if path.exists() {
        return Err(unwritable(io::Error::other("it is there already; name another file, or move it away")));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let beside = PathBuf::from(beside);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let file = file.map_err(unwritable)?;
    let written = async {
        let counts = write(control, &file, what, bar).await?;
        file.sync_all().map_err(unwritable)?;
        let bytes = file.metadata().map_err(unwritable)?.len();
        fs::rename(&beside, path).map_err(unwritable)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable)?;
        Ok((counts, bytes))
    };
    let written = written.await;
    if written.is_err() {
        // Half an export is of no use.
        let _ = fs::remove_file(&beside);
    }
    written
}

async fn write(control: &Control, out: impl Write, what: &What, mut bar: Bar) -> Result<Vec<Count>, Failure> {
    let mut tell = |records: u64| bar.count(records);
    let out = BufWriter::with_capacity(1 << 20, out);
    export::export(control, out, what, &mut tell).await.map_err(|error| match error {
        ExportError::Io(why) => Failure::output(&why),
        other => failed(&other),
    })
}

/// What tells the server's keys that this node and its store know from others: one if all is well.
pub(super) async fn key_checks(settings: &Settings, control: &Control) -> Result<Vec<String>, Failure> {
    let own = read_secret(settings).map_err(Failure::cannot)?.map(|secret| Identity::new(&secret).check());
    let nodes = control.nodes().await.map_err(|error| failed(&error.into()))?;
    let mut known: Vec<String> = own.into_iter().collect();
    for node in nodes {
        if !known.contains(&node.key_check) {
            known.push(node.key_check);
        }
    }
    Ok(known)
}

/// How a command that moves a store ends when that failed.
pub(super) fn failed(error: &ExportError) -> Failure {
    let exit = match error {
        ExportError::Io(_) | ExportError::Store(_) => Exit::Cannot,
        ExportError::Damaged { .. }
        | ExportError::Later { .. }
        | ExportError::NotEmpty(_)
        | ExportError::Refused(_)
        | ExportError::Issued { .. } => Exit::No,
    };
    Failure::new(exit, error)
}
