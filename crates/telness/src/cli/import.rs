//! `telness import`: takes what `telness export` wrote into the store of the settings.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use telness_engine::clock::Clock;
use telness_engine::config::Settings;
use telness_engine::identity::random_bytes;
use telness_engine::storage::{self, Opened};
use telness_engine::{DataFolder, DataFolderError, store_file};
use telness_store::control::Edit;
use telness_store::export::{self, Applied, Checked, Head, Merge};

use super::export::{failed, key_checks};
use super::progress::Bar;
use super::{Exit, Failure, Output, SettingFlags};

/// What to take in, and how.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// The file that `telness export` wrote; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Looks through the whole file, and changes nothing
    #[arg(long)]
    check: bool,
    /// Takes it in beside what the store has: what is there stays, what is not there is added
    #[arg(long)]
    merge: bool,
    /// Takes it in although this node has another server's key than the one that the file was made under
    #[arg(long)]
    other_key: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Import {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.settings.load(None)?.settings;
        let unreadable = |why: io::Error| Failure::cannot(format_args!("{}: {why}", self.file.display()));
        let mut file = self.open(&settings).map_err(unreadable)?;
        let mut bar = Bar::new("records looked through", None, out.is_json());
        let mut tell = |records: u64| bar.count(records);
        let checked = export::check(BufReader::with_capacity(1 << 20, &file), &mut tell);
        drop(bar);
        let checked = checked.map_err(|error| failed(&error))?;
        if self.check {
            return self.say(&checked, None, out);
        }
        file.rewind().map_err(unreadable)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::cannot)?;
        let applied = runtime.block_on(async {
            let opened = open_store(&settings)?;
            opened.store.check().await.map_err(|error| failed(&error.into()))?;
            if !self.other_key {
                require_key(&checked.head, &key_checks(&settings, &opened.control).await?, &settings)?;
            }
            let mut bar = Bar::new("records taken in", None, out.is_json());
            let mut tell = |records: u64| bar.count(records);
            let input = BufReader::with_capacity(1 << 20, &file);
            let into = (&*opened.store, &opened.control);
            let applied = export::import(into, input, &checked, &self.merge(), &mut tell).await;
            drop(bar);
            applied.map_err(|error| failed(&error))
        })?;
        self.say(&checked, Some(&applied), out)
    }

    fn merge(&self) -> Merge {
        if !self.merge {
            return Merge::Refused;
        }
        let author = "telness import".to_owned();
        Merge::Allowed(Edit { author, comment: "merged from an export".to_owned(), at: Clock::system().now() })
    }

    /// The file, which is read more than once. What comes on standard input is put aside in a file without a name.
    fn open(&self, settings: &Settings) -> io::Result<File> {
        if self.file != Path::new("-") {
            return File::open(&self.file);
        }
        let folder = if settings.data.is_dir() { settings.data.clone() } else { std::env::temp_dir() };
        let lot = u64::from_le_bytes(random_bytes().map_err(io::Error::other)?);
        let path = folder.join(format!("import-{lot:016x}.part"));
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        io::copy(&mut io::stdin().lock(), &mut file)?;
        file.rewind()?;
        Ok(file)
    }

    fn say(&self, checked: &Checked, applied: Option<&Applied>, out: &mut Output) -> Result<Exit, Failure> {
        let passed_over = checked.head.passed_over();
        if out.is_json() {
            let (file, sections) = (self.file.display().to_string(), passed_over);
            out.json(
                &json!({ "file": file, "export": checked, "sections_passed_over": sections, "applied": applied }),
            )?;
            return Ok(Exit::Done);
        }
        let Head { telness, made_at, .. } = &checked.head;
        let records = checked.records;
        out.line(format_args!("a whole export of {records} records, made by telness {telness} at {made_at}"))?;
        for count in checked.counts.iter().filter(|count| count.records > 0) {
            out.line(format_args!("{:>12}  {}", count.records, count.section))?;
        }
        for section in passed_over {
            out.line(format_args!(
                "passed over: {section}, which this version does not know and the file can do without"
            ))?;
        }
        out.line(match applied {
            None => "nothing was changed".to_owned(),
            Some(Applied { already: true, .. }) => "the store has all of it already; nothing was changed".to_owned(),
            Some(Applied { merged: true, added, passed_over, .. }) => format!(
                "merged: of what people edited or was issued {added} were added, and {passed_over} were there already or are no more; \
                 calls and events are all there"
            ),
            Some(_) => "all of it is in the store".to_owned(),
        })?;
        Ok(Exit::Done)
    }
}

/// The store, whose folder is made if it is a file of a node that was never started.
fn open_store(settings: &Settings) -> Result<Opened, Failure> {
    if settings.store.url.is_none() {
        match DataFolder::open(&settings.data) {
            Ok(_) | Err(DataFolderError::InUse { .. }) => {}
            Err(error) => return Err(Failure::cannot(error)),
        }
    }
    let opened = storage::open(&settings.store, &store_file(&settings.data), storage::unobserved());
    opened.map_err(|error| failed(&error.into()))
}

/// Refuses a file that was made under another server's key than those that are known here.
fn require_key(head: &Head, known: &[String], settings: &Settings) -> Result<(), Failure> {
    let consequence = "or say --other-key, and then no call of before is found by its numbers, and an Idempotency-Key of \
                       before makes another call";
    let refused = |why: String| Err(Failure::new(Exit::No, format_args!("{why}, {consequence}; nothing was changed")));
    let Some(made_under) = &head.key_check else {
        return refused("the file does not say under which server's key it was made".to_owned());
    };
    if known.is_empty() {
        let folder = settings.data.display();
        return refused(format!(
            "there is no server's key here yet: copy server.key of the node that the file is from into {folder} (chmod \
             600), or name it with identity.key_file"
        ));
    }
    if known.iter().any(|check| check != made_under) {
        return refused(
            "the file was made under another server's key than the one here: bring server.key (or identity.key_file) of \
             the node that it is from"
                .to_owned(),
        );
    }
    Ok(())
}
