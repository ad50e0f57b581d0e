//! What becomes of a record that the store does not take though it takes others (S4): after some attempts alone it is set
//! aside, what follows goes on, and it is offered again at the next start.

use std::io;

use telness_store::{Entry, Position, Shipment, StoreError};

use super::{Shipper, unavailable};

/// How often a record alone is tried before it is set aside.
pub(in crate::recorder) const ATTEMPTS: u32 = 5;

/// So many in a row are no defect of theirs: then the store is waited for, as when it takes nothing.
pub(in crate::recorder) const IN_A_ROW_MAX: u32 = 3;

/// What is known of the record that was shipped alone last.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// Where it stands.
    alone: Option<Position>,
    /// How often the store refused it.
    times: u32,
    /// How many were set aside since the store took one.
    in_a_row: u32,
}

impl Refused {
    /// What is about to be shipped.
    pub(super) fn tries(&mut self, rows: &[(Position, Vec<u8>)]) {
        let alone = match rows {
            [(at, _)] => Some(*at),
            _ => None,
        };
        if alone != self.alone {
            (self.alone, self.times) = (alone, 0);
        }
    }

    /// The store took it.
    pub(super) fn taken(&mut self) {
        *self = Self::default();
    }

    /// The place of a record that the store has now refused often enough, once.
    fn refused_again(&mut self) -> Option<Position> {
        self.times = self.times.saturating_add(1);
        self.alone.take_if(|_| self.times >= ATTEMPTS && self.in_a_row < IN_A_ROW_MAX)
    }
}

impl Shipper {
    /// Sets the record aside that the store refuses each time, if it is that one's fault. True if what follows can go on.
    pub(super) async fn set_aside_refused(&mut self, error: &StoreError) -> bool {
        let StoreError::Broken(why) = error else { return false };
        let Some(at) = self.refused.refused_again() else { return false };
        // A store that takes nothing else either is waited for.
        if self.store.check().await.is_err() {
            return false;
        }
        let kept = self.next_record().and_then(|bytes| self.set_aside(at, &bytes, why));
        if let Err(error) = kept {
            tracing::error!(%error, "a record that the store refuses cannot be set aside, and holds up what is behind it");
            return false;
        }
        self.refused.in_a_row = self.refused.in_a_row.saturating_add(1);
        self.shared.note(|shipped| shipped.position = at);
        true
    }

    /// The bytes of the record that is to be shipped next.
    fn next_record(&mut self) -> io::Result<Vec<u8>> {
        let from = self.shared.shipped.borrow().position;
        let rows = self.reader.after(from, 1).map_err(io::Error::other)?;
        rows.into_iter()
            .next()
            .map(|(_, bytes)| bytes)
            .ok_or_else(|| io::Error::other("it is not in the journal any more"))
    }

    /// Keeps a record beside the journal. One that is there was told of.
    fn set_aside(&self, at: Position, bytes: &[u8], why: &str) -> io::Result<()> {
        let Some(path) = self.aside.keep(self.reader.id(), at, bytes)? else { return Ok(()) };
        self.count_aside(self.aside.names()?.len());
        let path = path.display();
        tracing::error!(%path, why, "a record is set aside, for the store does not take it; it is offered again at the next start");
        Ok(())
    }

    fn count_aside(&self, records: usize) {
        self.shared.metrics.records_set_aside.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// Reads a record; one that this version cannot read is set aside.
    pub(super) fn read(&self, at: Position, bytes: &[u8]) -> Result<Option<Entry>, StoreError> {
        match Entry::decode(bytes) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) => {
                let kept = self.set_aside(at, bytes, &error.to_string());
                kept.map(|()| None).map_err(|why| unavailable(&why))
            }
        }
    }

    /// Notes what was set aside before this start.
    pub(super) fn look_aside(&mut self) {
        match self.aside.names() {
            Ok(names) => {
                self.count_aside(names.len());
                self.to_offer = names.into_iter().rev().collect();
            }
            Err(error) => tracing::error!(%error, "what was set aside of the journal cannot be read"),
        }
    }

    /// Offers the store one of the records that were set aside before this start. False if none is left.
    pub(super) async fn offer_again(&mut self) -> Result<bool, StoreError> {
        let Some(name) = self.to_offer.pop() else { return Ok(false) };
        let entry = self.aside.read(&name).map_err(|why| why.to_string());
        let entry = entry.and_then(|bytes| Entry::decode(&bytes).map_err(|why| why.to_string()));
        let taken = match entry {
            Ok(entry) => self.ship_again(entry).await,
            Err(why) => Err(StoreError::Broken(why)),
        };
        match taken {
            Ok(()) => {
                self.aside.forget(&name).map_err(|why| unavailable(&why))?;
                self.shared.metrics.records_set_aside.dec();
                tracing::info!(name, "the store took a record that had been set aside");
            }
            Err(StoreError::Broken(why)) => tracing::warn!(name, why, "a record stays aside"),
            Err(passes) => {
                self.to_offer.push(name);
                return Err(passes);
            }
        }
        Ok(true)
    }

    /// Ships one record out of its turn: how far the journal was shipped stays as it is.
    async fn ship_again(&self, entry: Entry) -> Result<(), StoreError> {
        let (journal, after) = (self.reader.id(), self.stored);
        let shipment = Shipment { journal, after, upto: after.unwrap_or_default(), entries: vec![entry] };
        self.store.ship(shipment).await.map(drop)
    }
}
