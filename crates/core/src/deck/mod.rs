//! Rate decks: for a trunk, what a call to a prefix costs, from where and when. Amounts are whole millionths of the
//! currency's unit; nothing passes through a fraction in binary.

mod bounded;
mod csv_file;
mod csv_row;
mod field;
mod lines;

use serde::{Deserialize, Serialize};

pub use csv_file::{DECK_ROWS_MAX, DeckError, DeckFault, DeckReader, FAULTS_MAX};
pub use csv_row::deck_header;

use crate::number::Digits;
use crate::short_text::short_texts;
use crate::time::Timestamp;
use crate::world::Rate;

/// Why a text is not a currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: write the three capital letters of ISO 4217, such as SEK")]
pub struct CurrencyError {
    /// What it was to be.
    pub what: &'static str,
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

short_texts! {
    is_currency, CurrencyError;

    /// A currency by its three letters (ISO 4217).
    Currency = "currency";
}

/// What a call to a prefix costs. Of several rows of a prefix and origin, the one that became valid last counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeckRow {
    /// What the called number begins with, without the plus.
    pub prefix: Digits,
    /// The price of a minute.
    pub price: Rate,
    /// What is paid once, when the call is answered.
    pub connection_fee: Rate,
    /// The least that is charged, in seconds.
    pub first_s: u16,
    /// The steps that are charged afterwards, in seconds.
    pub next_s: u16,
    /// What the calling number begins with, without the plus; none if the row is for every caller.
    pub origin: Option<Digits>,
    /// What a minute costs more from this origin.
    pub surcharge: Rate,
    /// From when on it counts; none if it always has.
    pub valid_from: Option<Timestamp>,
    /// Until when it counts; none if there is no end yet.
    pub valid_until: Option<Timestamp>,
}
