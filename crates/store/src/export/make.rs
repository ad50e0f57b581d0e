//! Writes a store, as it is at one moment, to a file, beside whoever works on it.

use std::io::Write;

use serde::Serialize;
use telness_core::directory::{Block, NumberEntry, Tenant, User};
use telness_core::names::TenantName;

use super::frames::FrameWriter;
use super::head::Head;
use super::place::{FIRST_CALL, Place};
use super::records::{SECTIONS, encode, encode_call};
use super::source::{PAGE_ROWS, Source};
use super::{Count, ExportError, Tell, What};
use crate::billing::copy::{self as billing, RecordPlace};
use crate::control::copy::{self, DeckRowOf, Kept};
use crate::control::{Control, Deck, Stored};
use crate::{Entry, StoreError};

/// Writes a store's content; answers what there is of each section.
///
/// # Errors
/// When the store cannot be read or the file not written.
pub async fn export(
    control: &Control,
    out: impl Write,
    what: &What,
    tell: Tell<'_>,
) -> Result<Vec<Count>, ExportError> {
    let mut source = Source::open(control).await?;
    let rows = source.transaction.query("SELECT version FROM change_counter", Vec::new()).await?;
    let version = rows.first().map_or(Ok(0), |row| row.int(0))?;
    let frames = FrameWriter::begin(out, &Head::new(what, version))?;
    let mut making = Making { source, frames, tell, section: 0, records: 0 };
    making.control(what.tenant.as_ref()).await?;
    let tenants = match &what.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => making.source.tenants().await?,
    };
    making.calls(&tenants).await?;
    making.frames.end()
}

/// An export that is being written.
struct Making<'a, W> {
    source: Source,
    frames: FrameWriter<W>,
    tell: Tell<'a>,
    section: usize,
    records: u64,
}

impl<W: Write> Making<'_, W> {
    async fn control(&mut self, tenant: Option<&TenantName>) -> Result<(), ExportError> {
        self.entities::<Tenant>("tenants", tenant).await?;
        self.entities::<User>("users", tenant).await?;
        self.entities::<Block>("blocks", tenant).await?;
        self.entities::<NumberEntry>("numbers", tenant).await?;
        if tenant.is_none() {
            self.plans().await?;
            self.decks().await?;
        }
        self.changes(tenant).await?;
        self.issued(tenant).await
    }

    async fn entities<E: Stored>(&mut self, section: &str, tenant: Option<&TenantName>) -> Result<(), ExportError> {
        self.begin(section);
        let mut last: Option<E> = None;
        loop {
            let page = copy::kept::<E>(&mut self.source.transaction, tenant, last.as_ref(), PAGE_ROWS).await?;
            let Some(Kept { value, .. }) = page.last() else { return Ok(()) };
            last = Some(value.clone());
            self.add_all(&page)?;
        }
    }

    async fn plans(&mut self) -> Result<(), ExportError> {
        self.begin("plans");
        let mut last = 0;
        loop {
            // A revision may be large.
            let page = copy::plans(&mut self.source.transaction, last, 8).await?;
            let Some(plan) = page.last() else { break };
            last = plan.revision;
            self.add_all(&page)?;
        }
        self.begin("publications");
        last = 0;
        loop {
            let page = copy::publications(&mut self.source.transaction, last, PAGE_ROWS).await?;
            let Some(publication) = page.last() else { return Ok(()) };
            last = publication.version;
            self.add_all(&page)?;
        }
    }

    /// The decks, then the rows of those that are in force.
    async fn decks(&mut self) -> Result<(), ExportError> {
        self.begin("decks");
        let (mut last, mut revisions): (Option<Deck>, Vec<u64>) = (None, Vec::new());
        loop {
            let page = copy::kept::<Deck>(&mut self.source.transaction, None, last.as_ref(), PAGE_ROWS).await?;
            let Some(Kept { value, .. }) = page.last() else { break };
            last = Some(value.clone());
            revisions.extend(page.iter().filter(|deck| !deck.deleted).map(|deck| deck.value.revision));
            self.add_all(&page)?;
        }
        self.begin("deck_rows");
        for revision in revisions {
            let revision = i64::try_from(revision).map_err(|why| StoreError::Broken(why.to_string()))?;
            let mut last = None;
            loop {
                let transaction = &mut self.source.transaction;
                let page = copy::deck_rows(transaction, revision, last.as_ref(), PAGE_ROWS).await?;
                let Some(row) = page.last() else { break };
                last = Some(row.clone());
                let rows: Vec<_> = page.into_iter().map(|row| DeckRowOf { revision, row }).collect();
                self.add_all(&rows)?;
            }
        }
        Ok(())
    }

    async fn changes(&mut self, tenant: Option<&TenantName>) -> Result<(), ExportError> {
        self.begin("changes");
        let mut last = (0, 0);
        loop {
            let page = copy::changes(&mut self.source.transaction, tenant, last, PAGE_ROWS).await?;
            let Some(change) = page.last() else { return Ok(()) };
            last = (change.version, change.place);
            self.add_all(&page)?;
        }
    }

    /// What was issued for billing, and what waits to be.
    async fn issued(&mut self, tenant: Option<&TenantName>) -> Result<(), ExportError> {
        self.begin("billing_tenants");
        let mut last = String::new();
        loop {
            let page = billing::tenants(&mut self.source.transaction, tenant, &last, PAGE_ROWS).await?;
            let Some(one) = page.last() else { break };
            last = one.tenant.to_string();
            self.add_all(&page)?;
        }
        self.begin("billing_files");
        let mut last = (String::new(), 0);
        loop {
            let page = billing::files(&mut self.source.transaction, tenant, (&last.0, last.1), PAGE_ROWS).await?;
            let Some(file) = page.last() else { break };
            last = (file.head.tenant.clone(), file.head.sequence);
            self.add_all(&page)?;
        }
        self.begin("billing_records");
        let mut last = RecordPlace::default();
        loop {
            let page = billing::records(&mut self.source.transaction, tenant, &last, PAGE_ROWS).await?;
            let Some(record) = page.last() else { return Ok(()) };
            last = record.at();
            self.add_all(&page)?;
        }
    }

    async fn calls(&mut self, tenants: &[TenantName]) -> Result<(), ExportError> {
        self.begin("calls");
        for tenant in tenants {
            let mut last = FIRST_CALL;
            loop {
                let page = self.source.calls(tenant, last).await?;
                let Some(call) = page.last() else { break };
                last = call.at;
                for call in &page {
                    self.add(&encode_call(&call.what.0, call.what.1.as_ref()).map_err(StoreError::Broken)?)?;
                }
            }
        }
        self.begin("contradictions");
        for tenant in tenants {
            let mut last = Place::default();
            loop {
                let page = self.source.contradictions(tenant, last).await?;
                let Some(record) = page.last() else { break };
                last = record.at.clone();
                self.add_entries(page.iter().map(|one| &one.what))?;
            }
        }
        for (section, waiting) in [("events", false), ("waiting_events", true)] {
            self.begin(section);
            for tenant in tenants {
                let mut last = Place::default();
                loop {
                    let page = self.source.events(tenant, last, waiting).await?;
                    let Some(event) = page.last() else { break };
                    last = event.at.clone();
                    self.add_entries(page.iter().map(|one| &one.what))?;
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, section: &str) {
        self.section = SECTIONS.iter().position(|name| *name == section).unwrap_or_default();
    }

    fn add_entries<'e>(&mut self, entries: impl Iterator<Item = &'e Entry>) -> Result<(), ExportError> {
        for entry in entries {
            self.add(&entry.encode().map_err(|why| StoreError::Broken(why.to_string()))?)?;
        }
        Ok(())
    }

    fn add_all(&mut self, records: &[impl Serialize]) -> Result<(), ExportError> {
        for record in records {
            self.add(&encode(record).map_err(StoreError::Broken)?)?;
        }
        Ok(())
    }

    fn add(&mut self, record: &[u8]) -> Result<(), ExportError> {
        self.frames.add(self.section, record)?;
        self.records = self.records.saturating_add(1);
        (self.tell)(self.records);
        Ok(())
    }
}
