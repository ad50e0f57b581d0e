//! Who can be called and who holds which number, as people edit it and nodes load it: tenants, users, the inventory of
//! numbers; and the same compiled, as calls are decided on it.

mod chunked;
mod compiled;
mod entities;
mod image;
mod interned;
mod issues;
mod number_entry;
mod rows;
mod table;
mod view;

pub use compiled::Directory;
pub use entities::{
    Block, BlockError, CALLS_PER_S_LIMIT_MAX, DeviceNumber, DeviceNumberError, Language, LanguageError,
};
pub use entities::{Preferences, Tenant, User, UserDevice};
pub use image::{BadImage, Names, NumberImage, Restore, UserImage};
pub use issues::{ISSUES_SHOWN_MAX, Issue, Issues};
pub use number_entry::{NumberEntry, NumberEntryError, NumberStanding, NumberState};
pub use view::{HeldBy, UserView};
