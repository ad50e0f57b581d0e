//! Who can be called and who holds which number, as people edit it and nodes load it: tenants, users, the inventory of
//! numbers.

mod entities;
mod number_entry;

pub use entities::{Block, BlockError, DeviceNumber, DeviceNumberError, Language, LanguageError, Preferences, Tenant};
pub use entities::{User, UserDevice};
pub use number_entry::{NumberEntry, NumberEntryError, NumberState};
