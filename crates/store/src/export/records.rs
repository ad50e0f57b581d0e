//! The sections of an export and what one record of each is.
//!
//! What people edit and what was issued for billing is MessagePack with fields by name. A call, an event and a record that contradicts a call are the
//! bytes that the journal keeps of them, whose versions stay readable for ever; a call's detail record stands behind it,
//! as JSON, if there is one.

use serde::Serialize;
use serde::de::DeserializeOwned;
use telness_core::directory::{Block, NumberEntry, Tenant, User};
use telness_core::record::Cdr;

use crate::Entry;
use crate::billing::copy::{KeptFile, KeptRecord, KeptTenant};
use crate::control::Deck;
use crate::control::copy::{Change, DeckRowOf, Kept, Plan, Publication};

/// The sections, in the order in which they are written. Another one is added at its place here, in [`Record`], in
/// `make.rs` and in `apply.rs`, with a later minor version of the format.
pub const SECTIONS: [&str; 16] = [
    "tenants",
    "users",
    "blocks",
    "numbers",
    "plans",
    "publications",
    "decks",
    "deck_rows",
    "changes",
    "billing_tenants",
    "billing_files",
    "billing_records",
    "calls",
    "contradictions",
    "events",
    "waiting_events",
];

/// One record.
#[derive(Debug)]
pub(super) enum Record {
    Tenant(Kept<Tenant>),
    User(Kept<User>),
    Block(Kept<Block>),
    Number(Kept<NumberEntry>),
    Plan(Plan),
    Publication(Publication),
    Deck(Kept<Deck>),
    DeckRow(DeckRowOf),
    Change(Change),
    BillingSeries(KeptTenant),
    BillingFile(KeptFile),
    Billed(KeptRecord),
    Call(Entry, Option<Cdr>),
    Contradiction(Entry),
    Event(Entry),
}

/// Which sections the one transaction takes in: what people edited, and what was issued for billing. Calls come after
/// it, so that no record is made anew of one that has its record.
pub(super) fn is_control(section: &str) -> bool {
    !["calls", "contradictions", "events", "waiting_events"].contains(&section)
}

/// A record of the control plane as bytes.
pub(super) fn encode(value: &impl Serialize) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(value).map_err(|why| why.to_string())
}

/// A call and what came of it as bytes.
pub(super) fn encode_call(call: &Entry, cdr: Option<&Cdr>) -> Result<Vec<u8>, String> {
    let entry = call.encode().map_err(|why| why.to_string())?;
    let mut bytes = u32::try_from(entry.len()).map_err(|why| why.to_string())?.to_le_bytes().to_vec();
    bytes.extend_from_slice(&entry);
    if let Some(cdr) = cdr {
        serde_json::to_writer(&mut bytes, cdr).map_err(|why| why.to_string())?;
    }
    Ok(bytes)
}

/// Reads a record of a section; none if the section is passed over.
pub(super) fn decode(section: &str, bytes: &[u8]) -> Result<Option<Record>, String> {
    Ok(Some(match section {
        "tenants" => Record::Tenant(read(bytes)?),
        "users" => Record::User(read(bytes)?),
        "blocks" => Record::Block(read(bytes)?),
        "numbers" => Record::Number(read(bytes)?),
        "plans" => Record::Plan(read(bytes)?),
        "publications" => Record::Publication(read(bytes)?),
        "decks" => Record::Deck(read(bytes)?),
        "deck_rows" => Record::DeckRow(read(bytes)?),
        "changes" => Record::Change(read(bytes)?),
        "billing_tenants" => Record::BillingSeries(read(bytes)?),
        "billing_files" => {
            let file: KeptFile = read(bytes)?;
            file.check()?;
            Record::BillingFile(file)
        }
        "billing_records" => {
            let record: KeptRecord = read(bytes)?;
            record.check()?;
            Record::Billed(record)
        }
        "calls" => {
            let (length, rest) = bytes.split_first_chunk().ok_or("cut short")?;
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            let (entry, cdr) = rest.split_at_checked(length).ok_or("cut short")?;
            let cdr =
                if cdr.is_empty() { None } else { Some(serde_json::from_slice(cdr).map_err(|why| why.to_string())?) };
            Record::Call(call(entry)?, cdr)
        }
        "contradictions" => Record::Contradiction(call(bytes)?),
        "events" | "waiting_events" => match entry(bytes)? {
            event @ Entry::Event(_) => Record::Event(event),
            Entry::Call { .. } => return Err("a call among events".to_owned()),
        },
        _ => return Ok(None),
    }))
}

fn call(bytes: &[u8]) -> Result<Entry, String> {
    match entry(bytes)? {
        Entry::Event(_) => Err("an event among calls".to_owned()),
        call @ Entry::Call { .. } => {
            if let Entry::Call { personal, .. } = &call {
                Entry::personal(personal).map_err(|why| why.to_string())?;
            }
            Ok(call)
        }
    }
}

fn entry(bytes: &[u8]) -> Result<Entry, String> {
    Entry::decode(bytes).map_err(|why| why.to_string())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    rmp_serde::from_slice(bytes).map_err(|why| why.to_string())
}
