//! The first line of an export: what it is, who made it, and which sections it has.

use serde::{Deserialize, Serialize};
use telness_core::names::TenantName;
use telness_core::time::Timestamp;

use super::records::SECTIONS;
use super::{ExportError, What};

/// The format that this telness writes.
pub const FORMAT: Format = Format { major: 1, minor: 0 };

/// The longest first line.
pub(super) const HEAD_BYTES_MAX: usize = 65_536;

/// The version of the format. A later major one is refused; of a later minor one, sections that are not known here are
/// passed over where the file says that they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// Changes when a reader of before would read something wrong.
    pub major: u32,
    /// Changes when something was added.
    pub minor: u32,
}

/// The first line. Fields that are not known here are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The format.
    pub telness_export: Format,
    /// The version of telness that made it.
    pub telness: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The latest change that it has.
    pub version: i64,
    /// Whose it is; none if it is everybody's.
    #[serde(default)]
    pub tenant: Option<TenantName>,
    /// What tells the server's key from others: numbers are searched and keyed calls named under it.
    #[serde(default)]
    pub key_check: Option<String>,
    /// The sections, in the order in which they come.
    pub sections: Vec<SectionHead>,
}

/// One section of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionHead {
    /// Its name.
    pub name: String,
    /// Whether a telness that does not know it has to refuse the file.
    pub needed: bool,
}

impl Head {
    pub(super) fn new(what: &What, version: i64) -> Self {
        let section = |name: &&str| SectionHead { name: (*name).to_owned(), needed: true };
        Self {
            telness_export: FORMAT,
            telness: what.telness.clone(),
            made_at: what.at,
            version,
            tenant: what.tenant.clone(),
            key_check: what.key_check.clone(),
            sections: SECTIONS.iter().map(section).collect(),
        }
    }

    /// Refuses what this version would read wrong.
    pub(super) fn require_known(&self) -> Result<(), ExportError> {
        let later = |why: String| ExportError::Later { telness: self.telness.clone(), why };
        let Format { major, minor } = self.telness_export;
        if major > FORMAT.major {
            return Err(later(format!("its format is {major}.{minor}, and this one knows {}", FORMAT.major)));
        }
        let unknown = self.sections.iter().find(|section| section.needed && !SECTIONS.contains(&section.name.as_str()));
        unknown.map_or(Ok(()), |section| Err(later(format!("its section {:?} is not known here", section.name))))
    }

    /// The sections that are passed over.
    #[must_use]
    pub fn passed_over(&self) -> Vec<&str> {
        let names = self.sections.iter().map(|section| section.name.as_str());
        names.filter(|name| !SECTIONS.contains(name)).collect()
    }
}
