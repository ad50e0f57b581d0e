//! A directory of a million users, each with an extension, a device and a number.
//!
//! There are no million numbers that are kept free, so these are of the country code 999, which is no country's.

use telness_core::directory::{Directory, NumberEntry, NumberState, Preferences, User, UserDevice};
use telness_core::number::E164;

/// How many users, and as many numbers.
pub(crate) const USERS: u32 = 1_000_000;

/// The number of one user.
pub(crate) fn number(at: u32) -> E164 {
    format!("+99946{at:07}").parse().unwrap()
}

/// One user.
pub(crate) fn user(at: u32) -> User {
    User {
        name: format!("user-{at}").parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        extension: Some(format!("2{at:06}").parse().unwrap()),
        devices: vec![UserDevice {
            trunk: "carrier-c".parse().unwrap(),
            number: format!("+99970{at:07}").parse().unwrap(),
        }],
        preferences: Preferences::default(),
    }
}

/// The number's entry.
pub(crate) fn entry(at: u32) -> NumberEntry {
    NumberEntry {
        number: number(at),
        state: NumberState::Assigned,
        tenant: "acme".parse().unwrap(),
        user: Some(format!("user-{at}").parse().unwrap()),
        cutover: None,
    }
}

/// The directory.
pub(crate) fn directory() -> Directory {
    let room = USERS as usize;
    let mut directory = Directory::with_room(room, room, room);
    (0..USERS).for_each(|at| directory.put_user(&user(at)));
    (0..USERS).for_each(|at| directory.put_number(&entry(at)));
    directory.version = 1;
    directory
}
