//! What the journal holds: a call or an event, its clear part apart from the part that can be sealed.
//!
//! Version 1 is one byte of version, one of kind, then for a call the length of the routing part in four bytes,
//! least first, the routing part and the personal part; for an event, the event. Each is MessagePack with fields by
//! name, which costs half of what JSON does to write and is as open to new fields. What a version wrote stays
//! readable for ever: `tests/data` keeps examples.

use serde::Serialize;
use serde::de::DeserializeOwned;
use telness_core::record::{CallEvent, CallRecord, Personal, Routing};
use telness_core::time::Timestamp;

/// One thing to keep.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A call and its decision. The personal part stays the bytes it is until somebody reads it.
    Call {
        /// The clear part.
        routing: Box<Routing>,
        /// The personal part, as MessagePack; sealed later.
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
    /// When the record cannot be written.
    pub fn encode_call(record: &CallRecord) -> Result<Vec<u8>, EntryError> {
        let mut bytes = call_head(&record.routing, PERSONAL_BYTES_USUAL)?;
        write(&mut bytes, &record.personal)?;
        Ok(bytes)
    }

    /// When we received it.
    #[must_use]
    pub const fn received_at(&self) -> Timestamp {
        match self {
            Self::Call { routing, .. } => routing.received_at,
            Self::Event(event) => event.received_at,
        }
    }

    /// The personal part of a call, read.
    ///
    /// # Errors
    /// When the bytes are not what this version or the one before wrote.
    pub fn personal(bytes: &[u8]) -> Result<Personal, EntryError> {
        read(bytes)
    }

    /// The bytes of a personal part.
    pub(crate) fn personal_bytes(personal: &Personal) -> Result<Vec<u8>, EntryError> {
        let mut bytes = Vec::new();
        write(&mut bytes, personal)?;
        Ok(bytes)
    }

    /// The bytes that the journal keeps.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        match self {
            Self::Call { routing, personal } => {
                let mut bytes = call_head(routing, personal.len())?;
                bytes.extend_from_slice(personal);
                Ok(bytes)
            }
            Self::Event(event) => {
                let mut bytes = vec![VERSION, EVENT];
                write(&mut bytes, event)?;
                Ok(bytes)
            }
        }
    }

    /// Reads what [`Entry::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are not what this version or the one before wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| EntryError("cut short".to_owned()))?;
        match head {
            [VERSION, CALL] => {
                let (len, rest) = rest.split_first_chunk().ok_or_else(|| EntryError("cut short".to_owned()))?;
                let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
                let (routing, personal) =
                    rest.split_at_checked(len).ok_or_else(|| EntryError("cut short".to_owned()))?;
                let routing = read(routing)?;
                Ok(Self::Call { routing, personal: personal.to_vec() })
            }
            [VERSION, EVENT] => read(rest).map(Self::Event),
            [VERSION, kind] => Err(EntryError(format!("kind {kind} is not known to this version of telness"))),
            [version, _] => Err(EntryError(format!("version {version} is not known to this version of telness"))),
            _ => Err(EntryError("cut short".to_owned())),
        }
    }
}

/// Puts a value at the end of the bytes: fields by name, so that a field can be added.
fn write(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), EntryError> {
    rmp_serde::encode::write_named(bytes, value).map_err(|error| EntryError(error.to_string()))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EntryError> {
    rmp_serde::from_slice(bytes).map_err(|error| EntryError(error.to_string()))
}

/// Everything of a call's bytes but the personal part, with room for that.
fn call_head(routing: &Routing, personal_bytes: usize) -> Result<Vec<u8>, EntryError> {
    let mut bytes = Vec::with_capacity(ROUTING_BYTES_USUAL.saturating_add(personal_bytes));
    bytes.extend_from_slice(&[VERSION, CALL, 0, 0, 0, 0]);
    write(&mut bytes, routing)?;
    let len = bytes.len().saturating_sub(CALL_HEAD_BYTES);
    let len = u32::try_from(len).map_err(|_| EntryError("the routing part is longer than 4 GiB".to_owned()))?;
    for (place, byte) in bytes.iter_mut().skip(HEAD_BYTES).zip(len.to_le_bytes()) {
        *place = byte;
    }
    Ok(bytes)
}

const VERSION: u8 = 1;
const CALL: u8 = 1;
const EVENT: u8 = 2;
/// Version and kind.
const HEAD_BYTES: usize = 2;
/// Version, kind and the length of the routing part.
const CALL_HEAD_BYTES: usize = 6;
/// Room for the head and the routing part, so that the buffer seldom grows.
const ROUTING_BYTES_USUAL: usize = 768;
/// Room for the personal part: two steps and a short trace.
const PERSONAL_BYTES_USUAL: usize = 2_048;
