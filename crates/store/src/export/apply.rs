//! Takes a file into a store. What people edited and what was issued comes in one transaction, calls and events as a shipper brings them,
//! with a note of how far the file was taken in: begun again, it goes on from there, and once more it changes nothing.

use std::io::{Read, Seek};

use serde::Serialize;
use telness_core::record::Cdr;

use super::check::Checked;
use super::frames::{Frame, FrameReader};
use super::records::{Record, decode, is_control};
use super::{ExportError, Tell};
use crate::billing::copy::{self as billing, KeptFile, KeptRecord, KeptTenant};
use crate::billing::holds;
use crate::billing::merge::{self, Merged};
use crate::control::copy;
use crate::control::merge::Merging;
use crate::control::{Control, Edit};
use crate::sql::{Database, Transaction, Value};
use crate::{Entry, Position, Store, StoreError, postgres, sqlite};

/// Whether a store that has other things takes the file in as well.
#[derive(Clone, Debug)]
pub enum Merge {
    /// It does not.
    Refused,
    /// It does; the log says so of what is added.
    Allowed(Edit),
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Whether it was taken in before, so that nothing was done.
    pub already: bool,
    /// Whether the store had other things, so that what people edited was merged.
    pub merged: bool,
    /// When merged: how many things of those were added.
    pub added: u64,
    /// When merged: how many were there already, or were no more.
    pub passed_over: u64,
}

/// Takes in a file that was checked.
///
/// # Errors
/// When the store has other things, something of them speaks against it, it cannot be written, or the file is not the
/// one that was checked any more.
pub async fn import(
    (store, control): (&dyn Store, &Control),
    mut file: impl Read + Seek,
    checked: &Checked,
    merge: &Merge,
    tell: Tell<'_>,
) -> Result<Applied, ExportError> {
    let journal = checked.journal();
    let complete = Position(checked.records.saturating_add(1));
    let come = store.position(journal).await?;
    if come >= Some(complete) {
        return Ok(Applied { already: true, ..Applied::default() });
    }
    let mut reader = again(&mut file)?;
    let (applied, first) = match come {
        Some(_) => (Applied::default(), None),
        None => take_control(control, &mut reader, checked, merge, tell).await?,
    };
    let mut taking = first;
    if come.is_some() {
        taking = reader.next()?;
    }
    while let Some(frame) = taking {
        let begin = frame.upto.saturating_sub(u64::try_from(frame.records.len()).unwrap_or(0));
        let section = section_of(&reader, &frame);
        if !is_control(&section) && come.is_none_or(|come| frame.upto > come.0) {
            let entries = entries(&reader, &section, &frame)?;
            // As far as to its beginning: should the rest of it not be done, it comes again.
            store.write(journal, Position(begin), entries).await?;
        }
        tell(frame.upto);
        taking = reader.next()?;
    }
    require_same(&reader, checked)?;
    say_what_came(control, again(&mut file)?).await?;
    holds::release(control.database(), journal).await?;
    store.write(journal, complete, Vec::new()).await?;
    Ok(applied)
}

/// Takes in what people edited and what was issued, and that it was; answers the first frame behind it.
async fn take_control<R: Read>(
    control: &Control,
    reader: &mut FrameReader<R>,
    checked: &Checked,
    merge: &Merge,
    tell: Tell<'_>,
) -> Result<(Applied, Option<Frame>), ExportError> {
    let mut transaction = control.database().begin_long("import").await?;
    let has = first_thing(control, &mut transaction).await?;
    let mut taking = match (has, merge) {
        (None, _) => Taking::Whole(transaction),
        (Some(_), Merge::Allowed(edit)) => Taking::Merged(Box::new(Merging::begin(transaction, edit).await?)),
        (Some(has), Merge::Refused) => return Err(ExportError::NotEmpty(has)),
    };
    let mut next = reader.next()?;
    while let Some(frame) = &next {
        let section = section_of(reader, frame);
        if !is_control(&section) {
            break;
        }
        let mut records = Vec::with_capacity(frame.records.len());
        for record in &frame.records {
            records.extend(decode(&section, record).map_err(|why| reader.damaged(why))?);
        }
        taking.take(records).await?;
        tell(frame.upto);
        next = reader.next()?;
    }
    let insert = format!("INSERT INTO {} (journal, position) VALUES (?1, 0)", positions(control));
    taking.transaction().execute(insert, vec![Value::Bytes(checked.journal().0.to_vec())]).await?;
    holds::hold(taking.transaction(), checked.journal()).await?;
    Ok((taking.commit(checked.head.version).await?, next))
}

/// All records as what the first of them is.
macro_rules! all {
    ($kind:ident of $records:ident) => {
        $records.into_iter().filter_map(|one| if let Record::$kind(one) = one { Some(one) } else { None }).collect()
    };
}

/// A transaction that takes in what people edited, and what was issued.
enum Taking<'a> {
    Whole(Transaction),
    Merged(Box<Merging<'a>>),
}

impl Taking<'_> {
    /// Takes records of one section.
    async fn take(&mut self, records: Vec<Record>) -> Result<(), ExportError> {
        /// What is done with records of this kind, in either way.
        macro_rules! into {
            ($kind:ident, $whole:path, $merged:ident) => {
                match self {
                    Self::Whole(transaction) => $whole(transaction, all!($kind of records)).await?,
                    Self::Merged(merging) => merging.$merged(all!($kind of records)).await?,
                }
            };
        }
        match records.first() {
            Some(Record::Tenant(_)) => into!(Tenant, copy::put_kept, tenants),
            Some(Record::User(_)) => into!(User, copy::put_kept, users),
            Some(Record::Block(_)) => into!(Block, copy::put_kept, blocks),
            Some(Record::Number(_)) => into!(Number, copy::put_kept, numbers),
            Some(Record::Plan(_)) => into!(Plan, copy::put_plans, plans),
            Some(Record::Publication(_)) => into!(Publication, copy::put_publications, publications),
            Some(Record::Deck(_)) => into!(Deck, copy::put_decks, decks),
            Some(Record::DeckRow(_)) => into!(DeckRow, copy::put_deck_rows, deck_rows),
            // The other store's log stays the other's: what is added here is noted here.
            Some(Record::Change(_)) => {
                if let Self::Whole(transaction) = self {
                    copy::put_changes(transaction, all!(Change of records)).await?;
                }
            }
            Some(Record::BillingSeries(_) | Record::BillingFile(_) | Record::Billed(_)) => {
                self.take_issued(records).await?;
            }
            Some(Record::Call(..) | Record::Contradiction(_) | Record::Event(_)) | None => {}
        }
        Ok(())
    }

    /// Takes what was issued for billing, of one section.
    async fn take_issued(&mut self, records: Vec<Record>) -> Result<(), ExportError> {
        match (self, records.first()) {
            (Self::Whole(transaction), Some(Record::BillingSeries(_))) => {
                billing::put_tenants(transaction, all!(BillingSeries of records)).await?;
            }
            (Self::Whole(transaction), Some(Record::BillingFile(_))) => {
                billing::put_files(transaction, all!(BillingFile of records)).await?;
            }
            (Self::Whole(transaction), _) => billing::put_records(transaction, all!(Billed of records)).await?,
            (Self::Merged(merging), Some(Record::BillingSeries(_))) => {
                let all: Vec<KeptTenant> = all!(BillingSeries of records);
                let merged = merge::tenants(merging.transaction(), &all).await?;
                count(merging, merged, &all, |one| (one.tenant.to_string(), "next number".to_owned()))?;
            }
            (Self::Merged(merging), Some(Record::BillingFile(_))) => {
                let all: Vec<KeptFile> = all!(BillingFile of records);
                let merged = merge::files(merging.transaction(), &all).await?;
                count(merging, merged, &all, |one| (one.head.tenant.clone(), format!("file {}", one.head.sequence)))?;
            }
            (Self::Merged(merging), _) => {
                let all: Vec<KeptRecord> = all!(Billed of records);
                let merged = merge::records(merging.transaction(), &all).await?;
                let named = |one: &KeptRecord| format!("record {}/{}/{}", one.call_id, one.leg, one.revision);
                count(merging, merged, &all, |one| (one.tenant.to_string(), named(one)))?;
            }
        }
        Ok(())
    }

    const fn transaction(&mut self) -> &mut Transaction {
        match self {
            Self::Whole(transaction) => transaction,
            Self::Merged(merging) => merging.transaction(),
        }
    }

    async fn commit(self, version: i64) -> Result<Applied, ExportError> {
        match self {
            Self::Whole(mut transaction) => {
                copy::set_counter(&mut transaction, version).await?;
                transaction.commit().await?;
                Ok(Applied::default())
            }
            Self::Merged(merging) => {
                let (added, passed_over) = (merging.added, merging.passed_over);
                merging.commit().await?;
                Ok(Applied { merged: true, added, passed_over, ..Applied::default() })
            }
        }
    }
}

/// Counts what was merged of all these, or says whose and which of them keeps all from it.
fn count<T>(
    merging: &mut Merging<'_>,
    merged: Merged,
    all: &[T],
    named: impl Fn(&T) -> (String, String),
) -> Result<(), ExportError> {
    match merged {
        Merged::Added(added) => {
            merging.count(added, true);
            merging.count(all.len().saturating_sub(added), false);
            Ok(())
        }
        Merged::Refused(at) => {
            let (tenant, what) = all.get(at).map(named).unwrap_or_default();
            Err(ExportError::Issued { tenant, what })
        }
    }
}

/// Something that the store has; none if it is empty. Nobody changes the control plane until the transaction ends.
async fn first_thing(control: &Control, transaction: &mut Transaction) -> Result<Option<&'static str>, ExportError> {
    transaction.execute("UPDATE change_counter SET version = version", Vec::new()).await?;
    if !Control::is_untouched(transaction).await? {
        return Ok(Some("changes of its own"));
    }
    let mut tables = vec![
        ("calls", "calls"),
        ("events", "events"),
        ("contradictions", "other records of calls"),
        ("billing_tenants", "records for billing"),
    ];
    if matches!(control.database(), Database::Postgres(_)) {
        tables.push(("early_events", "events"));
    }
    for (table, what) in tables {
        let rows = transaction.query(format!("SELECT EXISTS (SELECT 1 FROM {table})"), Vec::new()).await?;
        if rows.first().map_or(Ok(false), |row| row.bool(0))? {
            return Ok(Some(what));
        }
    }
    Ok(None)
}

/// Says of calls what came of them, where no event of the file told it.
async fn say_what_came<R: Read>(control: &Control, mut reader: FrameReader<R>) -> Result<(), ExportError> {
    while let Some(frame) = reader.next()? {
        if section_of(&reader, &frame) != "calls" {
            continue;
        }
        let mut said: Vec<(Entry, Cdr)> = Vec::new();
        for record in &frame.records {
            if let Some(Record::Call(call, Some(cdr))) = decode("calls", record).map_err(|why| reader.damaged(why))? {
                said.push((call, cdr));
            }
        }
        match control.database() {
            Database::Postgres(pool) => postgres::copy::say_what_came(pool, said).await?,
            Database::Sqlite(_) => {
                let mut transaction = control.database().begin("say_what_came").await?;
                if let Transaction::Sqlite(session) = &mut transaction {
                    session.work(move |connection| sqlite::copy::say_what_came(connection, &said)).await?;
                }
                transaction.commit().await?;
            }
        }
    }
    Ok(())
}

fn entries<R: Read>(reader: &FrameReader<R>, section: &str, frame: &Frame) -> Result<Vec<Entry>, ExportError> {
    let mut entries = Vec::with_capacity(frame.records.len());
    for record in &frame.records {
        let record = decode(section, record).map_err(|why| reader.damaged(why))?;
        if let Some(Record::Call(entry, _) | Record::Contradiction(entry) | Record::Event(entry)) = record {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// Reads the file from its beginning.
fn again<R: Read + Seek>(file: &mut R) -> Result<FrameReader<&mut R>, ExportError> {
    file.rewind()?;
    FrameReader::begin(file)
}

fn require_same<R: Read>(reader: &FrameReader<R>, checked: &Checked) -> Result<(), StoreError> {
    let same = reader.digest() == checked.id;
    if same { Ok(()) } else { Err(StoreError::Broken("the file was exchanged for another meanwhile".to_owned())) }
}

fn section_of<R: Read>(reader: &FrameReader<R>, frame: &Frame) -> String {
    reader.head.sections.get(frame.section).map(|section| section.name.clone()).unwrap_or_default()
}

const fn positions(control: &Control) -> &'static str {
    match control.database() {
        Database::Sqlite(_) => "ship_position",
        Database::Postgres(_) => "ship_positions",
    }
}
