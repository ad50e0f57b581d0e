//! The codes that the numbers of emergency calls carry, so that whoever takes the call knows where it is from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Located;
use crate::number::Digits;
use crate::plan::TrunkIx;

/// How the numbers of a region's emergency calls are written on trunks that take codes.
#[derive(Clone, Debug)]
pub struct CodeTable {
    /// The trunks that take them; all if none is named.
    pub trunks: BTreeSet<TrunkIx>,
    /// What is written, in order.
    pub format: Box<[CodePart]>,
    /// By municipality.
    pub municipalities: BTreeMap<Arc<str>, Digits>,
    /// Of callers who may be anywhere.
    pub nomadic: Option<Digits>,
    /// Of callers of whom no municipality is known.
    pub unknown: Option<Digits>,
}

/// A part of a number with a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodePart {
    /// These digits.
    Digits(Arc<str>),
    /// The emergency number, as the region dials it.
    Number,
    /// The place's code.
    Code,
}

impl CodeTable {
    /// The code of a place. Of who may be anywhere it is never that of a municipality, whatever is registered or was sent:
    /// whoever takes the call is to ask.
    #[must_use]
    pub fn code_of(&self, located: &Located) -> Option<Digits> {
        if located.nomadic {
            return self.nomadic;
        }
        let known = located.municipality.as_ref().and_then(|code| self.municipalities.get(code).copied());
        known.or(self.unknown)
    }

    /// Whether a trunk takes codes.
    #[must_use]
    pub fn is_for(&self, trunk: TrunkIx) -> bool {
        self.trunks.is_empty() || self.trunks.contains(&trunk)
    }

    /// Writes an emergency number with a code at the end of a text.
    pub fn write(&self, number: &str, code: Digits, text: &mut String) {
        for part in &self.format {
            match part {
                CodePart::Digits(digits) => text.push_str(digits),
                CodePart::Number => text.push_str(number),
                CodePart::Code => code.push_to(text),
            }
        }
    }
}
