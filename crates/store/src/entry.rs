//! What the journal holds: a call or an event, its clear part apart from the part that can be sealed.

use telness_core::record::{CallEvent, CallRecord, Personal, Routing};

/// One thing to keep.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A call and its decision. The personal part stays the bytes it is until somebody reads it.
    Call {
        /// The clear part.
        routing: Box<Routing>,
        /// The personal part, as JSON; sealed later.
        personal: Vec<u8>,
    },
    /// Something that a switch reported.
    Event(Box<CallEvent>),
}

/// Bytes that are no entry.
#[derive(Debug, thiserror::Error)]
#[error("not a journal entry: {0}")]
pub struct EntryError(pub String);

impl Entry {
    /// The bytes that the journal keeps of a call record.
    ///
    /// # Errors
    /// When the record cannot be written as JSON.
    pub fn encode_call(record: &CallRecord) -> Result<Vec<u8>, EntryError> {
        let _ = record;
        Err(EntryError("not built".to_owned()))
    }

    /// The personal part of a call, read.
    ///
    /// # Errors
    /// When the bytes are not what this version or the one before wrote.
    pub fn personal(bytes: &[u8]) -> Result<Personal, EntryError> {
        serde_json::from_slice(bytes).map_err(|error| EntryError(error.to_string()))
    }

    /// The bytes that the journal keeps.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        Err(EntryError("not built".to_owned()))
    }

    /// Reads what [`Entry::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are not what this version or the one before wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let _ = bytes;
        Err(EntryError("not built".to_owned()))
    }
}
