//! How a plan writes places: codes of municipalities, identities of cells, degrees.

use serde_json::{Value as Json, json};

use super::leaf::{Bad, Leaf, Written, quoted};
use crate::location::{CELL_BYTES_MAX, MUNICIPALITY_BYTES_MAX};

/// A municipality's code, such as 0180.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MunicipalityCode(pub(crate) String);

impl Leaf for MunicipalityCode {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "the code of a municipality, such as 0180";

    fn read(text: &str) -> Result<Self, Bad> {
        let fits =
            (1..=MUNICIPALITY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let help = format!("write 1 to {MUNICIPALITY_BYTES_MAX} characters of ASCII without spaces");
        let refused = || Bad::value(format!("{} is no code of a municipality", quoted(text)), help);
        fits.then(|| Self(text.to_owned())).ok_or_else(refused)
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "pattern": format!("^[!-~]{{1,{MUNICIPALITY_BYTES_MAX}}}$") })
    }
}

/// Cells: one, by its whole identity, or all whose identities begin so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CellPattern {
    /// `240-01-1234-56789`.
    Whole(String),
    /// `240-01-1234-*`.
    Prefix(String),
}

impl Leaf for CellPattern {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "the identity of a cell, or its beginning and `*`";

    fn read(text: &str) -> Result<Self, Bad> {
        let (identity, is_prefix) = text.strip_suffix('*').map_or((text, false), |prefix| (prefix, true));
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'*';
        if !(1..=CELL_BYTES_MAX).contains(&identity.len()) || !identity.bytes().all(plain) {
            let help =
                format!("write 1 to {CELL_BYTES_MAX} characters of ASCII without spaces, and `*` at the end alone");
            return Err(Bad::value(format!("{} is no identity of a cell", quoted(text)), help));
        }
        Ok(if is_prefix { Self::Prefix(identity.to_owned()) } else { Self::Whole(identity.to_owned()) })
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "pattern": format!(r"^[!-)+-~]{{1,{CELL_BYTES_MAX}}}\*?$") })
    }
}

/// Degrees from `-MAX` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Degrees<const MAX: u32>(pub(crate) f64);

impl<const MAX: u32> Leaf for Degrees<MAX> {
    const WRITTEN: Written = Written::Bare;
    const WANTED: &'static str = "degrees";

    fn read(text: &str) -> Result<Self, Bad> {
        let max = f64::from(MAX);
        let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
        let read = text.parse().ok().filter(|degrees: &f64| decimal && (-max..=max).contains(degrees));
        let help = format!("write decimal degrees from -{MAX} to {MAX}, such as 18.0686");
        read.map(Self).ok_or_else(|| Bad::value(format!("{} is no angle of a place", quoted(text)), help))
    }

    fn schema() -> Json {
        json!({ "type": "number", "minimum": -f64::from(MAX), "maximum": f64::from(MAX) })
    }
}
